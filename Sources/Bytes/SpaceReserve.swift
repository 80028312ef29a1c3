import Foundation

/// A file that only takes room, given up when the disk is full: for what must be written even then.
package struct SpaceReserve: Sendable {
    /// Taken only when so many times its size is free, so that a full disk does not fill again at once.
    private static let freeBefore = 16

    private let folder: String
    private let bytes: Int
    private var path: String { folder + "/reserve" }

    package init(folder: String, bytes: Int) {
        self.folder = folder
        self.bytes = bytes
    }

    /// Takes the room if there is plenty. Without it everything works until the disk is full.
    package func take() {
        var found = stat()
        if stat(path, &found) == 0, Int(found.st_size) == bytes { return }
        var disk = statvfs()
        guard statvfs(folder, &disk) == 0,
            UInt64(disk.f_bavail) * UInt64(disk.f_frsize) >= UInt64(bytes * Self.freeBefore)
        else { return }
        let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { return }
        let taken = posix_fallocate(descriptor, 0, off_t(bytes)) == 0
        close(descriptor)
        if !taken { unlink(path) }
    }

    /// True when there was room to give up.
    package func release() -> Bool { unlink(path) == 0 }
}
