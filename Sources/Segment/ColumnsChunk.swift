import Bytes
import LogModel

/// One COLUMNS frame while it is being read: what was unpacked of it is kept for whoever reads it
/// next. Used by one thread at a time.
final class ColumnsChunk: KeptFrame {
    let frame: Int
    private let place: Frame
    private let read: SegmentReader.Read
    private let shapes: ShapeNumbers
    private var numbers: [Int]?
    let columns: ColumnsReader
    private var times: [Int64]?
    private var metadata: (sets: [Labels], ids: [UInt32])?
    /// The rows that were found for the conditions asked last, the newest at the end. A chunk never
    /// changes: the next page of lines, the histogram above them and the next look of a dashboard
    /// need no search.
    private var answers: [(condition: LineCondition, rows: RowMask)] = []
    /// A bit for each row and condition.
    private static let mostAnswers = 4
    /// Told what is done, while somebody asks for that.
    private(set) var trace: ChunkTrace?

    func begin(_ trace: ChunkTrace?) {
        self.trace = trace
        columns.pages.trace = trace?.trace
    }

    /// A page of the chunk's own.
    private func page(_ range: Range<Int>) throws -> [UInt8] {
        trace?.trace.note(pages: 1, bytes: range.count)
        return try read(range)
    }

    init(
        _ frame: Int, _ place: Frame, _ shapes: ShapeNumbers, read: @escaping SegmentReader.Read
    ) throws {
        self.frame = frame
        self.place = place
        self.shapes = shapes
        self.read = read
        let start = place.offset + place.sizeT + place.sizeM
        let size = place.sizeL
        let header = try ColumnsHeader(try read(start..<start + place.sizeHeader))
        guard header.rows == place.rows else {
            throw SegmentError.corrupt("rows of a chunk", offset: start)
        }
        columns = ColumnsReader(header: header) { range in
            guard range.upperBound <= size else {
                throw SegmentError.corrupt("chunk is cut short", offset: start + size)
            }
            return try read(start + range.lowerBound..<start + range.upperBound)
        }
    }

    var memory: Int {
        columns.memory + ((times?.count ?? 0) + (numbers?.count ?? 0)) * 8
            + answers.reduce(0) { $0 + $1.rows.words.count * 8 }
            + (metadata.map { $0.ids.count * 4 + $0.sets.count * 160 } ?? 0)
    }

    /// What the templates look like, as numbers.
    func shapeNumbers() -> [Int] {
        if let numbers { return numbers }
        let found = shapes.numbers(of: columns.header)
        numbers = found
        return found
    }

    /// Timestamps of all rows.
    func timestamps() throws -> [Int64] {
        if let times { return times }
        if place.hasLengths {
            try loadHead()
        } else {
            times = try TimesPage.decode(
                try page(place.offset..<place.offset + place.sizeT), rows: place.rows)
        }
        return times ?? []
    }

    /// Metadata of all rows; ids are empty when no row has any.
    func sets() throws -> (sets: [Labels], ids: [UInt32]) {
        if let metadata { return metadata }
        if place.hasLengths {
            try loadHead()
        } else if place.sizeM > 0 {
            let start = place.offset + place.sizeT
            metadata = try MetadataPage.decode(
                try page(start..<start + place.sizeM), rows: place.rows)
        }
        let found = metadata ?? ([.empty], [])
        metadata = found
        return found
    }

    /// Pages T and M as text has them.
    private func loadHead() throws {
        let bytes = try page(place.offset..<place.offset + place.sizeT + place.sizeM)
        let entries = try FrameDecoder.head(bytes, place)
        times = entries.timestamps
        metadata = (entries.metadataSets, entries.metadataIDs)
    }

    /// Entries of some rows, which ascend, without their lines.
    private func heads(_ rows: [UInt32], ends: [UInt32]) throws -> Entries {
        let times = try timestamps()
        let (sets, ids) = try sets()
        var out = Entries()
        out.timestamps = rows.map { times[Int($0)] }
        out.lineEnds = ends
        if !ids.isEmpty {
            out.metadataSets = sets
            out.metadataIDs = rows.map { ids[Int($0)] }
        }
        return out
    }

