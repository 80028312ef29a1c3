import LogModel
import Logback

/// One file of logs: its events in units of a few MiB, whose times are known and which can be read
/// one by one, so that memory does not follow the size of the file.
struct LogFile: Sendable {
    /// Events one after the other.
    struct Unit: Sendable {
        /// Bytes of text before it.
        fileprivate var offset: Int64
        /// Numbers in the file: the event before it, and its last.
        fileprivate var before: Int64
        fileprivate var through: Int64
        /// Time of the event before it, which events without one of their own follow.
        fileprivate var clock: Int64
        fileprivate(set) var bytes = 0
        fileprivate(set) var first: Int64
        fileprivate(set) var last: Int64
        /// The events themselves, when they were worth keeping.
        fileprivate var kept: [FileEvent]?
    }

    /// Text of one unit, in bytes: some ten thousand lines, and no burden beside a few others.
    private static let unitBytes = 4 * 1024 * 1024
    /// Places of one file where unpacking can begin: at 40 KiB each, some 20 MB. A file of more
    /// units gets them further apart.
    private static let mostMarks = 512
    /// What keeping an event costs beside its text.
    private static let eventBytes = 128

    let path: String
    let labels: Labels
    private(set) var units: [Unit] = []
    /// Why the end of the file is missing.
    private(set) var damage: String?
    private let identity: FileText.Identity
    private var marks: [FileText.Mark] = []
    private var markEvery = Int64(unitBytes)

    /// Reads the file from end to end, to learn where its times lie.
    ///
    /// `keeping`: bytes of events that may stay in memory, so that small files are read once; what
    /// is taken is subtracted. `read` is told the bytes of the file as they are read.
    ///
    /// Errors: what is no file, or may not be read.
    init(_ path: String, keeping room: inout Int, read: (Int64) -> Void) throws {
        self.path = path
        labels = Labels([Label("filename", path)])
        var text = try FileText(path)
        identity = text.identity
        var assembler = EventAssembler(layout: .automatic, zone: .local, offset: 0, events: 0)
        var open: Unit?
        var previous: FileEvent?
        var packed: Int64 = 0
        while let block = text.next() {
            for event in assembler.add(block, now: text.modified) {
                take(event, after: &previous, into: &open, &room, text.modified)
            }
            mark(text)
            read(text.packed - packed)
            packed = text.packed
        }
        for event in assembler.finish(now: text.modified) {
            take(event, after: &previous, into: &open, &room, text.modified)
        }
        damage = text.damage
        if let open { units.append(open) }
        units = Self.joined(units)
    }

    private mutating func mark(_ text: borrowing FileText) {
        guard let mark = text.mark(), mark.text >= (marks.last?.text ?? 0) + markEvery else {
            return
        }
        marks.append(mark)
        guard marks.count > Self.mostMarks else { return }
        markEvery *= 2
        marks = marks.enumerated().filter { $0.offset % 2 == 1 }.map(\.element)
    }

    private mutating func take(
        _ event: FileEvent, after previous: inout FileEvent?, into open: inout Unit?,
        _ room: inout Int, _ now: Int64
    ) {
        if let unit = open, unit.bytes >= Self.unitBytes, let last = previous,
            !Self.mayContinue(event, last)
        {
            units.append(unit)
            open = nil
        }
        var unit =
            open
            ?? Unit(
                offset: event.from, before: event.events - 1, through: event.events,
                clock: previous?.timestamp ?? now, first: event.timestamp, last: event.timestamp,
                kept: [])
        unit.bytes += event.text.count
        unit.through = event.events
        unit.first = min(unit.first, event.timestamp)
        unit.last = max(unit.last, event.timestamp)
        let cost = event.text.count + Self.eventBytes
        if unit.kept != nil, room >= cost {
            unit.kept?.append(event)
            room -= cost
        } else if let kept = unit.kept {
            // A part of a unit is of no use.
            room += kept.reduce(0) { $0 + $1.text.count + Self.eventBytes }
            unit.kept = nil
        }
        open = unit
        previous = event
    }

    /// True when the event may be the rest of one that grew too long. Its lines are joined because
    /// of what came before, so reading must not begin with it.
    private static func mayContinue(_ event: FileEvent, _ previous: FileEvent) -> Bool {
        previous.text.count + event.text.count >= EventAssembler.Bounds().eventBytes
    }

    /// Units whose times overlap, as threads write them, become one: units of a stream never overlap.
    private static func joined(_ units: [Unit]) -> [Unit] {
        var out: [Unit] = []
        for unit in units {
            guard var last = out.popLast() else {
                out.append(unit)
                continue
            }
            guard unit.first <= last.last else {
                out += [last, unit]
                continue
            }
            last.bytes += unit.bytes
            last.through = unit.through
            last.first = min(last.first, unit.first)
            last.last = max(last.last, unit.last)
            if let more = unit.kept { last.kept?.append(contentsOf: more) } else { last.kept = nil }
            out.append(last)
        }
        return out
    }

    /// The entries of a unit inside a span of time, ascending, equal times in their order in the file.
    ///
    /// `warn` is told when some are missing, because the file has changed since it was first read.
    func entries(
        _ unit: Unit, in range: ClosedRange<Int64>, warn: (String) -> Void
    ) -> Entries {
        var rows: [FileEvent] = []
        do {
            try forEachEvent(unit) { if range.contains($0.timestamp) { rows.append($0) } }
        } catch { warn("\(path): \(error)") }
        let order = rows.indices.sorted {
            rows[$0].timestamp == rows[$1].timestamp
                ? $0 < $1 : rows[$0].timestamp < rows[$1].timestamp
        }
        var entries = Entries()
        for i in order {
            let level = rows[i].level.map { Labels([Label("level", $0)]) } ?? .empty
            entries.append(timestamp: rows[i].timestamp, line: rows[i].text, metadata: level)
        }
        return entries
    }

    private func forEachEvent(_ unit: Unit, _ body: (FileEvent) -> Void) throws {
        if let kept = unit.kept { return kept.forEach(body) }
        let changed = Failure("changed while it was read, and some of it is missing: ask again")
        var text = try FileText(path, from: unit.offset, marks: marks)
        guard text.identity == identity else { throw changed }
        var assembler = EventAssembler(
            layout: .automatic, zone: .local, offset: unit.offset, events: unit.before)
        while let block = text.next() {
            for event in assembler.add(block, now: unit.clock) {
                body(event)
                if event.events == unit.through { return }
            }
        }
        for event in assembler.finish(now: unit.clock) {
            body(event)
            if event.events == unit.through { return }
        }
        throw changed
    }
}
