import Bytes
import LogModel

/// The rows of the frame that a writer has open.
struct FrameBuilder {
    private(set) var rows = 0
    private var timestamps: [Int64] = []
    private var lengths: [Int] = []
    private var lines: [UInt8] = []
    /// Empty while no row has metadata.
    private var metadataIDs: [Int] = []
    private var sets: [Labels] = [.empty]
    private var setIDs: [Labels: Int] = [:]

    var isFull: Bool {
        lines.count >= SegmentFormat.frameBytes || rows >= SegmentFormat.frameRows
    }

    /// The first row that should go to the next frame; at least one row always fits.
    func room(for entries: Entries, from row: Int) -> Int {
        let base = row == 0 ? 0 : Int(entries.lineEnds[row - 1])
        let limit = base + SegmentFormat.frameBytes - lines.count
        var end = row + 1
        let most = min(entries.count, row + max(1, SegmentFormat.frameRows - rows))
        while end < most, Int(entries.lineEnds[end]) <= limit { end += 1 }
        return end
    }

    mutating func append(_ entries: Entries, rows added: Range<Int>, lines range: Range<Int>) throws {
        guard range.count <= SegmentFormat.maxPageBytes else {
            throw SegmentError.lineTooLong(range.count)
        }
        timestamps += entries.timestamps[added]
        for row in added { lengths.append(entries.lineRange(row).count) }
        lines += entries.lineBytes[range]
        appendMetadata(entries, added)
        rows += added.count
    }

    private mutating func appendMetadata(_ entries: Entries, _ added: Range<Int>) {
        if entries.metadataIDs.isEmpty {
            if !metadataIDs.isEmpty { metadataIDs += repeatElement(0, count: added.count) }
            return
        }
        if metadataIDs.isEmpty { metadataIDs = Array(repeating: 0, count: rows) }
        var known: [UInt32: Int] = [0: 0]
        for row in added {
            let id = entries.metadataIDs[row]
            if let mapped = known[id] {
                metadataIDs.append(mapped)
                continue
            }
            let set = entries.metadataSets[Int(id)]
            let mapped = setIDs[set] ?? sets.count
            if mapped == sets.count {
                sets.append(set)
                setIDs[set] = mapped
            }
            known[id] = mapped
            metadataIDs.append(mapped)
        }
    }

    func encode(zstdLevel: Int32) -> (t: [UInt8], m: [UInt8], l: [UInt8]) {
        var t: [UInt8] = []
        t.reserveCapacity(rows * 6)
        var previous: Int64 = 0
        for timestamp in timestamps {
            t.appendZigzag(timestamp &- previous)
            previous = timestamp
        }
        for length in lengths { t.appendVarint(UInt64(length)) }
        var m: [UInt8] = []
        if !metadataIDs.isEmpty {
            m.appendVarint(UInt64(sets.count))
            for set in sets { m.appendLabels(set) }
            for id in metadataIDs { m.appendVarint(UInt64(id)) }
        }
        return (
            Page.encode(t, zstdLevel: zstdLevel),
            m.isEmpty ? [] : Page.encode(m, zstdLevel: zstdLevel),
            Page.encode(lines, zstdLevel: zstdLevel)
        )
    }
}
