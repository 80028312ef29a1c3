import Bytes

/// The strips of a chunk's lines: each goes up to and with a newline, or to the line's end. Most
/// lines are one strip; a stack trace is one strip a frame, and frames repeat where whole traces do
/// not.
struct Strips {
    /// End of each strip in the line bytes.
    private(set) var ends: [UInt32]
    /// The line of each strip.
    private(set) var rows: [UInt32]
    /// Strips of each line; empty when every line is one.
    private(set) var perRow: [Int64] = []

    init(_ lines: [UInt8], _ lineEnds: [UInt32]) {
        ends = []
        rows = []
        ends.reserveCapacity(lineEnds.count)
        rows.reserveCapacity(lineEnds.count)
        var counts: [Int64] = []
        counts.reserveCapacity(lineEnds.count)
        let newline = ByteSearch([10])
        lines.withUnsafeBytes { bytes in
            var start = 0
            var next = newline.find(in: bytes) ?? bytes.count
            for (row, end) in lineEnds.enumerated() {
                var count: Int64 = 0
                while next + 1 < Int(end) {
                    start = next + 1
                    ends.append(UInt32(truncatingIfNeeded: start))
                    count += 1
                    next = newline.find(in: bytes, from: start) ?? bytes.count
                }
                // A newline that ends the line belongs to its last strip.
                if next < Int(end) { next = newline.find(in: bytes, from: next + 1) ?? bytes.count }
                ends.append(end)
                count += 1
                counts.append(count)
                for _ in 0..<count { rows.append(UInt32(truncatingIfNeeded: row)) }
            }
        }
        if ends.count > ColumnsFormat.mostStrips {
            ends = lineEnds
            rows = lineEnds.indices.map { UInt32(truncatingIfNeeded: $0) }
        } else if ends.count > lineEnds.count {
            perRow = counts
        }
    }
}