    /// Entries of a run of rows, without their lines.
    private func heads(_ rows: Range<Int>, ends: [UInt32]) throws -> Entries {
        let times = try timestamps()
        let (sets, ids) = try sets()
        var out = Entries()
        out.timestamps = Array(times[rows])
        out.lineEnds = ends
        if !ids.isEmpty {
            out.metadataSets = sets
            out.metadataIDs = Array(ids[rows])
        }
        return out
    }

    private func check(_ rows: Range<Int>) throws {
        guard rows.lowerBound >= 0, rows.upperBound <= place.rows else {
            throw SegmentError.corrupt("slice beyond its frame", offset: place.offset)
        }
    }

    /// The rows of a range that lie inside a range of times.
    func rows(_ rows: Range<Int>, within times: ClosedRange<Int64>) throws -> Range<Int> {
        try check(rows)
        return try timestamps().rows(rows, within: times)
    }

    /// Rows that are put together one by one; of more, all are.
    private static let mostRows = 1024

    /// Rows that were chosen, ascending.
    struct Chosen {
        var rows: [UInt32] = []
        /// The place of each row's slice in the list; empty for a list of one.
        var owners: [UInt32] = []
        /// From the first to the last.
        var span: Range<Int> {
            guard let first = rows.first, let last = rows.last else { return 0..<0 }
            return Int(first)..<Int(last) + 1
        }
    }

    /// The rows of slices, which ascend, whose lines fulfil a condition and that lie inside a range of
    /// times.
    func choose(
        _ slices: [Slice], _ question: LineQuestion?, within times: ClosedRange<Int64>
    ) throws -> Chosen {
        var found: RowMask?
        if let question, !question.isEmpty {
            let rows = try self.rows(question)
            if rows.isEmpty { return Chosen() }
            found = rows
        } else {
            trace?.note(.unsearched)
        }
        var chosen = Chosen()
        for (place, slice) in slices.enumerated()
        where slice.last >= times.lowerBound && slice.first <= times.upperBound {
            var rows = slice.firstRow..<slice.firstRow + slice.rows
            if slice.lies(in: times) {
                try check(rows)
            } else {
                rows = try self.rows(rows, within: times)
            }
            if let found {
                found.append(in: rows, to: &chosen.rows)
            } else {
                chosen.rows += rows.lazy.map { UInt32(truncatingIfNeeded: $0) }
            }
            guard slices.count > 1 else { break }
            let owner = UInt32(truncatingIfNeeded: place)
            chosen.owners += repeatElement(owner, count: chosen.rows.count - chosen.owners.count)
        }
        return chosen
    }

    /// Chosen rows as entries.
    func load(
        _ chosen: Chosen, _ projection: Selection.Projection, into out: inout Entries
    ) throws {
        guard !chosen.rows.isEmpty else { return }
        guard chosen.owners.isEmpty else {
            var part = Entries()
            try load(chosen.rows, chosen.span, projection, into: &part)
            part.divide(among: chosen.owners)
            return out.append(part, rows: 0..<part.count)
        }
        try load(chosen.rows, chosen.span, projection, into: &out)
    }

    private func load(
        _ wanted: [UInt32], _ rows: Range<Int>, _ projection: Selection.Projection,
        into out: inout Entries
    ) throws {
        if wanted.count == rows.count { return try load(rows, projection, into: &out) }
        switch projection {
        case .timestamps, .minuteCounts:
            let ends = [UInt32](repeating: 0, count: wanted.count)
            let entries = try heads(wanted, ends: ends)
            out.append(entries, rows: 0..<entries.count)
        case .timestampsAndLengths:
            var all = Entries()
            try load(rows, projection, into: &all)
            out.append(all, chosen: wanted, from: rows.lowerBound)
        case .lines: try load(wanted, within: rows, into: &out)
        }
    }

    /// Some rows of a range with their lines.
    private func load(_ wanted: [UInt32], within rows: Range<Int>, into out: inout Entries) throws {
        guard wanted.count <= Self.mostRows else {
            var all = Entries()
            try load(rows, .lines, into: &all)
            return out.append(all, chosen: wanted, from: rows.lowerBound)
        }
        let lines = try columns.lines(of: wanted, timestamps: try timestamps())
        trace?.trace.note(lines: wanted.count)
        var entries = try heads(wanted, ends: lines.ends)
        entries.lineBytes = lines.bytes
        out.append(entries, rows: 0..<entries.count)
    }

