import Foundation

/// A file that only takes room, given up when the disk is full: retention frees space by commits,
/// which need some themselves.
struct SpaceReserve: Sendable {
    /// A few commits of the catalog with their log.
    private static let bytes = 4 * 1024 * 1024
    /// Taken back only when so much is free, so that a full disk does not fill again at once.
    private static let freeBefore = 16 * bytes

    private let folder: String
    private var path: String { folder + "/reserve" }

    init(folder: String) { self.folder = folder }

    /// Takes the room if there is plenty. Without it everything works until the disk is full.
    func take() {
        var found = stat()
        if stat(path, &found) == 0, Int(found.st_size) == Self.bytes { return }
        var disk = statvfs()
        guard statvfs(folder, &disk) == 0,
            UInt64(disk.f_bavail) * UInt64(disk.f_frsize) >= UInt64(Self.freeBefore)
        else { return }
        let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { return }
        let taken = posix_fallocate(descriptor, 0, off_t(Self.bytes)) == 0
        close(descriptor)
        if !taken { unlink(path) }
    }

    /// True when there was room to give up.
    func release() -> Bool { unlink(path) == 0 }
}
