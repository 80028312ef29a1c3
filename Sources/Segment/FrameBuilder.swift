import Bytes
import LogModel

/// The rows of the frame that a writer has open.
struct FrameBuilder {
    private let maxBytes: Int
    private(set) var rows = 0
    private var timestamps: [Int64] = []
    private var lengths: [UInt32] = []
    private var lines: [UInt8] = []
    /// Empty while no row has metadata.
    private var metadataIDs: [Int] = []
    private var sets: [Labels] = [.empty]
    private var setIDs: [Labels: Int] = [:]
    /// Bytes of names and values in `sets`.
    private var setBytes = 0

    init(segmentLevel level: Int) {
        maxBytes =
            level < SegmentFormat.columnsFromLevel
            ? SegmentFormat.frameBytes : SegmentFormat.keptFrameBytes
    }

    var isFull: Bool {
        lines.count >= maxBytes || rows >= SegmentFormat.frameRows
            || setBytes >= SegmentFormat.frameMetadataBytes
    }

    /// The first row that should go to the next frame: `row` itself when it does not fit behind
    /// those that are here. An empty frame takes one row at least.
    func room(for entries: Entries, from row: Int) -> Int {
        let base = row == 0 ? 0 : Int(entries.lineEnds[row - 1])
        let limit = base + maxBytes - lines.count
        let most = min(entries.count, row + SegmentFormat.frameRows - rows)
        var end = row
        var added = setBytes
        while end < most, Int(entries.lineEnds[end]) <= limit {
            // A set that comes back later counts again: the frame may end earlier than it must.
            if !entries.metadataIDs.isEmpty,
                end == row || entries.metadataIDs[end] != entries.metadataIDs[end - 1]
            {
                added += Self.size(of: entries.metadata(end))
                if added > SegmentFormat.frameMetadataBytes, end > row || rows > 0 { break }
            }
            end += 1
        }
        guard end == row else { return end }
        // A frame may end a line above its size, not below it: zstd has weaker settings for input
        // up to 256 KiB (5 % at level 3). A long line or much metadata gets a frame of its own.
        let isOrdinary =
            Int(entries.lineEnds[row]) - base <= maxBytes
            && Self.size(of: entries.metadata(row)) <= SegmentFormat.frameMetadataBytes
        return rows == 0 || (isOrdinary && most > row) ? row + 1 : row
    }

    mutating func append(_ entries: Entries, rows added: Range<Int>, lines range: Range<Int>) throws
    {
        guard range.count <= SegmentFormat.maxPageBytes else {
            throw SegmentError.lineTooLong(range.count)
        }
        for row in added.prefix(1) {
            let size = Self.size(of: entries.metadata(row))
            guard size <= SegmentFormat.maxPageBytes / 2 else {
                throw SegmentError.lineTooLong(size)
            }
        }
        timestamps += entries.timestamps[added]
        var start = added.lowerBound == 0 ? 0 : entries.lineEnds[added.lowerBound - 1]
        for end in entries.lineEnds[added] {
            lengths.append(end &- start)
            start = end
        }
        // Most frames end a line above this size.
        if lines.capacity == 0 {
            lines.reserveCapacity(max(range.count, maxBytes + 4096))
        }
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
            let same = setIDs[set]
            let mapped = same ?? sets.count
            if same == nil {
                sets.append(set)
                setIDs[set] = mapped
                setBytes += Self.size(of: set)
            }
            known[id] = mapped
            metadataIDs.append(mapped)
        }
    }

    /// Bytes that a set takes in page M, or a few more.
    static func size(of set: Labels) -> Int {
        set.pairs.reduce(10) { $0 + $1.name.utf8.count + $1.value.utf8.count + 20 }
    }

    /// The pages in front of the lines.
    func encodeHead(zstdLevel: Int32) -> (t: [UInt8], m: [UInt8]) {
        // A time takes ten bytes at most, a length five.
        let t = [UInt8](unsafeUninitializedCapacity: rows * 15) { out, count in
            var previous: Int64 = 0
            for timestamp in timestamps {
                let change = timestamp &- previous
                Self.put(UInt64(bitPattern: change << 1 ^ change >> 63), &out, &count)
                previous = timestamp
            }
            for length in lengths { Self.put(UInt64(length), &out, &count) }
        }
        var m: [UInt8] = []
        if !metadataIDs.isEmpty {
            m.appendVarint(UInt64(sets.count))
            for set in sets { m.appendLabels(set) }
            for id in metadataIDs { m.appendVarint(UInt64(id)) }
        }
        return (
            Page.encode(t, zstdLevel: zstdLevel),
            m.isEmpty ? [] : Page.encode(m, zstdLevel: zstdLevel)
        )
    }

    /// Writes a varint behind `count` bytes; the caller has made room for it.
    private static func put(
        _ value: UInt64, _ out: inout UnsafeMutableBufferPointer<UInt8>, _ count: inout Int
    ) {
        var rest = value
        while rest >= 0x80 {
            out[count] = UInt8(truncatingIfNeeded: rest) | 0x80
            count += 1
            rest >>= 7
        }
        out[count] = UInt8(truncatingIfNeeded: rest)
        count += 1
    }

    func encodeLines(zstdLevel: Int32) -> [UInt8] { Page.encode(lines, zstdLevel: zstdLevel) }
}