    private func load(
        _ rows: Range<Int>, _ projection: Selection.Projection, into out: inout Entries
    ) throws {
        guard !rows.isEmpty else { return }
        var lines: (bytes: [UInt8], ends: [UInt32]) = ([], [])
        switch projection {
        case .lines:
            lines = try columns.lines(rows, timestamps: try timestamps())
            trace?.trace.note(lines: rows.count)
        case .timestampsAndLengths:
            lines.ends = try columns.lengths(rows, timestamps: try timestamps())
        case .timestamps, .minuteCounts: lines.ends = Array(repeating: 0, count: rows.count)
        }
        var entries = try heads(rows, ends: lines.ends)
        entries.lineBytes = lines.bytes
        if out.isEmpty { out = entries } else { out.append(entries, rows: 0..<entries.count) }
    }

    /// Reads every page and checks that it is what was written. The lines themselves were held
    /// against their columns before those were written.
    func verify() throws {
        let start = place.offset + place.sizeT + place.sizeM
        let bytes = try read(start..<start + place.sizeL)
        for page in columns.header.pages { try Page.check(bytes, page) }
        _ = try timestamps()
        _ = try sets()
    }
}

// Searching.
extension ColumnsChunk {
    /// The rows of the chunk whose lines fulfil a condition.
    func rows(_ question: LineQuestion) throws -> RowMask {
        if let known = answers.last(where: { $0.condition == question.condition }) {
            trace?.note(.known)
            return known.rows
        }
        columns.asked = (false, false)
        let verdict = try question.root.verdict { try columns.verdict(on: $0) }
        trace?.note(verdict, columns.asked)
        let rows =
            switch verdict {
            case .all: RowMask(rows: place.rows, all: true)
            case .none: RowMask(rows: place.rows, all: false)
            case .maybe: try self.rows(question.root)
            }
        if answers.count == Self.mostAnswers { answers.removeFirst() }
        answers.append((question.condition, rows))
        return rows
    }

    private func rows(_ node: LineQuestion.Node) throws -> RowMask {
        switch node {
        case .anything: return RowMask(rows: place.rows, all: true)
        case .literal(let literal):
            switch try columns.verdict(on: literal) {
            case .all: return RowMask(rows: place.rows, all: true)
            case .none: return RowMask(rows: place.rows, all: false)
            case .maybe:
                // Times inside lines are told by those of their entries.
                let times = columns.hasTimes ? try timestamps() : []
                return RowMask(
                    rows: place.rows, try columns.rows(containing: literal, timestamps: times))
            }
        case .not(let inner):
            var rows = try rows(inner)
            rows.invert()
            return rows
        case .all(let list):
            var result = RowMask(rows: place.rows, all: true)
            for node in list {
                result.formIntersection(try rows(node))
                if result.isEmpty { break }
            }
            return result
        case .any(let list):
            var result = RowMask(rows: place.rows, all: false)
            for node in list { result.formUnion(try rows(node)) }
            return result
        }
    }
}

extension Entries {
    /// Appends chosen rows of other entries; `first` is the number of their first one.
    fileprivate mutating func append(_ other: Entries, chosen: [UInt32], from first: Int) {
        var index = 0
        while index < chosen.count {
            let start = Int(chosen[index]) - first
            var end = start + 1
            index += 1
            while index < chosen.count, Int(chosen[index]) - first == end {
                end += 1
                index += 1
            }
            append(other, rows: start..<end)
        }
    }
}

extension [Int64] {
    /// Of a range of rows whose timestamps these are, those inside a range of times.
    func rows(_ rows: Range<Int>, within times: ClosedRange<Int64>) -> Range<Int> {
        let part = self[rows]
        let low = part.partition { $0 < times.lowerBound }
        let high = part.partition { $0 <= times.upperBound }
        return low..<Swift.max(low, high)
    }
}
