#include "cscan.h"

static int holds(const cscan_sets *sets, const uint8_t *text) {
    for (size_t i = 0; i < sets->length; i++)
        if (!(sets->places[text[i]] >> i & 1)) return 0;
    return 1;
}

static size_t find_plain(const uint8_t *text, size_t from, size_t n, const cscan_sets *sets) {
    for (size_t i = from; i + sets->length <= n; i++)
        if (holds(sets, text + i)) return i;
    return CSCAN_NOT_FOUND;
}

#if defined(__x86_64__)
#include <immintrin.h>

// The upper half of a byte chooses one of eight groups, the lower half what a set has in each of them: two
// lookups tell of 32 bytes whether they are in a set. Control characters share a group, and so does all that
// is beyond ASCII: what is found is looked at again, byte by byte.
static const uint8_t group[16] = {1, 1, 2, 4, 8, 16, 32, 64, 128, 128, 128, 128, 128, 128, 128, 128};

__attribute__((target("avx2,bmi"))) static size_t find_avx2(
    const uint8_t *text, size_t n, const cscan_sets *sets) {
    const __m256i groups = _mm256_broadcastsi128_si256(_mm_loadu_si128((const void *)group));
    const __m256i half = _mm256_set1_epi8(15), zero = _mm256_setzero_si256();
    __m256i low[CSCAN_SETS_LOOKED_AT];
    size_t count = sets->looked_at;
    for (size_t p = 0; p < count; p++)
        low[p] = _mm256_broadcastsi128_si256(_mm_loadu_si128((const void *)sets->low[p]));
    size_t i = 0;
    for (; i + sets->length - 1 + 32 <= n; i += 32) {
        uint32_t places = ~0u;
        for (size_t p = 0; p < count && places; p++) {
            __m256i bytes = _mm256_loadu_si256((const void *)(text + i + sets->offset[p]));
            __m256i found = _mm256_and_si256(
                _mm256_shuffle_epi8(low[p], _mm256_and_si256(bytes, half)),
                _mm256_shuffle_epi8(groups, _mm256_and_si256(_mm256_srli_epi16(bytes, 4), half)));
            places &= ~(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(found, zero));
        }
        for (; places; places &= places - 1) {
            size_t at = i + (size_t)__builtin_ctz(places);
            if (holds(sets, text + at)) return at;
        }
    }
    return find_plain(text, i, n, sets);
}

static uint8_t bit_of(unsigned byte) { return group[byte >> 4]; }
#else
static uint8_t bit_of(unsigned byte) { return 0; }
#endif

void cscan_sets_look_at(cscan_sets *sets, size_t place) {
    if (sets->looked_at >= CSCAN_SETS_LOOKED_AT || place >= sets->length) return;
    size_t p = sets->looked_at++;
    sets->offset[p] = place;
    for (unsigned byte = 0; byte < 256; byte++)
        if (sets->places[byte] >> place & 1) sets->low[p][byte & 15] |= bit_of(byte);
}

size_t cscan_find_sets(const uint8_t *text, size_t n, const cscan_sets *sets) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) return find_avx2(text, n, sets);
#endif
    return find_plain(text, 0, n, sets);
}
