// The allocator's settings (mallopt(3)), which Swift's Glibc module does not show.
#pragma once

/// Two arenas instead of eight per core: what one thread frees another can use. Large buffers come
/// from the kernel and go back to it at once instead of fraying the heap.
void cmemory_settle(void);
