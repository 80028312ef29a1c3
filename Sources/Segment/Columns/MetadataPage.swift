import Bytes
import LogModel

/// Page M of a COLUMNS chunk: structured metadata, a column for each name.
/// ```
/// varint sets │ varint names { string name, varint count, IntBlock: the sets that have it,
///               their values (`ValueFormat`), `pageValues` at a time } │ IntBlock: set of each row
/// ```
/// Sets are told once each; set 0 is the empty one. Names stand in the order of their bytes.
package enum MetadataPage {
    /// More names than this are kept as text: their columns would hold next to nothing.
    static let mostNames = 4096
    /// Names and values of all sets, as `FrameBuilder.size` counts them: a few bytes of a page can tell
    /// of very many.
    private static let mostSetBytes = SegmentFormat.maxPageBytes

    /// Nil when there are too many names.
    static func encode(_ entries: Entries) -> [UInt8]? {
        guard !entries.metadataIDs.isEmpty else { return [] }
        var builder = Builder()
        let rows = entries.metadataIDs.map { builder.place(of: $0, in: entries) }
        guard builder.columns.count <= mostNames else { return nil }
        var body: [UInt8] = []
        body.appendVarint(UInt64(builder.sets))
        body.appendVarint(UInt64(builder.columns.count))
        let named = builder.columns.sorted { $0.key.lexicographicallyPrecedes($1.key) }
        let text = builder.text + [UInt8](repeating: 0, count: Values.slack)
        text.withUnsafeBufferPointer { text in
            guard let text = text.baseAddress else { return }
            for (name, column) in named { write(name, column, text, into: &body) }
        }
        rows.withUnsafeBufferPointer {
            if let base = $0.baseAddress { IntBlock.encode(base, count: $0.count, into: &body) }
        }
        return Page.encode(body, zstdLevel: 3)
    }

    private struct Column {
        var sets: [Int64] = []
        var spans: [ByteSpan] = []
    }

    /// Gathers the distinct sets of a chunk by name.
    private struct Builder {
        /// Values end to end.
        var text: [UInt8] = []
        var columns: [[UInt8]: Column] = [:]
        var sets = 1
        private var known: [Labels: Int64] = [.empty: 0]
        private var byID: [UInt32: Int64] = [0: 0]

        mutating func place(of id: UInt32, in entries: Entries) -> Int64 {
            if let place = byID[id] { return place }
            let set = entries.metadataSets[Int(id)]
            let place = known[set] ?? Int64(sets)
            byID[id] = place
            guard place == Int64(sets) else { return place }
            known[set] = place
            sets += 1
            for label in set.pairs {
                let value = ByteSpan(text.count, label.value.utf8.count)
                text += label.value.utf8
                let name = Array(label.name.utf8)
                columns[name, default: Column()].sets.append(place)
                columns[name, default: Column()].spans.append(value)
            }
            return place
        }
    }

    private static func write(
        _ name: [UInt8], _ column: Column, _ text: UnsafePointer<UInt8>, into body: inout [UInt8]
    ) {
        body.appendVarint(UInt64(name.count))
        body += name
        body.appendVarint(UInt64(column.sets.count))
        column.sets.withUnsafeBufferPointer {
            if let base = $0.baseAddress { IntBlock.encode(base, count: $0.count, into: &body) }
        }
        column.spans.withUnsafeBufferPointer { spans in
            guard let first = spans.baseAddress else { return }
            let all = Values(text: text, spans: first, count: spans.count)
            for start in stride(from: 0, to: all.count, by: ValueFormat.pageValues) {
                let end = min(start + ValueFormat.pageValues, all.count)
                ValueEncoder.encode(all.slice(start..<end), into: &body)
            }
        }
    }

    /// Decodes the page that fills `bytes`.
    package static func decode(
        _ bytes: [UInt8], rows: Int
    ) throws(SegmentError) -> (sets: [Labels], ids: [UInt32]) {
        guard rows <= ColumnsFormat.mostRows else { throw .corrupt("rows of metadata", offset: 0) }
        let body = try Page.decode(bytes, 0..<bytes.count, limit: SegmentFormat.maxPageBytes)
        do throws(BytesError) {
            var reader = ByteReader(body)
            let count = try reader.readCount(limit: rows + 1)
            guard count > 0 else { throw .invalid("no set", offset: 0) }
            var sets = [[Label]](repeating: [], count: count)
            var left = mostSetBytes
            for _ in 0..<(try reader.readCount(limit: mostNames)) {
                try read(&reader, into: &sets, &left)
            }
            let ids = RawCodes(count: rows)
            try IntBlock.decode(&reader, count: rows, into: ids.numbers)
            guard reader.isAtEnd else { throw .invalid("size", offset: reader.offset) }
            var places: [UInt32] = []
            places.reserveCapacity(rows)
            for row in 0..<rows {
                guard ids.numbers[row] >= 0, ids.numbers[row] < Int64(count) else {
                    throw .invalid("set of a row", offset: row)
                }
                places.append(UInt32(truncatingIfNeeded: ids.numbers[row]))
            }
            return (sets.map { Labels(sorted: $0) }, places)
        } catch { throw .of(error, in: "metadata of a chunk") }
    }

    private static func read(
        _ reader: inout ByteReader, into sets: inout [[Label]], _ left: inout Int
    ) throws(BytesError) {
        let name = try reader.readString()
        let count = try reader.readCount(limit: sets.count - 1)
        let places = RawCodes(count: count)
        try IntBlock.decode(&reader, count: count, into: places.numbers)
        let decoder = ValueDecoder(limit: SegmentFormat.maxPageBytes)
        for start in stride(from: 0, to: count, by: ValueFormat.pageValues) {
            let size = min(ValueFormat.pageValues, count - start)
            let values = try decoder.decode(&reader, count: size)
            for index in 0..<size {
                let place = places.numbers[start + index]
                guard place > 0, place < Int64(sets.count) else {
                    throw .invalid("place of a set", offset: reader.offset)
                }
                let bytes = values.value(index)
                left -= name.utf8.count + bytes.count + 20
                guard left >= 0 else { throw .tooLarge(limit: mostSetBytes) }
                let value = String(decoding: bytes, as: UTF8.self)
                sets[Int(place)].append(Label(name, value))
            }
        }
    }
}
