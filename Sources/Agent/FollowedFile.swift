import Bytes
import Foundation
import LogModel
import Logback
import Synchronization

/// One source that is being read: a descriptor that is held until the file is read to its end,
/// whatever its name is by then. Owned by the reading thread once it is opened.
///
/// @unchecked: discovery makes it and hands it over; from then on one thread uses what is not in
/// `shown`.
final class FollowedFile: @unchecked Sendable {
    /// What discovery compares other files with.
    struct Shown {
        /// The first bytes of this generation, as they were read.
        var head: [UInt8] = []
        /// The largest size that was seen.
        var size: Int64 = 0
    }

    /// Where and how to read.
    struct Place {
        var path: String
        var group: Int
        var content: FileContent.Kind
        var layout: LayoutRule
        var zone: ZoneRule
    }

    let id: String
    let identity: FileIdentity
    let place: Place
    /// Of the path.
    let folder: String
    let name: String
    /// Found under another name than it had: nobody is expected to write to it any more.
    let isRolled: Bool
    let shown: Mutex<Shown>
    private let descriptor: Int32
    let lane: Int64
    private let hadHeaders: Bool

    /// The source that stood under the same name before and is still being read: this one goes on
    /// with its clock.
    private(set) var predecessor: String?
    /// The clock at the start of the file.
    private(set) var seed: Int64
    private(set) var assembler: EventAssembler
    /// Committed by the server.
    private(set) var ackedOffset: Int64
    private(set) var ackedEvents: Int64
    /// Unpacks a compressed file; remade when reading starts again.
    private var unpacker: GzipStream?
    private var packedOffset: Int64 = 0
    /// Why a compressed file ends before its end.
    private var damage: String?
    private var isDamageTold = false
    /// Unpacked bytes that are still to be passed over.
    private var toSkip: Int64 = 0
    /// The bytes before the next one to read; nil when they are to be fetched first.
    private var tail: [UInt8]?
    /// One for each block behind what is committed, and one before.
    private var marks: [ContentMark] = []
    /// Monotonic nanoseconds of the last bytes.
    private(set) var lastGrowth: UInt64
    private(set) var isAtEnd = false
    private(set) var size: Int64 = 0
    /// Monotonic nanoseconds of the moment when other content was found in the place of what was
    /// read: a truncation in place. What was not read yet may stand in a copy.
    private(set) var truncated: UInt64?
    var isFinished = false

    init(
        _ record: SourceRecord, descriptor: Int32, place: Place, isRolled: Bool, head: [UInt8],
        now: UInt64
    ) {
        self.isRolled = isRolled
        id = record.id
        identity = record.identity
        self.descriptor = descriptor
        self.place = place
        (folder, name) = Self.split(place.path)
        lane = record.lane ?? 0
        seed = record.seed ?? 0
        hadHeaders = record.hasHeaders ?? false
        predecessor = record.predecessor
        ackedOffset = record.offset
        ackedEvents = record.offset == 0 ? seed : record.events
        if let mark = record.mark { marks = [mark] }
        lastGrowth = now
        shown = Mutex(Shown(head: head, size: record.size ?? 0))
        assembler = EventAssembler(layout: place.layout, zone: place.zone, offset: 0, events: 0)
        rewind()
    }

    deinit { close(descriptor) }

