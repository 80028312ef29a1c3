#define _GNU_SOURCE
#include "cscan.h"
#include <string.h>

static size_t find_plain(const uint8_t *text, size_t from, size_t n, const uint8_t *needle, size_t k) {
    if (from > n || n - from < k) return CSCAN_NOT_FOUND;
    const uint8_t *hit = memmem(text + from, n - from, needle, k);
    return hit ? (size_t)(hit - text) : CSCAN_NOT_FOUND;
}

static inline uint8_t lower(uint8_t c) { return c >= 'A' && c <= 'Z' ? c | 32 : c; }

static inline int equal_ignoring_case(const uint8_t *a, const uint8_t *lowered, size_t k) {
    for (size_t i = 0; i < k; i++)
        if (lower(a[i]) != lowered[i]) return 0;
    return 1;
}

static size_t find_plain_ignoring_case(
    const uint8_t *text, size_t from, size_t n, const uint8_t *needle, size_t k) {
    for (size_t i = from; i + k <= n; i++)
        if (equal_ignoring_case(text + i, needle, k)) return i;
    return CSCAN_NOT_FOUND;
}

#if defined(__x86_64__)
#include <immintrin.h>

// Compares the first and the last byte of the needle at 32 places at once; only places where both
// agree are compared in full.
__attribute__((target("avx2,bmi"))) static size_t find_avx2(
    const uint8_t *text, size_t n, const uint8_t *needle, size_t k) {
    const __m256i first = _mm256_set1_epi8((char)needle[0]);
    const __m256i last = _mm256_set1_epi8((char)needle[k - 1]);
    size_t i = 0;
    for (; i + k - 1 + 32 <= n; i += 32) {
        __m256i a = _mm256_loadu_si256((const void *)(text + i));
        __m256i b = _mm256_loadu_si256((const void *)(text + i + k - 1));
        uint32_t places = (uint32_t)_mm256_movemask_epi8(
            _mm256_and_si256(_mm256_cmpeq_epi8(a, first), _mm256_cmpeq_epi8(b, last)));
        for (; places; places &= places - 1) {
            size_t at = i + (size_t)__builtin_ctz(places);
            if (k <= 2 || memcmp(text + at + 1, needle + 1, k - 2) == 0) return at;
        }
    }
    return find_plain(text, i, n, needle, k);
}

// Setting bit 5 maps both cases of a letter to the lower one; other bytes are compared as they are.
__attribute__((target("avx2,bmi"))) static size_t find_avx2_ignoring_case(
    const uint8_t *text, size_t n, const uint8_t *needle, size_t k) {
    uint8_t f = needle[0], l = needle[k - 1];
    const __m256i fold_first = _mm256_set1_epi8(f >= 'a' && f <= 'z' ? 32 : 0);
    const __m256i fold_last = _mm256_set1_epi8(l >= 'a' && l <= 'z' ? 32 : 0);
    const __m256i first = _mm256_set1_epi8((char)f), last = _mm256_set1_epi8((char)l);
    size_t i = 0;
    for (; i + k - 1 + 32 <= n; i += 32) {
        __m256i a = _mm256_or_si256(_mm256_loadu_si256((const void *)(text + i)), fold_first);
        __m256i b = _mm256_or_si256(_mm256_loadu_si256((const void *)(text + i + k - 1)), fold_last);
        uint32_t places = (uint32_t)_mm256_movemask_epi8(
            _mm256_and_si256(_mm256_cmpeq_epi8(a, first), _mm256_cmpeq_epi8(b, last)));
        for (; places; places &= places - 1) {
            size_t at = i + (size_t)__builtin_ctz(places);
            if (equal_ignoring_case(text + at, needle, k)) return at;
        }
    }
    return find_plain_ignoring_case(text, i, n, needle, k);
}
#endif

size_t cscan_find(const uint8_t *text, size_t n, const uint8_t *needle, size_t k) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) return find_avx2(text, n, needle, k);
#endif
    return find_plain(text, 0, n, needle, k);
}

size_t cscan_find_ignoring_case(const uint8_t *text, size_t n, const uint8_t *needle, size_t k) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) return find_avx2_ignoring_case(text, n, needle, k);
#endif
    return find_plain_ignoring_case(text, 0, n, needle, k);
}
