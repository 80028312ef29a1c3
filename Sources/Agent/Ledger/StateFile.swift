import Foundation

/// What the files of the state folder, and of outputs, are written with.
enum StateFile {
    /// Returns when the kernel has all of it: a full disk takes a part at first, and says why only when it
    /// is asked for the rest.
    static func write(
        _ bytes: some Collection<UInt8>, to descriptor: Int32, _ path: String
    ) throws(AgentError) {
        let bytes = ContiguousArray(bytes)
        var done = 0
        while done < bytes.count {
            let count = bytes[done...].withUnsafeBytes {
                Foundation.write(descriptor, $0.baseAddress, $0.count)
            }
            if count < 0, errno == EINTR || errno == EAGAIN { continue }
            guard count > 0 else { throw .system("writing", path) }
            done += count
        }
    }

    /// The same at the end of a file, synced unless it may be lost in a power cut. Throws when it is not
    /// there; then nothing of it is, so that trying again is safe.
    static func append(
        _ bytes: some Collection<UInt8>, to descriptor: Int32, _ path: String,
        isSynced: Bool = true
    ) throws(AgentError) {
        let end = lseek(descriptor, 0, SEEK_END)
        do throws(AgentError) {
            try write(bytes, to: descriptor, path)
            guard !isSynced || fsync(descriptor) == 0 else {
                throw AgentError.system("syncing", path)
            }
        } catch {
            if end >= 0 { ftruncate(descriptor, end) }
            throw error
        }
    }

    /// Whole lines at the end of a file that is made where there is none. Half a line, as a power cut, a kill
    /// or a full disk leaves it, does not take the next one with it.
    static func append(
        lines: [UInt8], to path: String, isSynced: Bool = true
    ) throws(AgentError) {
        // Opened each time: the file may have been rotated. Some may be written only.
        let flags = O_CREAT | O_APPEND | O_CLOEXEC
        var descriptor = open(path, O_RDWR | flags, 0o640)
        if descriptor < 0, errno == EACCES { descriptor = open(path, O_WRONLY | flags, 0o640) }
        guard descriptor >= 0 else { throw .system("writing", path) }
        defer { close(descriptor) }
        let end = lseek(descriptor, 0, SEEK_END)
        var last: UInt8 = 0x0a
        if end > 0 { pread(descriptor, &last, 1, end - 1) }
        try append(last == 0x0a ? lines : [0x0a] + lines, to: descriptor, path, isSynced: isSynced)
    }

    /// Written beside, renamed; synced, with its folder, unless it may be lost in a power cut.
    static func replace(
        _ path: String, with bytes: [UInt8], isSynced: Bool = true
    ) throws(AgentError) {
        let temporary = path + ".tmp"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { throw .system("creating", temporary) }
        defer { close(descriptor) }
        try write(bytes, to: descriptor, temporary)
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
