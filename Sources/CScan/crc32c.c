#include "cscan.h"
#include <string.h>

// The reflected polynomial 0x1EDC6F41.
static uint32_t step(uint32_t crc, uint8_t byte) {
    crc ^= byte;
    for (int bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >> 1 ^ 0x82F63B78u : crc >> 1;
    return crc;
}

static uint32_t table[256];

__attribute__((constructor)) static void make_table(void) {
    for (int i = 0; i < 256; i++) table[i] = step(0, (uint8_t)i);
}

static uint32_t by_table(const uint8_t *bytes, size_t n, uint32_t crc) {
    for (size_t i = 0; i < n; i++) crc = table[(crc ^ bytes[i]) & 0xFF] ^ crc >> 8;
    return crc;
}

#if defined(__x86_64__)
#include <nmmintrin.h>
__attribute__((target("sse4.2"))) static uint32_t by_instruction(
    const uint8_t *bytes, size_t n, uint32_t crc) {
    uint64_t wide = crc;
    for (; n >= 8; bytes += 8, n -= 8) {
        uint64_t word;
        memcpy(&word, bytes, 8);
        wide = _mm_crc32_u64(wide, word);
    }
    crc = (uint32_t)wide;
    for (; n; bytes++, n--) crc = _mm_crc32_u8(crc, *bytes);
    return crc;
}
#endif

uint32_t cscan_crc32c(const uint8_t *bytes, size_t n, uint32_t seed) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.2")) return ~by_instruction(bytes, n, ~seed);
#endif
    return ~by_table(bytes, n, ~seed);
}
