import Bytes
import LogModel

/// One COLUMNS frame while it is being read: what was unpacked of it is kept for the slices beside.
/// Used by one thread at a time.
final class ColumnsChunk {
    let frame: Int
    private let place: Frame
    private let read: SegmentReader.Read
    private let columns: ColumnsReader
    /// Times and metadata of all rows, without lines; nil until they are asked for.
    private var head: Entries?
    /// The rows that were found for a question; nil where the lines must be looked at anyway.
    private var found: (question: RequiredLiterals, rows: [UInt32]?)?

    init(_ frame: Int, _ place: Frame, read: @escaping SegmentReader.Read) throws {
        self.frame = frame
        self.place = place
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

    /// Times, lengths and metadata of all rows.
    private func heads() throws -> Entries {
        if let head { return head }
        let bytes = try read(place.offset..<place.offset + place.sizeT + place.sizeM)
        let entries = try FrameDecoder.head(bytes, place)
        head = entries
        return entries
    }

    func load(_ rows: Range<Int>, withLines: Bool, into out: inout Entries) throws {
        let head = try heads()
        guard rows.upperBound <= head.count else {
            throw SegmentError.corrupt("slice beyond its frame", offset: place.offset)
        }
        guard withLines else { return out.append(head, rows: rows) }
        let lines = try columns.lines(rows, timestamps: head.timestamps)
        let start = rows.lowerBound == 0 ? 0 : head.lineEnds[rows.lowerBound - 1]
        // The lengths are told twice.
        let end = rows.isEmpty ? start : head.lineEnds[rows.upperBound - 1]
        guard lines.bytes.count == Int(end - start) else {
            throw SegmentError.corrupt("line bytes", offset: place.offset)
        }
        out.append(head, rows: rows)
        out.lineBytes += lines.bytes
    }

    /// Reads every page and checks that it is what was written. The lines themselves were held
    /// against their columns before those were written.
    func verify() throws {
        let start = place.offset + place.sizeT + place.sizeM
        let bytes = try read(start..<start + place.sizeL)
        for page in columns.header.pages { try Page.check(bytes, page) }
        guard columns.header.lineBytes == Int(try heads().lineEnds.last ?? 0) else {
            throw SegmentError.corrupt("line bytes", offset: start)
        }
    }

    /// Rows that are put together one by one; of more, all are.
    private static let mostRows = 1024

    /// The rows of a range whose lines hold all literals, or a few rows more.
    func load(
        _ rows: Range<Int>, holding question: RequiredLiterals, into out: inout Entries
    ) throws {
        if found?.question !== question {
            found = (question, try self.rows(holding: question))
        }
        guard let hits = found?.rows else { return try load(rows, withLines: true, into: &out) }
        let low = hits.partition { $0 < UInt32(rows.lowerBound) }
        let high = hits.partition { $0 < UInt32(rows.upperBound) }
        guard high - low <= Self.mostRows else {
            return try load(rows, withLines: true, into: &out)
        }
        let wanted = Array(hits[low..<high])
        guard !wanted.isEmpty else { return }
        let head = try heads()
        let lines = try columns.lines(of: wanted, timestamps: head.timestamps)
        var start = 0
        for (row, end) in zip(wanted, lines.ends) {
            let row = Int(row)
            guard row < head.count else {
                throw SegmentError.corrupt("slice beyond its frame", offset: place.offset)
            }
            out.append(
                timestamp: head.timestamps[row], line: lines.bytes[start..<Int(end)],
                metadata: head.metadata(row))
            start = Int(end)
        }
    }

    /// Nil when the literals rule nothing out.
    private func rows(holding question: RequiredLiterals) throws -> [UInt32]? {
        var kept: [UInt32]?
        for literal in question.literals {
            switch try columns.verdict(on: literal) {
            case .all: continue
            case .none: return []
            case .maybe: break
            }
            let rows = try columns.rows(
                containing: literal, timestamps: try heads().timestamps)
            guard let known = kept else {
                kept = rows
                continue
            }
            let set = Set(rows)
            kept = known.filter { set.contains($0) }
        }
        return kept
    }
}

/// Literals that every wanted line holds: one question, put to many chunks.
package final class RequiredLiterals: Sendable {
    let literals: [ColumnsLiteral]

    package init(_ literals: [[UInt8]]) {
        // The longest one mostly rules out the most.
        self.literals = literals.filter { !$0.isEmpty }.sorted { $0.count > $1.count }
            .map { ColumnsLiteral($0) }
    }

    package var isEmpty: Bool { literals.isEmpty }
}
