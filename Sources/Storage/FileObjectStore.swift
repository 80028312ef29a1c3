import Foundation

/// Immutable objects as files: written beside, fsynced, renamed into place, the folder fsynced. An
/// object is there whole or not at all. Calls block.
///
/// A concrete type until the second kind of object store exists; then its verbs are the protocol.
struct FileObjectStore: Sendable {
    let folder: String
    /// Called before each step that changes the disk, with its name; tests make steps fail.
    let faults: @Sendable (String) throws -> Void

    init(folder: String, faults: @escaping @Sendable (String) throws -> Void) throws(StorageError) {
        self.folder = folder
        self.faults = faults
        for path in [folder, folder + "/objects", folder + "/tmp"] {
            do {
                try FileManager.default.createDirectory(
                    atPath: path, withIntermediateDirectories: true,
                    attributes: [.posixPermissions: 0o750])
            } catch {
                throw .io(operation: "creating", path: path, detail: error.localizedDescription)
            }
        }
        for name in try list("tmp") { unlink("\(folder)/tmp/\(name)") }
    }

    func path(_ name: String) -> String { "\(folder)/objects/\(name)" }

    private func list(_ sub: String) throws(StorageError) -> [String] {
        do { return try FileManager.default.contentsOfDirectory(atPath: "\(folder)/\(sub)") } catch
        {
            throw .io(
                operation: "listing", path: "\(folder)/\(sub)", detail: error.localizedDescription)
        }
    }

    func list() throws(StorageError) -> [String] { try list("objects") }

    func delete(_ name: String) { unlink(path(name)) }

    /// Writes an object piece by piece; when it returns the object is durable.
    func put<T>(_ name: String, _ body: (([UInt8]) throws -> Void) throws -> T) throws -> T {
        let temporary = "\(folder)/tmp/\(name)"
        try faults("create")
        let descriptor = Foundation.open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { throw StorageError.system("creating", temporary) }
        var isOpen = true
        do {
            let result = try body { bytes in
                try faults("write")
                try Self.write(bytes, to: descriptor, temporary)
            }
            try faults("fsync")
            // A failed fsync is never tried again: the kernel may have dropped the pages.
            guard fsync(descriptor) == 0 else { throw StorageError.system("syncing", temporary) }
            close(descriptor)
            isOpen = false
            try faults("rename")
            guard rename(temporary, path(name)) == 0 else {
                throw StorageError.system("renaming", temporary)
            }
            try faults("fsync folder")
            try Self.syncFolder(folder + "/objects")
            return result
        } catch {
            if isOpen { close(descriptor) }
            unlink(temporary)
            unlink(path(name))
            throw error
        }
    }

    private static func write(_ bytes: [UInt8], to descriptor: Int32, _ path: String) throws {
        var offset = 0
        while offset < bytes.count {
            let written = bytes.withUnsafeBytes {
                Foundation.write(
                    descriptor, $0.baseAddress.map { $0 + offset }, bytes.count - offset)
            }
            if written < 0, errno == EINTR { continue }
            guard written > 0 else { throw StorageError.system("writing", path) }
            offset += written
        }
    }

    static func syncFolder(_ path: String) throws(StorageError) {
        let descriptor = Foundation.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system("opening", path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .system("syncing", path) }
    }

    func open(_ name: String) throws(StorageError) -> ObjectFile {
        try ObjectFile(path: path(name))
    }
}

/// An object that is being read. It stays readable for whoever holds it, deleted or not.
final class ObjectFile: Sendable {
    let size: Int
    private let path: String
    private let descriptor: Int32

    init(path: String) throws(StorageError) {
        self.path = path
        descriptor = Foundation.open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system("opening", path) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            let error = StorageError.system("reading", path)
            close(descriptor)
            throw error
        }
        size = Int(status.st_size)
    }

    deinit { close(descriptor) }

    func read(_ range: Range<Int>) throws -> [UInt8] {
        guard range.lowerBound >= 0, range.upperBound <= size else {
            throw StorageError.corrupt(object: path, detail: "read beyond its end")
        }
        var failed: StorageError?
        let bytes = [UInt8](unsafeUninitializedCapacity: range.count) { buffer, count in
            while count < range.count {
                let got = pread(
                    descriptor, buffer.baseAddress.map { $0 + count }, range.count - count,
                    off_t(range.lowerBound + count))
                if got < 0, errno == EINTR { continue }
                guard got > 0 else {
                    failed = .system("reading", path)
                    return
                }
                count += got
            }
        }
        if let failed { throw failed }
        return bytes
    }
}
