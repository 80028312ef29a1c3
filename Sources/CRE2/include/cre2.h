// A C face of RE2, the engine whose syntax and semantics LogQL has.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cre2 cre2;

/// NULL when the pattern does not compile: then `error` has the reason, cut to its size.
cre2 *_Nullable cre2_new(
    const char *_Nonnull pattern, size_t length, int64_t max_memory_bytes, char *_Nonnull error,
    size_t error_size);
void cre2_free(cre2 *_Nonnull regexp);

int cre2_group_count(const cre2 *_Nonnull regexp);
/// Writes the name of a group, cut to its size; false when the group has none.
bool cre2_group_name(const cre2 *_Nonnull regexp, int group, char *_Nonnull name, size_t size);

bool cre2_matches(const cre2 *_Nonnull regexp, const void *_Nonnull text, size_t n);
/// Unanchored search from an offset. Fills start and end of groups 0..<count; a group that took no
/// part gets (size_t)-1 twice.
bool cre2_search(
    const cre2 *_Nonnull regexp, const void *_Nonnull text, size_t n, size_t from, int count,
    size_t *_Nonnull starts, size_t *_Nonnull ends);

#ifdef __cplusplus
}
#endif
