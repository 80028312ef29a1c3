import Bytes
import LogModel

/// Decodes the pages of a frame into columns.
enum FrameDecoder {
    static func times(_ page: [UInt8], rows: Int, into entries: inout Entries) throws(SegmentError) {
        // Each row takes at least two bytes: a false count cannot make us take memory.
        guard rows <= page.count else { throw .corrupt("row count", offset: 0) }
        do throws(BytesError) {
            var reader = ByteReader(page)
            entries.timestamps.reserveCapacity(rows)
            entries.lineEnds.reserveCapacity(rows)
            var at: Int64 = 0
            for _ in 0..<rows {
                at = at &+ (try reader.readZigzag())
                entries.timestamps.append(at)
            }
            var end: UInt64 = 0
            for _ in 0..<rows {
                end &+= try reader.readVarint()
                guard end <= UInt64(SegmentFormat.maxPageBytes) else {
                    throw .tooLarge(limit: SegmentFormat.maxPageBytes)
                }
                entries.lineEnds.append(UInt32(end))
            }
            guard reader.isAtEnd else { throw .invalid("bytes left over", offset: reader.offset) }
        } catch { throw .of(error, in: "time page") }
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
            entries.metadataIDs.reserveCapacity(rows)
            for _ in 0..<rows {
                entries.metadataIDs.append(UInt32(try reader.readCount(limit: sets - 1)))
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

extension Entries {
    /// Appends rows of other entries, with or without their lines, as the source has them.
    package mutating func append(_ other: Entries, rows: Range<Int>) {
        guard !rows.isEmpty else { return }
        let start = rows.lowerBound == 0 ? 0 : other.lineEnds[rows.lowerBound - 1]
        let end = other.lineEnds[rows.upperBound - 1]
        let base = lineEnds.last ?? 0
        let before = count
        timestamps += other.timestamps[rows]
        lineEnds.reserveCapacity(lineEnds.count + rows.count)
        for row in rows { lineEnds.append(base + other.lineEnds[row] - start) }
        if !other.lineBytes.isEmpty { lineBytes += other.lineBytes[Int(start)..<Int(end)] }
        appendMetadata(of: other, rows: rows, before: before)
    }

    private mutating func appendMetadata(of other: Entries, rows: Range<Int>, before: Int) {
        if other.metadataIDs.isEmpty {
            if !metadataIDs.isEmpty { metadataIDs += repeatElement(0, count: rows.count) }
            return
        }
        if metadataIDs.isEmpty { metadataIDs = Array(repeating: 0, count: before) }
        if before == 0 || metadataSets.count == 1 {
            metadataSets = other.metadataSets
            metadataIDs += other.metadataIDs[rows]
            return
        }
        var mapped: [UInt32: UInt32] = [0: 0]
        for row in rows {
            let id = other.metadataIDs[row]
            if let known = mapped[id] {
                metadataIDs.append(known)
                continue
            }
            let set = other.metadataSets[Int(id)]
            // A short look back finds the few sets that repeat; unique ones are just added.
            let known = metadataSets.prefix(16).firstIndex(of: set)
            let new = UInt32(known ?? metadataSets.count)
            if known == nil { metadataSets.append(set) }
            mapped[id] = new
            metadataIDs.append(new)
        }
    }
}