    /// A path as folder and name.
    static func split(_ path: String) -> (folder: String, name: String) {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return ("", path) }
        return (String(path[..<slash]), String(path[path.utf8.index(after: slash)...]))
    }

    var path: String { place.path }
    var content: FileContent { FileContent(descriptor: descriptor, kind: place.content) }
    var isPlain: Bool { place.content == .plain }

    /// What the server has committed; at the start the clock is the seed, whatever it says.
    func acknowledge(_ position: Position) {
        ackedOffset = position.offset
        ackedEvents = position.offset == 0 ? seed : position.events
        while marks.count > 1, marks[1].offset <= ackedOffset { marks.removeFirst() }
    }

    /// Goes back to what is committed.
    func rewind() {
        assembler = EventAssembler(
            layout: place.layout, zone: place.zone, offset: ackedOffset, events: ackedEvents,
            lane: lane, hasSeenHeader: hadHeaders && ackedOffset > 0)
        marks.removeAll { $0.offset > ackedOffset }
        isAtEnd = false
        isFinished = false
        startUnpacking()
    }

    private func startUnpacking() {
        tail = nil
        guard !isPlain else { return }
        unpacker = GzipStream()
        packedOffset = 0
        damage = nil
        toSkip = assembler.offset
    }

    /// The predecessor is read: its clock goes on here.
    func begin(seed: Int64) {
        predecessor = nil
        self.seed = seed
        if ackedOffset == 0 {
            ackedEvents = seed
            rewind()
        }
    }

    /// Goes on in this file, a copy, where the other one had to stop.
    func takeOver(_ other: FollowedFile) {
        assembler = other.assembler
        ackedOffset = other.ackedOffset
        ackedEvents = other.ackedEvents
        seed = other.seed
        marks = other.marks
        predecessor = nil
        startUnpacking()
    }

    /// Not acknowledged, in bytes.
    var lag: Int64 { isPlain ? max(0, size - ackedOffset) : 0 }

    /// The last mark of what is committed.
    var mark: ContentMark? { marks.first.flatMap { $0.offset <= ackedOffset ? $0 : nil } }

    /// The mark of what was read, committed or not.
    var readMark: ContentMark? { marks.last }

    /// Bytes that were there and are not read.
    var unread: Int64 { max(0, shown.withLock(\.size) - assembler.offset) }

    /// Reads the next block into events. None: the end for now, or the file was truncated.
    func read(now: UInt64, wallClock: Int64) throws(AgentError) -> [FileEvent] {
        isPlain ? try readPlain(now, wallClock) : readPacked(now, wallClock)
    }

    private func readPlain(_ now: UInt64, _ wallClock: Int64) throws(AgentError) -> [FileEvent] {
        let at = assembler.offset
        guard let before = tail ?? fetchTail(at) else {
            truncated = now
            return []
        }
        // The bytes before are read once more with the new ones: what stands behind other bytes is
        // not the rest of this file. Zeros are no text: where a file system shows the length of a
        // file before its bytes, they change into it, and the beginning decides.
        var block = [UInt8](repeating: 0, count: before.count + FileContent.blockBytes)
        let count = pread(descriptor, &block, block.count, off_t(at - Int64(before.count)))
        if count < 0, errno == EINTR { return [] }
        guard count >= 0 else { throw .system("reading", path) }
        guard count >= before.count, block[..<before.count] == before[...] else {
            if before.contains(0), fetchTail(at) != nil { return [] }
            truncated = now
            return []
        }
        isAtEnd = count == before.count
        guard !isAtEnd else { return [] }
        lastGrowth = now
        block.removeLast(block.count - count)
        let fresh = block[before.count...]
        note(fresh, at)
        let end = at + Int64(fresh.count)
        var last: [UInt8] = []
        last += block.suffix(ContentMark.length)
        tail = last
        marks.append(ContentMark(offset: end, before: last))
        return assembler.add(fresh, now: wallClock)
    }

    /// Nil when the file does not begin any more as it did.
    private func fetchTail(_ offset: Int64) -> [UInt8]? {
        let head = shown.withLock(\.head)
        guard FileContent.read(descriptor, at: 0, count: head.count) == head else { return nil }
        let found = content.tail(before: offset)
        tail = offset == 0 ? nil : found
        return found
    }

    private func note(_ block: ArraySlice<UInt8>, _ offset: Int64) {
        let end = offset + Int64(block.count)
        size = max(size, end)
        shown.withLock { shown in
            shown.size = max(shown.size, end)
            guard offset < Int64(Fingerprint.length), shown.head.count < Fingerprint.length else {
                return
            }
            shown.head = Array((shown.head.prefix(Int(offset)) + block).prefix(Fingerprint.length))
        }
    }

    private func readPacked(_ now: UInt64, _ wallClock: Int64) -> [FileEvent] {
        let block =
            damage == nil
            ? FileContent.read(descriptor, at: packedOffset, count: FileContent.blockBytes) : []
        isAtEnd = block.isEmpty
        if isAtEnd {
            if unpacker?.isAtMemberEnd == false { damage = damage ?? "the gzip data is cut off" }
            return []
        }
        lastGrowth = now
        packedOffset += Int64(block.count)
        var out: [UInt8] = []
        do {
            try block.withUnsafeBytes { try unpacker?.inflate($0, into: &out) }
        } catch { damage = "\(error)" }
        let skipped = min(toSkip, Int64(out.count))
        out.removeFirst(Int(skipped))
        toSkip -= skipped
        return assembler.add(out, now: wallClock)
    }

    /// Why the rest of a compressed file cannot be read, when that was not told yet.
    func takeDamage() -> String? {
        guard let damage, !isDamageTold else { return nil }
        isDamageTold = true
        return damage
    }

    /// The size and the links of the open file.
    func status() -> FileIdentity.Status? {
        let status = FileIdentity.status(of: descriptor)
        if let status, isPlain, truncated == nil {
            size = status.size
            shown.withLock { $0.size = max($0.size, status.size) }
        }
        return status
    }

    /// For reading the same file once more, as another source; negative on failure.
    func duplicate() -> Int32 { fcntl(descriptor, F_DUPFD_CLOEXEC, 0) }

    func flush() -> FileEvent? { assembler.flush() }

    func finish(wallClock: Int64) -> [FileEvent] {
        isFinished = true
        return assembler.finish(now: wallClock)
    }
}
