#define _GNU_SOURCE
#include "cfiles.h"
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

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

bool cfiles_is_remote(const char *path) {
    struct statfs raw;
    if (statfs(path, &raw) != 0)
        return false;
    switch ((uint32_t)raw.f_type) {
    case NFS_SUPER_MAGIC:
    case SMB_SUPER_MAGIC:
    case CIFS_SUPER_MAGIC:
    case SMB2_SUPER_MAGIC:
    case V9FS_MAGIC:
    case AFS_SUPER_MAGIC:
    case CODA_SUPER_MAGIC:
    case CEPH_SUPER_MAGIC:
    case FUSE_SUPER_MAGIC:
    case 0x0bd00bd0: // Lustre
    case 0x47504653: // GPFS
        return true;
    default:
        return false;
    }
}
