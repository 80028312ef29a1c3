import Bytes
import Foundation
import LogModel
import Logback
import Synchronization

/// One source that is being read: a descriptor that is held until the file is read to its end,
/// whatever its name is by then. Owned by the reading thread once it is opened.
///
/// @unchecked: discovery makes it and hands it over; from then on one thread uses what is not in
/// `shown` and `input`.
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
        var encoding: TextEncoding?
        var format = SourceFormat.auto
    }

    /// Where the bytes come from.
    struct Input {
        var descriptor: Int32
        var kind: FileContent.Kind
        /// The offset of the content's first byte: not 0 where only the rest of a file was kept.
        var base: Int64 = 0
    }

    let id: String
    let identity: FileIdentity
    let place: Place
    /// Of the path.
    let folder: String
    let name: String
    /// What the file and its rolls have in common.
    let family: String
    /// Found under another name than it had: nobody is expected to write to it any more.
    let isRolled: Bool
    let shown: Mutex<Shown>
    private let input: Mutex<Input>
    /// Rises with every file that the reader takes.
    var order = 0
    /// Noted in the ledger as shipped up to here.
    let ledgered: Int64
    /// Behind the last event that went into a shipment.
    var handedOut: Int64 = 0
    /// Since the file was opened.
    private(set) var eventsRead: Int64 = 0
    private(set) var bytesRead: Int64 = 0
    /// Monotonic nanoseconds of the next look; none while nothing is expected without a hint.
    var nextLook: UInt64? = 0
    /// Events are open at the end of the file behind this offset, since a moment in monotonic nanoseconds.
    var openSince: (offset: Int64, moment: UInt64)?
    /// Found deleted at a moment in monotonic nanoseconds.
    var deletedSince: UInt64?
    /// Of looks that find nothing, in nanoseconds.
    var pause: UInt64 = 0
    let lane: Int64
    private let number: Int64?
    /// What the path tells, of a container's log.
    private(set) var labels: [Label] = [] {
        didSet { labelSets = LabelSets() }
    }
    let origin: Shipment.Origin
    var labelSets = LabelSets()
    var metadataSets = LabelSets()

    /// The source that stood under the same name before and is still being read: this one goes on
    /// with its clock.
    private(set) var predecessor: String?
    /// The clock at the start of the file.
    private(set) var seed: Int64
    private(set) var assembler: EventAssembler
    /// What an entry may hold; set before anything is read.
    var eventBytes = EventAssembler.Bounds().eventBytes { didSet { makeAssembler() } }
    /// When the first stamp was written, nanoseconds, where stamps tell no date.
    private var start: Int64?
    /// Committed by the server.
    private(set) var ackedOffset: Int64
    private(set) var ackedEvents: Int64
    /// Unpacks a compressed file; remade when reading starts again.
    private var unpacker: UnpackedStream?
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
        input = Mutex(
            Input(descriptor: descriptor, kind: place.content, base: record.spooledFrom ?? 0))
        self.place = place
        (folder, name) = Self.split(place.path)
        family = record.family
        origin = Shipment.Origin(source: record.id, path: place.path)
        lane = record.lane ?? 0
        number = record.order
        seed = record.seed ?? 0
        predecessor = record.predecessor
        ackedOffset = record.offset
        ackedEvents = record.offset == 0 ? seed : record.events
        if let mark = record.mark { marks = [mark] }
        lastGrowth = now
        ledgered = record.ledgered ?? 0
        size = record.size ?? 0
        shown = Mutex(Shown(head: head, size: record.size ?? 0))
        assembler = EventAssembler(
            layout: place.layout, zone: place.zone, offset: 0, events: 0, known: record.known)
        rewind()
    }

    deinit { input.withLock { _ = close($0.descriptor) } }

    var path: String { place.path }
    var content: FileContent {
        input.withLock { FileContent(descriptor: $0.descriptor, kind: $0.kind) }
    }
    var isPlain: Bool { input.withLock { $0.kind == .plain } }

    /// The first bytes, as far as they are there by now: the reader may be far from them, and whoever
    /// finds them packed must know that they are this file's. True when they are more than before.
    func learnHead() -> Bool {
        let known = shown.withLock(\.head)
        guard known.count < Fingerprint.length else { return false }
        let first = input.withLock { input -> [UInt8] in
            guard input.kind == .plain, input.base == 0 else { return [] }
            return FileContent(descriptor: input.descriptor, kind: .plain).firstBytes
        }
        return shown.withLock { shown in
            guard first.count > shown.head.count, first.starts(with: shown.head) else {
                return false
            }
            shown.head = first
            shown.size = max(shown.size, Int64(first.count))
            return true
        }
    }

    /// What the server has committed; at the start the clock is the seed, whatever it says.
    func acknowledge(_ position: Position) {
        ackedOffset = position.offset
        ackedEvents = position.offset == 0 ? seed : position.events
        while marks.count > 1, marks[1].offset <= ackedOffset { marks.removeFirst() }
    }

    /// Goes back to what is committed.
    func rewind() {
        makeAssembler()
        marks.removeAll { $0.offset > ackedOffset }
        isAtEnd = false
        isFinished = false
        handedOut = ackedOffset
        nextLook = 0
        startUnpacking()
    }

    private func makeAssembler() {
        let head = shown.withLock(\.head)
        let encoding = TextEncoding.of(head: head, configured: place.encoding)
        let envelope = place.format.envelope(path: path, head: head)
        labels = envelope == nil ? [] : ContainerPath.labels(path)
        assembler = EventAssembler(
            layout: place.layout, zone: place.zone, offset: ackedOffset, events: ackedEvents,
            lane: lane, number: number, known: ackedOffset > 0 ? assembler.known.ofSource : .init(),
            bounds: .init(eventBytes: eventBytes), encoding: encoding,
            envelope: envelope, startsLine: encoding != .utf8 || envelope != nil || isBehindLine)
        if ackedOffset == 0, let start { assembler.begin(at: start) }
    }

    /// False when what is committed ends within a line, as the pieces of an overlong one do.
    private var isBehindLine: Bool {
        input.withLock { input in
            guard input.kind == .plain, ackedOffset > input.base else { return true }
            let before = FileContent.read(
                input.descriptor, at: ackedOffset - input.base - 1, count: 1)
            return before.first.map { $0 == 0x0a } ?? true
        }
    }

    private func startUnpacking() {
        tail = nil
        damage = nil
        let (descriptor, kind, base) = input.withLock { ($0.descriptor, $0.kind, $0.base) }
        unpacker = kind == .plain ? nil : UnpackedStream(descriptor: descriptor, kind: kind)
        toSkip = kind == .plain ? 0 : assembler.offset - base
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
        handedOut = other.handedOut
        seed = other.seed
        start = other.start
        marks = other.marks
        predecessor = nil
        startUnpacking()
    }

    /// The last mark of what is committed.
    var mark: ContentMark? { marks.first.flatMap { $0.offset <= ackedOffset ? $0 : nil } }

    /// The mark of what was read, committed or not.
    var readMark: ContentMark? { marks.last }

    /// Bytes that were there and are not read.
    var unread: Int64 { max(0, shown.withLock(\.size) - assembler.offset) }

    /// Reads the next block into events. None: the end for now, or the file was truncated.
    func read(now: UInt64, wallClock: Int64) throws(AgentError) -> [FileEvent] {
        if isPlain { return try readPlain(now, wallClock) }
        if unpacker == nil { startUnpacking() }
        return readPacked(now, wallClock)
    }

    private func readPlain(_ now: UInt64, _ wallClock: Int64) throws(AgentError) -> [FileEvent] {
        let at = assembler.offset
        guard let before = tail ?? fetchTail(at) else {
            truncated = isPlain ? now : nil  // or moved to the spool meanwhile
            return []
        }
        // The bytes before are read once more with the new ones: what stands behind other bytes is
        // not the rest of this file. Zeros are no text: where a file system shows the length of a
        // file before its bytes, they change into it, and the beginning decides.
        var block = [UInt8](repeating: 0, count: before.count + FileContent.blockBytes)
        let (count, reason) = input.withLock { input -> (Int, Int32) in
            // Moved to the spool a moment ago.
            guard input.kind == .plain else { return (-1, EINTR) }
            let from = off_t(at - Int64(before.count))
            return (pread(input.descriptor, &block, block.count, from), errno)
        }
        if count < 0, reason == EINTR { return [] }
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
        let last = block.suffix(ContentMark.length).map { $0 }  // with memory of its own
        tail = last
        marks.append(ContentMark(offset: end, before: last))
        return add(fresh, wallClock)
    }

    /// Nil when the file does not begin any more as it did.
    private func fetchTail(_ offset: Int64) -> [UInt8]? {
        let head = shown.withLock(\.head)
        let content = content
        guard FileContent.read(content.descriptor, at: 0, count: head.count) == head else {
            return nil
        }
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
        guard var out = unpacker?.next(Self.packedBlockBytes) else {
            isAtEnd = true
            damage = unpacker?.damage
            return []
        }
        isAtEnd = false
        lastGrowth = now
        let skipped = min(toSkip, Int64(out.count))
        toSkip -= skipped
        if skipped > 0 { out.removeFirst(Int(skipped)) }
        return add(out[...], wallClock)
    }

    /// Packed bytes that are read at once: they unpack to some 100 KiB.
    private static let packedBlockBytes = 16 * 1024

    private func add(_ bytes: ArraySlice<UInt8>, _ wallClock: Int64) -> [FileEvent] {
        let end = assembler.offset + Int64(bytes.count)
        // The first bytes tell the encoding of some files.
        if assembler.offset == 0 {
            note(bytes, 0)
            makeAssembler()
        }
        size = max(size, end)
        bytesRead += Int64(bytes.count)
        let before = assembler.isDated ? nil : assembler
        var events = assembler.add(bytes, now: wallClock)
        if assembler.wantsStart, let before {
            // Its stamps tell no date, and this is the first of them: the whole file tells more.
            let survey = DateSurvey(
                of: content, from: before, base: input.withLock(\.base), name: name)
            let start = survey.start ?? wallClock
            self.start = start
            assembler = before
            assembler.begin(at: start)
            events = assembler.add(bytes, now: wallClock)
        }
        eventsRead += Int64(events.count)
        return events
    }

    /// Why the rest of a compressed file cannot be read, when that was not told yet.
    func takeDamage() -> String? {
        guard let damage, !isDamageTold else { return nil }
        isDamageTold = true
        return damage
    }

    /// The size and the links of the open file.
    func status() -> FileIdentity.Status? {
        let content = content
        guard content.kind == .plain else { return nil }
        let status = FileIdentity.status(of: content.descriptor)
        if let status, truncated == nil {
            size = status.size
            shown.withLock { $0.size = max($0.size, status.size) }
        }
        return status
    }

    /// For reading the same file once more, as another source; negative on failure.
    func duplicate() -> Int32 { fcntl(content.descriptor, F_DUPFD_CLOEXEC, 0) }

    /// Reads on from a packed copy of what stood from an offset on; the file itself is let go. False
    /// when the file is none that can be exchanged.
    func exchange(for spool: Int32, from base: Int64) -> Bool {
        let old = input.withLock { input -> Int32? in
            guard input.kind == .plain else { return nil }
            defer { input = Input(descriptor: spool, kind: .gzip, base: base) }
            return input.descriptor
        }
        if let old { close(old) }
        return old != nil
    }

    func flush(wallClock: Int64) -> [FileEvent] { assembler.flush(now: wallClock) }

    func finish(wallClock: Int64) -> [FileEvent] {
        isFinished = true
        return assembler.finish(now: wallClock)
    }
}
