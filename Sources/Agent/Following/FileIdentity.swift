import CFiles
import Foundation

/// What tells one generation of a file from all others: a number alone comes back as soon as a file
/// is deleted, so the time of birth goes with it.
struct FileIdentity: Hashable, Sendable, Codable {
    var device: UInt64
    var inode: UInt64
    /// Nanoseconds; 0 where the file system does not tell.
    var birth: Int64

    struct Status {
        var identity: FileIdentity
        var size: Int64
        var links: Int
        var isRegular: Bool
        /// Seconds since the epoch.
        var modified: Int64
    }

    /// Nil when nothing is there that can be asked; `errno` says why.
    static func isFolder(_ path: String) -> Bool? {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_mode & S_IFMT == S_IFDIR : nil
    }

    /// Where an open file stands now; nil when nobody knows.
    static func path(of descriptor: Int32) -> String? {
        try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(descriptor)")
    }

    /// The beginnings of a path that are symbolic links.
    static func links(on path: String) -> [String] {
        var links: [String] = []
        var part = ""
        for name in path.split(separator: "/") {
            part += "/" + name
            var status = stat()
            if lstat(part, &status) == 0, status.st_mode & S_IFMT == S_IFLNK { links.append(part) }
        }
        return links
    }

    static func status(of path: String) -> Status? { status(-1, path) }

    static func status(of descriptor: Int32) -> Status? { status(descriptor, nil) }

    private static func status(_ descriptor: Int32, _ path: String?) -> Status? {
        var raw = cfiles_status()
        guard cfiles_status(descriptor, path, &raw) else { return nil }
        return Status(
            identity: FileIdentity(device: raw.device, inode: raw.inode, birth: raw.birth_ns),
            size: raw.size, links: Int(raw.links), isRegular: raw.is_regular,
            modified: raw.modified_s)
    }
}

/// The first bytes of a file, as a hash with a length: what a rolled and compressed copy still shows.
struct Fingerprint: Hashable, Sendable, Codable {
    /// Bytes that are looked at, at most.
    static let length = 1024

    var count: Int
    var hash: UInt64

    init(_ bytes: some Collection<UInt8>) {
        count = min(bytes.count, Self.length)
        hash = bytes.prefix(Self.length).reduce(0xcbf2_9ce4_8422_2325) { hash, byte in
            (hash ^ UInt64(byte)) &* 0x100_0000_01b3
        }
    }

    /// True when the bytes begin with those that were hashed.
    func matches(_ bytes: [UInt8]) -> Bool {
        bytes.count >= count && Fingerprint(bytes.prefix(count)) == self
    }
}
