// Kernels that want vector instructions: substring search, JSON strings and CRC32C. Each picks the best variant
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

/// Offset of the quote that ends a JSON string, `from` lying inside it, or CSCAN_NOT_FOUND; sets
/// `escaped` where a backslash comes first.
size_t cscan_json_string_end(
    const uint8_t *_Nonnull text, size_t n, size_t from, int *_Nonnull escaped);

typedef enum {
    CSCAN_FINE,
    CSCAN_CUT_SHORT,
    CSCAN_UNKNOWN_ESCAPE,
    CSCAN_NO_HEX,
    CSCAN_HALF_PAIR,
} cscan_fault;

typedef struct {
    /// Bytes of the result, or of what came before the fault.
    size_t written;
    cscan_fault fault;
    /// Where the fault is in what was given.
    size_t at;
} cscan_unescaped;

/// Resolves the escapes of a JSON string in place. Half a surrogate pair becomes U+FFFD, or is a
/// fault with `refusing_halves`.
cscan_unescaped cscan_json_unescape(uint8_t *_Nonnull text, size_t n, int refusing_halves);

/// CRC-32C (Castagnoli), as in RFC 3720, appendix B.4. `seed` is the CRC of the bytes before.
uint32_t cscan_crc32c(const uint8_t *_Nonnull bytes, size_t n, uint32_t seed);
