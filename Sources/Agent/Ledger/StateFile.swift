import Foundation

/// Files of the state folder that are replaced as a whole.
enum StateFile {
    /// Written beside, renamed; synced, with its folder, unless it may be lost in a power cut.
    static func replace(
        _ path: String, with bytes: [UInt8], isSynced: Bool = true
    ) throws(AgentError) {
        let temporary = path + ".tmp"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { throw .system("creating", temporary) }
        defer { close(descriptor) }
        var done = 0
        while done < bytes.count {
            let written = bytes[done...].withUnsafeBytes {
                write(descriptor, $0.baseAddress, $0.count)
            }
            guard written > 0 else { throw .system("writing", temporary) }
            done += written
        }
        guard !isSynced || fsync(descriptor) == 0, rename(temporary, path) == 0 else {
            throw .system("writing", path)
        }
        guard isSynced else { return }
        let folder = open(FollowedFile.split(path).folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { return }
        // Some file systems sync no folders: then the rename is as safe as they make it.
        fsync(folder)
        close(folder)
    }
}
