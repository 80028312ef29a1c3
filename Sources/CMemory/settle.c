#include "cmemory.h"
#if defined(__GLIBC__) || defined(__linux__)
#include <malloc.h>
#endif

void cmemory_settle(void) {
#if defined(__GLIBC__)
    mallopt(M_ARENA_MAX, 2);
    mallopt(M_MMAP_THRESHOLD, 1 << 20);
    mallopt(M_TRIM_THRESHOLD, 8 << 20);
#endif
}
