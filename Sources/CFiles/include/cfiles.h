// statx(2), whose time of birth Swift's Glibc module does not show.
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
