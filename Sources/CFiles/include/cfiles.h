// What Swift's Glibc module does not show: the time of birth of statx(2), the kinds of statfs(2).
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct cfiles_status {
    uint64_t device;
    uint64_t inode;
    int64_t birth_ns; // 0 where the file system does not tell
    int64_t size;
    uint32_t links;
    bool is_regular;
    int64_t modified_s;
};

/// Of the file under a path, or of an open descriptor when the path is NULL. False: see errno.
bool cfiles_status(int descriptor, const char *_Nullable path, struct cfiles_status *_Nonnull out);

/// True when the path lies on a file system that is changed by other machines, or by programs, behind
/// the kernel's back: inotify tells nothing of that.
bool cfiles_is_remote(const char *_Nonnull path);
