// What the process holds of memory: settings of the allocator (mallopt(3)), which Swift's Glibc module
// does not show, and pages of code.
#pragma once

#include <stddef.h>

/// Two arenas instead of eight per core: what one thread frees another can use. Buffers from `heap` bytes on
/// come from the kernel and go back to it at once instead of fraying the heap; of what is free at its end
/// `kept` bytes stay.
void cmemory_settle(size_t heap, size_t kept);

/// Gives back memory that was freed, and that of code and constants which were needed once, as at the
/// start: pages that are used come back by themselves, from the file or the kernel's cache of it, sixteen
/// at a time. Takes well under a millisecond, and so does what comes back.
void cmemory_give_back(void);
