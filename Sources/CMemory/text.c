#define _GNU_SOURCE
#include "cmemory.h"
#include <link.h>
#if defined(__GLIBC__)
#include <malloc.h>
#endif
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

static int drop(struct dl_phdr_info *info, size_t size, void *data) {
    (void)size;
    (void)data;
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        // Code and constants are never written to: the file has all of them. Anything else may be.
        if (part->p_type != PT_LOAD || part->p_flags & PF_W)
            continue;
        uintptr_t start = (info->dlpi_addr + part->p_vaddr) & ~(page - 1);
        uintptr_t end = (info->dlpi_addr + part->p_vaddr + part->p_memsz) & ~(page - 1);
        if (end > start && part->p_filesz == part->p_memsz)
            madvise((void *)start, end - start, MADV_DONTNEED);
    }
    return 0;
}

void cmemory_give_back(void) {
#if defined(__GLIBC__)
    // The allocator keeps what was freed in its middle otherwise.
    malloc_trim(0);
#endif
    dl_iterate_phdr(drop, NULL);
}
