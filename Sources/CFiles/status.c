#define _GNU_SOURCE
#include "cfiles.h"
#include <fcntl.h>
#include <sys/stat.h>

bool cfiles_status(int descriptor, const char *path, struct cfiles_status *out) {
    struct statx raw;
    int flags = path ? 0 : AT_EMPTY_PATH;
    if (statx(path ? AT_FDCWD : descriptor, path ? path : "", flags, STATX_BASIC_STATS | STATX_BTIME, &raw) != 0)
        return false;
    out->device = (uint64_t)raw.stx_dev_major << 32 | raw.stx_dev_minor;
    out->inode = raw.stx_ino;
    out->birth_ns = raw.stx_mask & STATX_BTIME ? raw.stx_btime.tv_sec * 1000000000LL + raw.stx_btime.tv_nsec : 0;
    out->size = (int64_t)raw.stx_size;
    out->links = raw.stx_nlink;
    out->is_regular = S_ISREG(raw.stx_mode);
    out->modified_s = raw.stx_mtime.tv_sec;
    return true;
}
