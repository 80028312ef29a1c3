// Kernels that want vector instructions: substring search and CRC32C. Each picks the best variant
// of the processor at run time; every variant gives the same answer.
#pragma once
#include <stddef.h>
#include <stdint.h>

#define CSCAN_NOT_FOUND ((size_t)-1)

/// Offset of the first occurrence of a needle of k >= 1 bytes in n bytes, or CSCAN_NOT_FOUND.
size_t cscan_find(const uint8_t *_Nonnull text, size_t n, const uint8_t *_Nonnull needle, size_t k);

/// The same, ignoring the case of ASCII letters; the needle must be in lower case.
size_t cscan_find_ignoring_case(
    const uint8_t *_Nonnull text, size_t n, const uint8_t *_Nonnull needle, size_t k);

/// CRC-32C (Castagnoli), as in RFC 3720, appendix B.4. `seed` is the CRC of the bytes before.
uint32_t cscan_crc32c(const uint8_t *_Nonnull bytes, size_t n, uint32_t seed);
