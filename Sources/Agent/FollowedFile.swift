import Bytes
import Foundation
import LogModel
import Logback

/// One source that is being read: a descriptor that is held until the file is read to its end,
/// whatever its name is by then. Owned by the reading thread once it is opened.
///
/// @unchecked: discovery makes it and hands it over; from then on one thread uses it.
final class FollowedFile: @unchecked Sendable {
    enum Content { case plain, gzip }

    let id: String
    let identity: FileIdentity
    let path: String
    let group: Int
    let content: Content
    private let descriptor: Int32
    private let layout: LayoutRule
    private let zone: ZoneRule

    private(set) var assembler: EventAssembler
    /// Committed by the server.
    var ackedOffset: Int64
    var ackedEvents: Int64
    /// Unpacks a compressed file; remade when reading starts again.
    private var unpacker: GzipStream?
    private var packedOffset: Int64 = 0
    /// Unpacked bytes that are still to be passed over.
    private var toSkip: Int64 = 0
    /// Monotonic nanoseconds of the last bytes, and of the moment the end was seen.
    private(set) var lastGrowth: UInt64
    private(set) var isAtEnd = false
    private(set) var size: Int64 = 0
    var isFinished = false

    init(
        id: String, descriptor: Int32, identity: FileIdentity, path: String, group: Int,
        content: Content, layout: LayoutRule, zone: ZoneRule, offset: Int64, events: Int64,
        now: UInt64
    ) {
        self.id = id
        self.descriptor = descriptor
        self.identity = identity
        self.path = path
        self.group = group
        self.content = content
        self.layout = layout
        self.zone = zone
        ackedOffset = offset
        ackedEvents = events
        lastGrowth = now
        assembler = EventAssembler(layout: layout, zone: zone, offset: offset, events: events)
        if content == .gzip {
            unpacker = GzipStream()
            toSkip = offset
        }
    }

    deinit { close(descriptor) }

    /// Goes back to what is committed.
    func rewind() {
        assembler = EventAssembler(
            layout: layout, zone: zone, offset: ackedOffset, events: ackedEvents)
        isAtEnd = false
        isFinished = false
        if content == .gzip {
            unpacker = GzipStream()
            packedOffset = 0
            toSkip = ackedOffset
        }
    }

    /// For opening the same file once more.
    var descriptorNumber: Int32 { descriptor }

    /// The first bytes as they are now; safe from any thread.
    var firstBytes: [UInt8] { Self.firstBytes(descriptor, content) }

    var lag: Int64 { content == .plain ? max(0, size - ackedOffset) : 0 }

    static let blockBytes = 64 * 1024

    /// Reads the next block into events; an empty block means the end for now.
    func read(now: UInt64, wallClock: Int64) throws(AgentError) -> [FileEvent] {
        var block = [UInt8](repeating: 0, count: Self.blockBytes)
        let at = content == .plain ? assembler.offset : packedOffset
        let count = pread(descriptor, &block, block.count, off_t(at))
        if count < 0, errno == EINTR { return [] }
        guard count >= 0 else { throw .system("reading", path) }
        if count == 0 {
            isAtEnd = true
            return []
        }
        isAtEnd = false
        lastGrowth = now
        block.removeLast(block.count - count)
        guard content == .gzip else {
            size = max(size, at + Int64(count))
            return assembler.add(block, now: wallClock)
        }
        packedOffset += Int64(count)
        var out: [UInt8] = []
        do {
            try block.withUnsafeBytes { try unpacker?.inflate($0, into: &out) }
        } catch { throw .state("unpacking \(path): \(error)") }
        if toSkip > 0 {
            let skipped = min(toSkip, Int64(out.count))
            out.removeFirst(Int(skipped))
            toSkip -= skipped
        }
        return assembler.add(out, now: wallClock)
    }

    /// The size and the links of the open file.
    func status() -> FileIdentity.Status? {
        let status = FileIdentity.status(of: descriptor)
        if let status, content == .plain { size = status.size }
        return status
    }

    /// True when the file is shorter than what was read: it was truncated in place.
    func wasTruncated(_ status: FileIdentity.Status) -> Bool {
        content == .plain && status.size < assembler.offset
    }

    func flush() -> FileEvent? { assembler.flush() }

    func finish(wallClock: Int64) -> [FileEvent] {
        isFinished = true
        return assembler.finish(now: wallClock)
    }

    /// The first bytes, unpacked.
    static func firstBytes(_ descriptor: Int32, _ content: Content) -> [UInt8] {
        var block = [UInt8](repeating: 0, count: content == .plain ? Fingerprint.length : 16 * 1024)
        let count = pread(descriptor, &block, block.count, 0)
        guard count > 0 else { return [] }
        block.removeLast(block.count - count)
        guard content == .gzip else { return block }
        var unpacker = GzipStream()
        var out: [UInt8] = []
        // A file that is still being packed ends in the middle: what came out before counts.
        block.withUnsafeBytes { bytes in try? unpacker.inflate(bytes, into: &out) }
        return Array(out.prefix(Fingerprint.length))
    }

    /// True for a compressed file that is whole.
    static func isComplete(_ descriptor: Int32) -> Bool {
        var unpacker = GzipStream()
        var offset: off_t = 0
        var block = [UInt8](repeating: 0, count: blockBytes)
        while true {
            let count = pread(descriptor, &block, block.count, offset)
            guard count > 0 else { return offset > 0 && unpacker.isAtMemberEnd }
            offset += off_t(count)
            var out: [UInt8] = []
            let fine = block.withUnsafeBytes { bytes in
                (try? unpacker.inflate(
                    UnsafeRawBufferPointer(rebasing: bytes[..<count]), into: &out))
                    != nil
            }
            if !fine { return false }
        }
    }
}
