#include "cscan.h"
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#define WIDE 16
// Bits of those of 16 bytes that are `a` or `b`.
static inline uint32_t either(const uint8_t *text, char a, char b) {
    __m128i bytes = _mm_loadu_si128((const void *)text);
    return (uint32_t)_mm_movemask_epi8(
        _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(a)), _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b))));
}
#endif

size_t cscan_json_string_end(const uint8_t *text, size_t n, size_t from, int *escaped) {
    size_t at = from;
    while (at < n) {
#if defined(WIDE)
        if (at + WIDE <= n) {
            uint32_t places = either(text + at, '"', '\\');
            if (!places) {
                at += WIDE;
                continue;
            }
            at += (size_t)__builtin_ctz(places);
        }
#endif
        if (text[at] == '"') return at;
        if (text[at] == '\\') {
            *escaped = 1;
            at += 2;
        } else {
            at++;
        }
    }
    return CSCAN_NOT_FOUND;
}

static int hex(uint8_t c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

// Four digits at `at`; the fault is told in `result`.
static int hex4(const uint8_t *text, size_t n, size_t at, cscan_unescaped *result) {
    if (n - at < 4) {
        result->fault = CSCAN_CUT_SHORT;
        result->at = at;
        return -1;
    }
    int value = 0;
    for (size_t i = at; i < at + 4; i++) {
        int digit = hex(text[i]);
        if (digit < 0) {
            result->fault = CSCAN_NO_HEX;
            result->at = i;
            return -1;
        }
        value = value << 4 | digit;
    }
    return value;
}

static size_t put_utf8(uint8_t *out, uint32_t c) {
    if (c < 0x80) {
        out[0] = (uint8_t)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (uint8_t)(0xC0 | c >> 6);
        out[1] = (uint8_t)(0x80 | (c & 0x3F));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (uint8_t)(0xE0 | c >> 12);
        out[1] = (uint8_t)(0x80 | (c >> 6 & 0x3F));
        out[2] = (uint8_t)(0x80 | (c & 0x3F));
        return 3;
    }
    out[0] = (uint8_t)(0xF0 | c >> 18);
    out[1] = (uint8_t)(0x80 | (c >> 12 & 0x3F));
    out[2] = (uint8_t)(0x80 | (c >> 6 & 0x3F));
    out[3] = (uint8_t)(0x80 | (c & 0x3F));
    return 4;
}

// The scalar of the digits at *at, and of a second escape behind them where both are a pair.
static uint32_t scalar(
    const uint8_t *text, size_t n, size_t *at, int refusing_halves, cscan_unescaped *result) {
    size_t place = *at;
    int high = hex4(text, n, place, result);
    if (high < 0) return 0;
    *at = place + 4;
    if (high < 0xD800 || high > 0xDFFF) return (uint32_t)high;
    if (high < 0xDC00 && n - *at >= 6 && text[*at] == '\\' && text[*at + 1] == 'u') {
        cscan_unescaped unused = {0};
        int low = hex4(text, n, *at + 2, &unused);
        if (low >= 0xDC00 && low <= 0xDFFF) {
            *at += 6;
            return 0x10000u + (((uint32_t)high - 0xD800u) << 10) + ((uint32_t)low - 0xDC00u);
        }
    }
    if (refusing_halves) {
        result->fault = CSCAN_HALF_PAIR;
        result->at = place;
    }
    return 0xFFFD;
}

// What a letter behind a backslash stands for.
static uint8_t plain_escape(uint8_t letter) {
    switch (letter) {
    case 'n': return '\n';
    case 't': return '\t';
    case 'r': return '\r';
    case 'b': return '\b';
    case 'f': return '\f';
    case '"':
    case '\\':
    case '/': return letter;
    default: return 0;
    }
}

// An escape is never shorter than what it stands for, so writing never overtakes reading.
cscan_unescaped cscan_json_unescape(uint8_t *text, size_t n, int refusing_halves) {
    cscan_unescaped result = {0};
    size_t at = 0, out = 0;
    while (at < n) {
#if defined(WIDE)
        if (at + WIDE <= n) {
            uint32_t places = either(text + at, '\\', '\\');
            size_t run = places ? (size_t)__builtin_ctz(places) : WIDE;
            if (out != at) memmove(text + out, text + at, run);
            at += run;
            out += run;
            if (!places) continue;
        }
#endif
        if (text[at] != '\\') {
            text[out++] = text[at++];
            continue;
        }
        if (at + 1 >= n) {
            result.fault = CSCAN_CUT_SHORT;
            result.at = at;
            break;
        }
        uint8_t plain = plain_escape(text[at + 1]);
        if (plain) {
            text[out++] = plain;
            at += 2;
        } else if (text[at + 1] == 'u') {
            at += 2;
            uint32_t c = scalar(text, n, &at, refusing_halves, &result);
            if (result.fault) break;
            out += put_utf8(text + out, c);
        } else {
            result.fault = CSCAN_UNKNOWN_ESCAPE;
            result.at = at;
            break;
        }
    }
    result.written = out;
    return result;
}
