import Bytes

/// The slices of a segment as CHUNKS has them behind its frames from format version 6 on: in the order of
/// their frames and rows, `blockSlices` to a block. How many each frame has stands with the frame; the row
/// at which one begins is the end of the one before it.
/// ```
/// block: IntBlock: streams, IntBlock: rows, TimeBlock: first times,
///        TimeBlock: last times less first, IntBlock: bytes of lines
/// ```
enum SliceColumns {
    private static let blockSlices = 4096

    static func append(_ slices: [Slice], to out: inout [UInt8]) {
        for start in stride(from: 0, to: slices.count, by: blockSlices) {
            let block = slices[start..<min(start + blockSlices, slices.count)]
            func numbers(
                _ value: (Slice) -> Int64,
                _ encode: (UnsafePointer<Int64>, Int, inout [UInt8]) -> Void
            ) {
                block.map(value).withUnsafeBufferPointer {
                    if let base = $0.baseAddress { encode(base, $0.count, &out) }
                }
            }
            numbers({ Int64($0.stream) }) { IntBlock.encode($0, count: $1, into: &$2) }
            numbers({ Int64($0.rows) }) { IntBlock.encode($0, count: $1, into: &$2) }
            numbers({ $0.first }) { TimeBlock.encode($0, count: $1, into: &$2) }
            // All of time does not fit: it wraps round, and back.
            numbers({ $0.last &- $0.first }) { TimeBlock.encode($0, count: $1, into: &$2) }
            numbers({ Int64($0.bytes) }) { IntBlock.encode($0, count: $1, into: &$2) }
        }
    }

    /// `counts`: slices of each of `frames`, at most one for each row.
    static func decode(
        _ reader: inout ByteReader, counts: [Int], frames: [Frame], streams: Int
    ) throws(BytesError) -> [Slice] {
        var places = Places(counts: counts, frames: frames)
        var left = counts.reduce(0, +)
        var slices: [Slice] = []
        // Damage may claim any number: what was not read yet takes no memory.
        slices.reserveCapacity(min(left, 16 * blockSlices))
        let columns = RawCodes(count: 5 * min(left, blockSlices))
        while left > 0 {
            let count = min(left, blockSlices)
            left -= count
            let (stream, rows) = (columns.numbers, columns.numbers + count)
            let (first, span) = (columns.numbers + 2 * count, columns.numbers + 3 * count)
            let bytes = columns.numbers + 4 * count
            try IntBlock.decode(&reader, count: count, into: stream)
            try IntBlock.decode(&reader, count: count, into: rows)
            try TimeBlock.decode(&reader, count: count, into: first)
            try TimeBlock.decode(&reader, count: count, into: span)
            try IntBlock.decode(&reader, count: count, into: bytes)
            for index in 0..<count {
                let last = first[index] &+ span[index]
                guard (0..<Int64(streams)).contains(stream[index]),
                    (0...Int64(SegmentFormat.maxPageBytes)).contains(bytes[index]),
                    first[index] <= last
                else { throw .invalid("stream, times or size of a slice", offset: reader.offset) }
                guard let place = places.next(rows: rows[index]) else {
                    throw .invalid("rows of a slice", offset: reader.offset)
                }
                slices.append(
                    Slice(
                        stream: Int(stream[index]), frame: place.frame, firstRow: place.row,
                        rows: Int(rows[index]), first: first[index], last: last,
                        bytes: Int(bytes[index])))
            }
        }
        return slices
    }

    /// Goes through the rows of frames.
    private struct Places {
        let counts: [Int]
        let frames: [Frame]
        private var frame = 0
        private var row = 0
        /// Slices that were taken from the frame.
        private var taken = 0

        init(counts: [Int], frames: [Frame]) {
            self.counts = counts
            self.frames = frames
        }

        /// Where a slice of so many rows lies; nil when it has no room there.
        mutating func next(rows: Int64) -> (frame: Int, row: Int)? {
            while frame < frames.count, taken == counts[frame] {
                frame += 1
                (row, taken) = (0, 0)
            }
            guard frame < frames.count, rows > 0, rows <= Int64(frames[frame].rows - row) else {
                return nil
            }
            defer {
                row += Int(rows)
                taken += 1
            }
            return (frame, row)
        }
    }
}
