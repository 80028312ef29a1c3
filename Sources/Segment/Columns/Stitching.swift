import Bytes

/// Puts lines together in part, just the elements that a literal may lie across, and searches those.
struct Stitching {
    private static let batchBytes = 256 * 1024

    /// One element of a line on the way: written, or only stepped over.
    private struct Action {
        var start: Int
        var size: Int
        /// Of the hole behind the piece; -1 when it has none that matters.
        var column: Int
        var writesPiece: Bool
        var writesHole: Bool
    }

    private let literal: ColumnsLiteral
    private let reader: ColumnsReader
    /// Per template; templates that are not searched step over what others need.
    private let actions: [[Action]]
    private let isSearched: [Bool]

    /// `elements`: per template, those to be put together; step s has the elements 2s and 2s + 1.
    init(_ literal: ColumnsLiteral, _ reader: ColumnsReader, _ elements: [ClosedRange<Int>?]) {
        self.literal = literal
        self.reader = reader
        let header = reader.header
        isSearched = elements.map { $0 != nil }
        var needed = [Bool](repeating: false, count: header.columns.count)
        for (template, range) in elements.enumerated() {
            guard let range else { continue }
            let first = header.firstStep[template]
            for step in first..<header.firstStep[template + 1]
            where range.contains((step - first) * 2 + 1) && header.steps[step].column >= 0 {
                needed[Int(header.steps[step].column)] = true
            }
        }
        actions = elements.enumerated().map { template, range in
            let first = header.firstStep[template]
            return (first..<header.firstStep[template + 1]).compactMap { step in
                let entry = header.steps[step]
                let piece = (step - first) * 2
                let writesPiece = range?.contains(piece) ?? false
                let column = entry.column >= 0 && needed[Int(entry.column)] ? entry.column : -1
                guard writesPiece || column >= 0 else { return nil }
                return Action(
                    start: Int(entry.start), size: Int(entry.size), column: Int(column),
                    writesPiece: writesPiece, writesHole: range?.contains(piece + 1) ?? false)
            }
        }
    }

    func mark(_ numbers: StripNumbers, _ timestamps: [Int64], in isHit: inout [Bool]) throws {
        guard reader.suits(timestamps) else {
            throw SegmentError.corrupt("rows of a chunk", offset: timestamps.count)
        }
        let cursors = try reader.cursors(at: 0, timestamps: timestamps)
        var batch = Batch()
        for row in 0..<reader.header.rows {
            for strip in numbers.strips(ofRow: row) {
                let template = Int(numbers.templates[strip])
                let writes = isSearched[template] && !isHit[strip]
                for action in actions[template] {
                    try pass(action, writes: writes, row: row, cursors, &batch)
                }
                guard writes else { continue }
                batch.strips.append(strip)
                batch.ends.append(UInt32(truncatingIfNeeded: batch.bytes.count))
                if batch.bytes.count >= Self.batchBytes { search(&batch, in: &isHit) }
            }
        }
        search(&batch, in: &isHit)
    }

    @inline(__always)
    private func pass(
        _ action: Action, writes: Bool, row: Int, _ cursors: ColumnCursors, _ batch: inout Batch
    ) throws {
        if writes, action.writesPiece {
            batch.bytes.reserve(action.size + ByteColumn.slack)
            let out = batch.bytes.base + batch.bytes.count
            reader.header.pieces.withUnsafeBufferPointer { pieces in
                if let base = pieces.baseAddress {
                    ByteColumn.copy(base + action.start, action.size, to: out)
                }
            }
            batch.bytes.advance(action.size)
        }
        guard action.column >= 0 else { return }
        let cursor = cursors.cursors + action.column
        guard writes, action.writesHole else {
            cursor.pointee.index += 1
            return
        }
        if cursor.pointee.index >= cursor.pointee.count { try cursors.load(action.column) }
        let size = cursors.size(cursor)
        batch.bytes.reserve(size + LineTime.longest + ByteColumn.slack)
        cursors.take(
            action.column, row: row, size: size, to: batch.bytes.base + batch.bytes.count)
        batch.bytes.advance(size)
    }

    private struct Batch: ~Copyable {
        var bytes = RawList<UInt8>(capacity: Stitching.batchBytes + 4096)
        var ends = RawList<UInt32>(capacity: 4096)
        var strips = RawList<Int>(capacity: 4096)
    }

    private func search(_ batch: inout Batch, in isHit: inout [Bool]) {
        let text = UnsafeRawBufferPointer(start: batch.bytes.base, count: batch.bytes.count)
        let strips = batch.strips.base
        RunHits.find(
            literal.search, literal.needle.count, in: text, ends: batch.ends.base,
            count: batch.strips.count
        ) { isHit[strips[$0]] = true }
        batch.bytes.removeAll()
        batch.ends.removeAll()
        batch.strips.removeAll()
    }
}

extension ColumnsReader {
    /// What the header alone tells.
    package func verdict(on literal: ColumnsLiteral) throws -> ColumnsVerdict {
        guard let part = literal.part(for: header) else {
            return try search(literal).verdict
        }
        // Only a part of it was asked for, which may be there without the rest.
        return try search(part).verdict == .none ? .none : .maybe
    }

    /// The rows whose lines hold a literal, ascending. `timestamps` are those of all rows.
    package func rows(
        containing literal: ColumnsLiteral, timestamps: @autoclosure () throws -> [Int64]
    ) throws -> [UInt32] {
        guard let part = literal.part(for: header) else {
            return try search(literal).rows(timestamps: timestamps)
        }
        let rows = try search(part).rows(timestamps: timestamps)
        guard !rows.isEmpty else { return [] }
        let (bytes, ends) = try lines(of: rows, timestamps: try timestamps())
        var found: [UInt32] = []
        bytes.withUnsafeBytes { bytes in
            ends.withUnsafeBufferPointer { ends in
                guard let ends = ends.baseAddress else { return }
                RunHits.find(
                    literal.search, literal.needle.count, in: bytes, ends: ends, count: rows.count
                ) { found.append(rows[$0]) }
            }
        }
        return found
    }
}
