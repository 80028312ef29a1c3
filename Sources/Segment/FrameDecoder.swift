import Bytes
import LogModel

/// Varints of a page, front to back. Behind the end, or at one beyond 64 bits, it gives zeros and
/// remembers that: a loop over a page asks once, afterwards. Good as long as the bytes are.
private struct VarintCursor {
    private var next: UnsafePointer<UInt8>
    private let end: UnsafePointer<UInt8>
    private var failed = false

    init?(_ bytes: UnsafeBufferPointer<UInt8>, from offset: Int = 0) {
        guard let base = bytes.baseAddress, offset <= bytes.count else { return nil }
        next = base + offset
        end = base + bytes.count
    }

    /// True when all bytes were read and nothing was amiss.
    var endedRight: Bool { !failed && next == end }

    @inline(__always)
    mutating func take() -> UInt64 {
        if next < end, next.pointee < 0x80 {
            defer { next += 1 }
            return UInt64(next.pointee)
        }
        return takeLong()
    }

    private mutating func takeLong() -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            guard next < end else { break }
            let byte = next.pointee
            next += 1
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
        let isRight = page.withUnsafeBufferPointer { page in
            guard var reader = VarintCursor(page) else { return rows == 0 }
            var at: Int64 = 0
            entries.timestamps = [Int64](unsafeUninitializedCapacity: rows) { out, count in
                for row in 0..<rows {
                    let value = reader.take()
                    at &+= Int64(bitPattern: value >> 1) ^ (0 &- Int64(bitPattern: value & 1))
                    out.initializeElement(at: row, to: at)
                }
                count = rows
            }
            var end: UInt64 = 0
            var fits = true
            let limit = UInt64(SegmentFormat.maxPageBytes)
            entries.lineEnds = [UInt32](unsafeUninitializedCapacity: rows) { out, count in
                for row in 0..<rows {
                    let length = reader.take()
                    if length > limit - end { fits = false } else { end += length }
                    out.initializeElement(at: row, to: UInt32(truncatingIfNeeded: end))
                }
                count = rows
            }
            return fits && reader.endedRight
        }
        guard isRight else { throw .corrupt("time page", offset: 0) }
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
            let offset = reader.offset
            let isRight = page.withUnsafeBufferPointer { page in
                guard var ids = VarintCursor(page, from: offset) else { return rows == 0 }
                var areKnown = true
                entries.metadataIDs = [UInt32](unsafeUninitializedCapacity: rows) { out, count in
                    for row in 0..<rows {
                        let id = ids.take()
                        if id >= UInt64(sets) { areKnown = false }
                        out.initializeElement(at: row, to: UInt32(truncatingIfNeeded: id))
                    }
                    count = rows
                }
                return areKnown && ids.endedRight
            }
            guard isRight else { throw .invalid("ids of sets", offset: offset) }
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
