import Bytes
import Foundation
import LogModel

/// The text of one plain or gzip file, block by block, from the beginning or from where reading is
/// to go on. Reading again gives the same blocks as long as the file stays as it is.
struct FileText: ~Copyable {
    /// A place inside a gzip file where unpacking can begin.
    ///
    /// @unchecked: the unpacker is only ever copied from.
    final class Mark: @unchecked Sendable {
        fileprivate let unpacker: GzipStream
        /// Bytes of the file and of its text before it.
        fileprivate let packed: Int64
        let text: Int64

        fileprivate init(_ unpacker: borrowing GzipStream, packed: Int64, text: Int64) {
            self.unpacker = unpacker.copy()
            self.packed = packed
            self.text = text
        }
    }

    /// Bytes of the file that are read at once.
    private static let blockBytes = 64 * 1024

    /// Tells the file from one that takes its name later.
    struct Identity: Equatable, Sendable {
        fileprivate let device: UInt64
        fileprivate let inode: UInt64
    }

    let identity: Identity
    /// Nanoseconds since the epoch.
    let modified: Int64
    /// Why the text ends before the file does; nil when it does not, or is not known yet.
    private(set) var damage: String?
    /// Bytes of the file that have been read.
    private(set) var packed: Int64 = 0
    private var text: Int64 = 0
    private let descriptor: Int32
    private var unpacker: GzipStream?
    private var skipped: Int64
    private var block = [UInt8](repeating: 0, count: blockBytes)

    /// `from`: bytes of text before the first that is wanted. `marks`: in rising order.
    ///
    /// Errors: what is no file, or may not be read.
    init(_ path: String, from start: Int64 = 0, marks: [Mark] = []) throws {
        let (descriptor, status) = try Self.open(path)
        self.descriptor = descriptor
        identity = Identity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
        modified = Int64(status.st_mtim.tv_sec) * Nanoseconds.second
        skipped = start
        var magic: [UInt8] = [0, 0]
        if pread(descriptor, &magic, 2, 0) == 2, magic == [0x1f, 0x8b] {
            if let mark = marks.last(where: { $0.text <= start }) {
                unpacker = mark.unpacker.copy()
                packed = mark.packed
                text = mark.text
            } else {
                unpacker = GzipStream()
            }
            skipped -= text
        } else {
            packed = start
            text = start
            skipped = 0
        }
    }

    private static func open(_ path: String) throws -> (Int32, stat) {
        // A pipe must not make the caller wait for whoever writes into it.
        let descriptor = Foundation.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw Failure(String(cString: strerror(errno)).lowercased()) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw Failure(status.st_mode & S_IFMT == S_IFDIR ? "a folder" : "not a file")
        }
        return (descriptor, status)
    }

    deinit { close(descriptor) }

    /// The next bytes of the text, nil at its end.
    mutating func next() -> ArraySlice<UInt8>? {
        while damage == nil {
            let count = pread(descriptor, &block, Self.blockBytes, off_t(packed))
            guard count > 0 else {
                if count < 0 { damage = String(cString: strerror(errno)).lowercased() }
                if unpacker?.isAtMemberEnd == false {
                    damage = damage ?? "the gzip data is cut off"
                }
                return nil
            }
            packed += Int64(count)
            guard unpacker != nil else {
                text += Int64(count)
                return block[..<count]
            }
            var out: [UInt8] = []
            do {
                try block[..<count].withUnsafeBytes { try unpacker?.inflate($0, into: &out) }
            } catch {
                damage = "the gzip data is damaged after \(text + Int64(out.count)) bytes of text"
            }
            text += Int64(out.count)
            let dropped = min(skipped, Int64(out.count))
            skipped -= dropped
            if dropped < out.count { return out[Int(dropped)...] }
        }
        return nil
    }

    /// Where reading can begin again with the next block, when that is behind some bytes of text.
    /// Nil for plain text, too, which can begin anywhere.
    func mark(after bytes: Int64) -> Mark? {
        guard text >= bytes, unpacker != nil else { return nil }
        return Mark(unpacker!, packed: packed, text: text)
    }
}
