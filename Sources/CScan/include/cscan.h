// Kernels that want vector instructions: search for substrings and sets of bytes, JSON strings and CRC32C. Each
// picks the best variant of the processor at run time; every variant gives the same answer.
#pragma once
#include <stddef.h>
#include <stdint.h>

#define CSCAN_NOT_FOUND ((size_t)-1)

/// Offset of the first occurrence of a needle of k >= 1 bytes in n bytes, or CSCAN_NOT_FOUND.
size_t cscan_find(const uint8_t *_Nonnull text, size_t n, const uint8_t *_Nonnull needle, size_t k);

/// The same, ignoring the case of ASCII letters; the needle must be in lower case.
size_t cscan_find_ignoring_case(
    const uint8_t *_Nonnull text, size_t n, const uint8_t *_Nonnull needle, size_t k);

#define CSCAN_SETS_LOOKED_AT 4

/// Bytes that may stand side by side.
typedef struct {
    /// How many, 1 to 8.
    size_t length;
    /// Of each byte, bit i: whether it may stand at place i.
    uint8_t places[256];
    /// Those that are looked at for many places of a text at once, chosen by `cscan_sets_look_at`.
    size_t looked_at;
    size_t offset[CSCAN_SETS_LOOKED_AT];
    uint8_t low[CSCAN_SETS_LOOKED_AT][16];
} cscan_sets;

/// Looks at a place first: those where few bytes may stand should be. More than CSCAN_SETS_LOOKED_AT are not.
void cscan_sets_look_at(cscan_sets *_Nonnull sets, size_t place);

/// Offset of the first `length` bytes that may stand so, or CSCAN_NOT_FOUND.
size_t cscan_find_sets(const uint8_t *_Nonnull text, size_t n, const cscan_sets *_Nonnull sets);

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
