import Foundation

/// Keeps a folder for one process: an advisory lock that ends with it, however it ends.
final class FolderLock: Sendable {
    private let descriptor: Int32

    init(folder: String) throws(StorageError) {
        let path = folder + "/lock"
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { throw .system("opening", path) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            var text = [UInt8](repeating: 0, count: 32)
            let count = read(descriptor, &text, text.count)
            let holder = String(decoding: text.prefix(max(0, count)), as: UTF8.self)
            throw .locked(
                path: folder, by: holder.isEmpty ? "another process" : "process \(holder)")
        }
        // The number is for people only: the lock is what counts.
        ftruncate(descriptor, 0)
        let number = Array(String(getpid()).utf8)
        _ = number.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, 0) }
    }

    deinit { close(descriptor) }
}
