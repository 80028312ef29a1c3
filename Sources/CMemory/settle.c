#include "cmemory.h"
#if defined(__GLIBC__) || defined(__linux__)
#include <malloc.h>
#endif

void cmemory_settle(size_t heap, size_t kept) {
#if defined(__GLIBC__)
    mallopt(M_ARENA_MAX, 2);
    mallopt(M_MMAP_THRESHOLD, (int)heap);
    mallopt(M_TRIM_THRESHOLD, (int)kept);
#else
    (void)heap;
    (void)kept;
#endif
}
