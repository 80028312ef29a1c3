import LogModel
import Logback

/// One file of logs: its events in units of a few MiB, whose times are known and which can be read
/// one by one, so that memory does not follow the size of the file.
///
///     file    | block | block | block | …     events one after the other
///     times   |- unit ---|- unit -| …         never overlap; each is read from the blocks below it
package struct LogFile: Sendable {
    /// A span of time, and where its events lie.
    package struct Unit: Sendable {
        package fileprivate(set) var first: Int64
        package fileprivate(set) var last: Int64
        /// Text that must be read for it.
        package fileprivate(set) var bytes: Int
        /// In the order of the file.
        fileprivate var blocks: [Int]
    }

    /// Events one after the other.
    private struct Block {
        /// Where its first and its last event begin, in bytes of text. Clocks would not do to find
        /// the last: events behind a later stamp do not move them.
        var offset: Int64
        var through: Int64
        /// A later reading goes on behind it, for the same times. Its text is left out.
        var previous: FileEvent?
        var bytes = 0
        var first: Int64
        var last: Int64
        /// The events themselves, when they were worth keeping.
        var kept: [FileEvent]?
    }

    /// Text of one block, in bytes: some ten thousand lines, and no burden beside a few others.
    private static let blockBytes = 4 * 1024 * 1024
    /// Blocks whose times overlap, as threads write them, are read together up to so many bytes;
    /// then a unit ends inside a block, which its neighbour reads again.
    private static let overlappingBytes = 4 * blockBytes
    /// Places of one file where unpacking can begin: at 40 KiB each, some 20 MB. A file of more
    /// blocks gets them further apart.
    private static let mostMarks = 512
    /// What keeping an event costs beside its text.
    private static let eventBytes = 128

    let path: String
    let labels: Labels
    package let units: [Unit]
    /// Why the end of the file is missing.
    package let damage: String?
    private let blocks: [Block]
    private let identity: FileText.Identity
    /// Of the file when it was first read, nanoseconds: the time of events that tell none.
    private let modified: Int64
    private let marks: [FileText.Mark]

    /// Reads the file from end to end, to learn where its times lie.
    ///
    /// `keeping`: bytes of events that may stay in memory, so that small files are read once; what
    /// is taken is subtracted. `read` is told the bytes of the file as they are read.
    ///
    /// Errors: what is no file, or may not be read.
    package init(_ path: String, keeping room: inout Int, read: (Int64) -> Void) throws {
        self.path = path
        labels = Labels([Label("filename", path)])
        var text = try FileText(path)
        var assembler = EventAssembler(zone: .local, behind: nil, offset: 0)
        var scan = Scan(room: room)
        var packed: Int64 = 0
        while let block = text.next() {
            for event in assembler.add(block, now: text.modified) { scan.take(event) }
            scan.take(mark: text)
            read(text.packed - packed)
            packed = text.packed
        }
        for event in assembler.finish(now: text.modified) { scan.take(event) }
        scan.end()
        identity = text.identity
        modified = text.modified
        damage = text.damage
        blocks = scan.blocks
        marks = scan.marks
        units = Self.units(of: blocks)
        room = scan.room
    }

    /// What the first reading finds.
    private struct Scan {
        private(set) var blocks: [Block] = []
        private(set) var marks: [FileText.Mark] = []
        /// Bytes of events that may still be kept.
        private(set) var room: Int
        private var open: Block?
        private var previous: FileEvent?
        private var markEvery = Int64(blockBytes)

        init(room: Int) { self.room = room }

        mutating func take(_ event: FileEvent) {
            if let block = open, block.bytes >= LogFile.blockBytes, !mayContinue(event) {
                blocks.append(block)
                open = nil
            }
            var block =
                open
                ?? Block(
                    offset: event.from, through: event.from, previous: withoutText(previous),
                    first: event.timestamp, last: event.timestamp, kept: [])
            // Changed in place: a copy would copy what is kept.
            open = nil
            block.bytes += event.text.count
            block.through = event.from
            block.first = min(block.first, event.timestamp)
            block.last = max(block.last, event.timestamp)
            keep(event, in: &block)
            open = block
            previous = event
        }

        private func withoutText(_ event: FileEvent?) -> FileEvent? {
            var event = event
            event?.text = []
            return event
        }

        private mutating func keep(_ event: FileEvent, in block: inout Block) {
            let cost = event.text.count + LogFile.eventBytes
            if block.kept != nil, room >= cost {
                block.kept?.append(event)
                room -= cost
            } else if let kept = block.kept {
                // A part of a block is of no use.
                room += kept.reduce(0) { $0 + $1.text.count + LogFile.eventBytes }
                block.kept = nil
            }
        }

        /// True when the event may be the rest of one that grew too long. Its lines are joined because
        /// of what came before, so reading must not begin with it.
        private func mayContinue(_ event: FileEvent) -> Bool {
            (previous?.text.count ?? 0) + event.text.count
                >= EventAssembler.Bounds().eventBytes
        }

        mutating func take(mark text: borrowing FileText) {
            guard let mark = text.mark(after: (marks.last?.text ?? 0) + markEvery) else { return }
            marks.append(mark)
            guard marks.count > LogFile.mostMarks else { return }
            markEvery *= 2
            marks = marks.enumerated().filter { $0.offset % 2 == 1 }.map(\.element)
        }

        mutating func end() {
            if let open { blocks.append(open) }
            open = nil
        }
    }

    /// Cuts between blocks that do not overlap, and inside of many that do.
    private static func units(of blocks: [Block]) -> [Unit] {
        var units: [Unit] = []
        var open: [Int] = []
        var bytes = 0
        var first = Int64.min
        var end = Int64.min
        func close(before next: Int64?) {
            units.append(
                Unit(
                    first: max(first, open.map { blocks[$0].first }.min() ?? first),
                    last: min(next.map { $0 - 1 } ?? .max, end), bytes: bytes,
                    blocks: open.sorted()))
        }
        for index in blocks.indices.sorted(by: { blocks[$0].first < blocks[$1].first }) {
            let at = blocks[index].first
            let carried = open.filter { blocks[$0].last >= at }
            let carriedBytes = carried.reduce(0) { $0 + blocks[$1].bytes }
            // Unless half of it is done with, the same blocks would be read again and again.
            let isWorth = bytes >= overlappingBytes && carriedBytes <= bytes / 2 && at > first
            if !open.isEmpty, carried.isEmpty || isWorth {
                close(before: at)
                open = carried
                bytes = carriedBytes
                first = at
            }
            open.append(index)
            bytes += blocks[index].bytes
            end = max(end, blocks[index].last)
        }
        if !open.isEmpty { close(before: nil) }
        return units
    }

    /// The entries of a unit, ascending, equal times in their order in the file. `limits`: what lies
    /// outside is left out.
    ///
    /// `warn` is told when some are missing, because the file has changed since it was first read.
    package func entries(
        _ unit: Unit, in limits: ClosedRange<Int64>, warn: (String) -> Void
    ) -> Entries {
        let range = limits.clamped(to: unit.first...unit.last)
        var rows: [FileEvent] = []
        do {
            for block in unit.blocks {
                try forEachEvent(blocks[block]) {
                    if range.contains($0.timestamp) { rows.append($0) }
                }
            }
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

    private func forEachEvent(_ block: Block, _ body: (FileEvent) -> Void) throws {
        if let kept = block.kept { return kept.forEach(body) }
        let changed = Failure("changed while it was read, and some of it is missing: ask again")
        var text = try FileText(path, from: block.offset, marks: marks)
        guard text.identity == identity else { throw changed }
        var assembler = EventAssembler(
            zone: .local, behind: block.previous, offset: block.offset)
        while let bytes = text.next() {
            for event in assembler.add(bytes, now: modified) {
                guard event.from <= block.through else { throw changed }
                body(event)
                if event.from == block.through { return }
            }
        }
        for event in assembler.finish(now: modified) where event.from <= block.through {
            body(event)
            if event.from == block.through { return }
        }
        throw changed
    }
}
