import Bytes

/// Reads the lines of a COLUMNS chunk, all or some. Everything that comes out of the chunk is
/// checked before it is used: damage is a `SegmentError`, never a trap.
package final class ColumnsReader {
    package let header: ColumnsHeader
    let pages: ColumnPages
    /// The search that was made last: first its verdict is asked, then its rows.
    private var recent: (literal: ColumnsLiteral, search: ColumnsSearch)?
    /// What searches asked, for whoever explains them and sets it back.
    var asked = (ids: false, values: false)

    private var starts: [[Int]]?

    func search(_ literal: ColumnsLiteral) throws -> ColumnsSearch {
        if let recent, recent.literal.ignoringCase == literal.ignoringCase,
            recent.literal.needle == literal.needle
        {
            note(recent.search)
            return recent.search
        }
        let search = try ColumnsSearch(literal, self)
        note(search)
        recent = (literal, search)
        return search
    }

    private func note(_ search: ColumnsSearch) {
        guard pages.trace != nil else { return }
        asked = (asked.ids || search.asksIDs, asked.values || search.asksValues)
    }

    /// A chunk that is in memory.
    package convenience init(_ chunk: [UInt8]) throws {
        let size = try ColumnsHeader.size(of: chunk)
        try self.init(header: ColumnsHeader(Array(chunk[..<size]))) { range in
            guard range.upperBound <= chunk.count else {
                throw SegmentError.corrupt("chunk is cut short", offset: chunk.count)
            }
            return Array(chunk[range])
        }
    }

    /// `read` gives the bytes of a range that counts from the chunk's start.
    package init(header: ColumnsHeader, read: @escaping (Range<Int>) throws -> [UInt8]) {
        self.header = header
        pages = ColumnPages(header, read: read)
    }

    /// The lines of some rows end to end, and where each ends. `timestamps` are those of all rows
    /// of the chunk.
    package func lines(
        _ rows: Range<Int>, timestamps: [Int64]
    ) throws -> (bytes: [UInt8], ends: [UInt32]) {
        guard rows.lowerBound >= 0, rows.upperBound <= header.rows, suits(timestamps) else {
            throw SegmentError.corrupt("rows of a chunk", offset: rows.upperBound)
        }
        guard !rows.isEmpty else { return ([], []) }
        let numbers = try pages.numbers()
        let cursors = try cursors(at: numbers.first(ofRow: rows.lowerBound), timestamps: timestamps)
        let pageRows = ColumnsFormat.pageRows
        let room = header.rowPageBytes[
            rows.lowerBound / pageRows...(rows.upperBound - 1) / pageRows
        ].reduce(0, +)
        var ends = [UInt32](repeating: 0, count: rows.count)
        var failure: (any Error)?
        let bytes = [UInt8](unsafeUninitializedCapacity: room + 2 * LineTime.longest) { out, used in
            guard let base = out.baseAddress else { return }
            do {
                used = try ends.withUnsafeMutableBufferPointer {
                    try assemble(
                        rows, numbers, cursors, to: base, room: room, ends: $0)
                }
            } catch { failure = error }
        }
        if let failure { throw failure }
        return (bytes, ends)
    }

    /// The lines of chosen rows, which ascend, end to end, and where each ends. Pages of columns
    /// without a value in them are not read.
    package func lines(
        of rows: [UInt32], timestamps: [Int64]
    ) throws -> (bytes: [UInt8], ends: [UInt32]) {
        guard let first = rows.first, let last = rows.last else { return ([], []) }
        guard Int(last) < header.rows, suits(timestamps),
            zip(rows, rows.dropFirst()).allSatisfy({ $0 < $1 })
        else { throw SegmentError.corrupt("rows of a chunk", offset: Int(last)) }
        let numbers = try pages.numbers()
        let cursors = try cursors(at: numbers.first(ofRow: Int(first)), timestamps: timestamps)
        var out = RawList<UInt8>(capacity: 4096)
        var ends: [UInt32] = []
        ends.reserveCapacity(rows.count)
        var reached = Int(first)
        var passed = PassedStrips(templates: header.templates)
        try header.table.withPlaces { places in
            for row in rows.lazy.map(Int.init) {
                skip(reached..<row, numbers, cursors, places, &passed)
                for strip in numbers.strips(ofRow: row) {
                    let steps = places.steps(of: Int(numbers.templates[strip]))
                    try append(steps, places.pieces, cursors, row: row, to: &out)
                }
                ends.append(UInt32(truncatingIfNeeded: out.count))
                reached = row + 1
            }
        }
        return (Array(UnsafeBufferPointer(start: out.base, count: out.count)), ends)
    }

    /// Moves cursors past rows. Most rows of a chunk are passed by where a few are chosen, and most of them
    /// have a template in common with others: each template that is met moves its columns once.
    private func skip(
        _ rows: Range<Int>, _ numbers: StripNumbers, _ cursors: ColumnCursors,
        _ places: TemplateTable.Places, _ passed: inout PassedStrips
    ) {
        guard !rows.isEmpty else { return }
        let strips = numbers.first(ofRow: rows.lowerBound)..<numbers.first(ofRow: rows.upperBound)
        numbers.templates.withUnsafeBufferPointer { passed.count(strips, of: $0) }
        passed.forgetEach { template, count in
            for step in places.steps(of: template) where step.column >= 0 {
                cursors.cursors[Int(step.column)].index += count
            }
        }
    }

    /// Where each of some lines ends when they stand end to end; no byte of them is written.
    package func lengths(_ rows: Range<Int>, timestamps: [Int64]) throws -> [UInt32] {
        guard rows.lowerBound >= 0, rows.upperBound <= header.rows, suits(timestamps) else {
            throw SegmentError.corrupt("rows of a chunk", offset: rows.upperBound)
        }
        guard !rows.isEmpty else { return [] }
        let numbers = try pages.numbers()
        let cursors = try cursors(at: numbers.first(ofRow: rows.lowerBound), timestamps: timestamps)
        var ends: [UInt32] = []
        ends.reserveCapacity(rows.count)
        var at = 0
        let steps = header.steps
        for row in rows {
            for strip in numbers.strips(ofRow: row) {
                for step in header.table.steps(of: Int(numbers.templates[strip])) {
                    at += Int(steps[step].size)
                    guard steps[step].column >= 0 else { continue }
                    let cursor = cursors.cursors + Int(steps[step].column)
                    if cursor.pointee.index >= cursor.pointee.count {
                        try cursors.load(Int(steps[step].column))
                    }
                    at += cursors.size(cursor)
                    cursor.pointee.index += 1
                }
            }
            guard at <= header.lineBytes else { throw Self.tooLong }
            ends.append(UInt32(truncatingIfNeeded: at))
        }
        return ends
    }

    /// Whether any value is a time, which is told by the timestamp of its entry.
    var hasTimes: Bool { header.columns.contains { $0.isTime } }

    /// Whether there is a timestamp for every row that needs one.
    func suits(_ timestamps: [Int64]) -> Bool { timestamps.count == header.rows || !hasTimes }

    /// Bytes of memory that header and kept pages take, about.
    var memory: Int {
        header.memory + pages.memory + (starts?.count ?? 0) * header.columns.count * 8
    }

    private func append(
        _ steps: UnsafeBufferPointer<TemplateTable.Step>, _ pieces: UnsafePointer<UInt8>,
        _ cursors: ColumnCursors, row: Int, to out: inout RawList<UInt8>
    ) throws {
        for step in steps {
            var size = Int(step.size)
            if step.column >= 0 {
                let cursor = cursors.cursors + Int(step.column)
                if cursor.pointee.index >= cursor.pointee.count {
                    try cursors.load(Int(step.column))
                }
                size += cursors.size(cursor)
            }
            guard size <= header.lineBytes - out.count else { throw Self.tooLong }
            out.reserve(size + 2 * LineTime.longest)
            var at = 0
            try write(
                step, pieces, cursors, row: row, to: out.base + out.count, room: size, &at)
            out.advance(at)
        }
    }

    /// Cursors that stand before a strip.
    func cursors(at strip: Int, timestamps: [Int64]) throws -> ColumnCursors {
        let numbers = try pages.numbers().templates
        let page = strip / ColumnsFormat.pageRows
        let starts = page == 0 ? [] : try pageStarts(numbers)[page - 1]
        var before = [Int](repeating: 0, count: header.templates)
        for number in numbers[page * ColumnsFormat.pageRows..<strip] { before[Int(number)] += 1 }
        var counts = pages.valueCounts(before)
        for column in starts.indices { counts[column] += starts[column] }
        return ColumnCursors(pages, starts: counts, timestamps: timestamps)
    }

    /// Of every page of strips but the first: the values of each column that lie before it. Many small
    /// streams in one chunk ask for places all over it.
    private func pageStarts(_ numbers: [UInt16]) throws -> [[Int]] {
        if let starts { return starts }
        var made: [[Int]] = []
        var sum = [Int](repeating: 0, count: header.columns.count)
        var at = 0
        while at + ColumnsFormat.pageRows <= numbers.count {
            var before = [Int](repeating: 0, count: header.templates)
            for number in numbers[at..<at + ColumnsFormat.pageRows] { before[Int(number)] += 1 }
            for (column, count) in pages.valueCounts(before).enumerated() { sum[column] += count }
            made.append(sum)
            at += ColumnsFormat.pageRows
        }
        starts = made
        return made
    }

    private func assemble(
        _ rows: Range<Int>, _ numbers: StripNumbers, _ cursors: ColumnCursors,
        to out: UnsafeMutablePointer<UInt8>, room: Int, ends: UnsafeMutableBufferPointer<UInt32>
    ) throws -> Int {
        var at = 0
        try header.table.withPlaces { places in
            try numbers.templates.withUnsafeBufferPointer { templates in
                for row in rows {
                    for strip in numbers.strips(ofRow: row) {
                        for step in places.steps(of: Int(templates[strip])) {
                            try write(
                                step, places.pieces, cursors, row: row, to: out, room: room, &at)
                        }
                    }
                    ends[row - rows.lowerBound] = UInt32(truncatingIfNeeded: at)
                }
            }
        }
        return at
    }

    @inline(__always)
    private func write(
        _ step: TemplateTable.Step, _ pieces: UnsafePointer<UInt8>, _ cursors: ColumnCursors,
        row: Int, to out: UnsafeMutablePointer<UInt8>, room: Int, _ at: inout Int
    ) throws {
        guard Int(step.size) <= room - at else { throw Self.tooLong }
        ByteColumn.copy(pieces + Int(step.start), Int(step.size), to: out + at)
        at += Int(step.size)
        guard step.column >= 0 else { return }
        let cursor = cursors.cursors + Int(step.column)
        if cursor.pointee.index >= cursor.pointee.count { try cursors.load(Int(step.column)) }
        let size = cursors.size(cursor)
        guard size <= room - at else { throw Self.tooLong }
        cursors.take(Int(step.column), row: row, size: size, to: out + at)
        at += size
    }

    private static let tooLong = SegmentError.corrupt("lines are longer than they were", offset: 0)
}

/// How many strips of each template were passed by.
private struct PassedStrips {
    private var counts: [Int]
    /// Templates that have a count.
    private var met: [UInt16]
    private var metCount = 0

    init(templates: Int) {
        counts = [Int](repeating: 0, count: templates)
        met = [UInt16](repeating: 0, count: templates)
    }

    mutating func count(_ strips: Range<Int>, of templates: UnsafeBufferPointer<UInt16>) {
        counts.withUnsafeMutableBufferPointer { counts in
            met.withUnsafeMutableBufferPointer { met in
                for strip in strips {
                    let template = templates[strip]
                    let before = counts[Int(template)]
                    counts[Int(template)] = before + 1
                    if before == 0 {
                        met[metCount] = template
                        metCount += 1
                    }
                }
            }
        }
    }

    mutating func forgetEach(_ body: (Int, Int) -> Void) {
        for template in met[..<metCount].lazy.map(Int.init) {
            body(template, counts[template])
            counts[template] = 0
        }
        metCount = 0
    }
}
