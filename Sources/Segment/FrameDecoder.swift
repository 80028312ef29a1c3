import Bytes
import LogModel

/// Varints of a page, front to back. Behind the end, or at one beyond 64 bits, it gives zeros and
/// remembers that: a loop over a page asks once, afterwards.
private struct VarintCursor {
    private let bytes: [UInt8]
    private var offset: Int
    private var failed = false

    init(_ bytes: [UInt8], from offset: Int = 0) {
        self.bytes = bytes
        self.offset = offset
    }

    /// True when all bytes were read and nothing was amiss.
    var endedRight: Bool { !failed && offset == bytes.count }

    @inline(__always)
    mutating func next() -> UInt64 {
        if offset < bytes.count, bytes[offset] < 0x80 {
            defer { offset += 1 }
            return UInt64(bytes[offset])
        }
        return nextLong()
    }

    private mutating func nextLong() -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            guard offset < bytes.count else { break }
            let byte = bytes[offset]
            offset += 1
            if shift == 63, byte > 1 { break }
            value |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { return value }
        }
        failed = true
        return 0
    }
}

/// Decodes the pages of a frame into columns.
enum FrameDecoder {
    /// Everything but the lines, from pages T and M side by side.
    static func head(_ bytes: [UInt8], _ frame: Frame) throws -> Entries {
        var entries = Entries()
        let limit = SegmentFormat.maxPageBytes
        let t = try Page.decode(bytes, 0..<frame.sizeT, limit: limit)
        try times(t, rows: frame.rows, into: &entries)
        if frame.sizeM > 0 {
            let range = frame.sizeT..<frame.sizeT + frame.sizeM
            let m = try Page.decode(bytes, range, limit: limit)
            try metadata(m, rows: frame.rows, into: &entries)
        }
        return entries
    }

    static func times(_ page: [UInt8], rows: Int, into entries: inout Entries) throws(SegmentError)
    {
        // Each row takes at least two bytes: a false count cannot make us take memory.
        guard rows <= page.count else { throw .corrupt("row count", offset: 0) }
        var reader = VarintCursor(page)
        var at: Int64 = 0
        entries.timestamps = [Int64](unsafeUninitializedCapacity: rows) { out, count in
            for row in 0..<rows {
                let value = reader.next()
                at &+= Int64(bitPattern: value >> 1) ^ (0 &- Int64(bitPattern: value & 1))
                out.initializeElement(at: row, to: at)
            }
            count = rows
        }
        var end: UInt64 = 0
        var isRight = true
        let limit = UInt64(SegmentFormat.maxPageBytes)
        entries.lineEnds = [UInt32](unsafeUninitializedCapacity: rows) { out, count in
            for row in 0..<rows {
                let length = reader.next()
                if length > limit - end { isRight = false } else { end += length }
                out.initializeElement(at: row, to: UInt32(truncatingIfNeeded: end))
            }
            count = rows
        }
        guard isRight, reader.endedRight else { throw .corrupt("time page", offset: 0) }
    }

    static func metadata(
        _ page: [UInt8], rows: Int, into entries: inout Entries
    ) throws(SegmentError) {
        do throws(BytesError) {
            var reader = ByteReader(page)
            let sets = try reader.readCount(limit: reader.remaining)
            entries.metadataSets = []
            for _ in 0..<sets { entries.metadataSets.append(try reader.readLabels()) }
            guard entries.metadataSets.first?.isEmpty == true else {
                throw .invalid("the first set is not empty", offset: 0)
            }
            var ids = VarintCursor(page, from: reader.offset)
            var isRight = true
            entries.metadataIDs = [UInt32](unsafeUninitializedCapacity: rows) { out, count in
                for row in 0..<rows {
                    let id = ids.next()
                    if id >= UInt64(sets) { isRight = false }
                    out.initializeElement(at: row, to: UInt32(truncatingIfNeeded: id))
                }
                count = rows
            }
            guard isRight, ids.endedRight else {
                throw .invalid("ids of sets", offset: reader.offset)
            }
        } catch { throw .of(error, in: "metadata page") }
    }
}

extension ByteReader {
    mutating func readLabels() throws(BytesError) -> Labels {
        let count = try readCount(limit: remaining)
        var pairs: [Label] = []
        pairs.reserveCapacity(count)
        for _ in 0..<count { pairs.append(Label(try readString(), try readString())) }
        return Labels(sorted: pairs)
    }
}
