import Bytes

/// The strips of a chunk's lines: each goes up to and with a newline, or to the line's end. Most
/// lines are one strip; a stack trace is one strip a frame, and frames repeat where whole traces do
/// not. Where they do, all behind one of the first newlines is one strip, and a value as it is.
struct Strips {
    /// End of each strip in the line bytes.
    private(set) var ends: [UInt32]
    /// The line of each strip.
    private(set) var rows: [UInt32]
    /// Strips of each line; empty when every line is one.
    private(set) var perRow: [Int64] = []
    /// Numbers of the strips that repeat as a whole, ascending.
    private(set) var repeated: [UInt32] = []

    /// Shorter tails, and rarer ones, are as well told by their frames.
    private static let leastTail = 128
    private static let leastRepeats = 4
    /// Behind so many newlines of a line such a tail may begin: the first lines of a trace have a
    /// message of their own more often than its frames.
    private static let mostHeads = 4

    /// `text` are the lines, with `Values.slack` behind them.
    init(_ text: UnsafePointer<UInt8>, _ lines: [UInt8], _ lineEnds: [UInt32]) {
        ends = []
        rows = []
        ends.reserveCapacity(lineEnds.count)
        rows.reserveCapacity(lineEnds.count)
        let tails = Tails(text, lines, lineEnds)
        var counts: [Int64] = []
        counts.reserveCapacity(lineEnds.count)
        let newline = ByteSearch([10])
        lines.withUnsafeBytes { bytes in
            var next = newline.find(in: bytes) ?? bytes.count
            for (row, end) in lineEnds.enumerated() {
                var count: Int64 = 0
                while next + 1 < Int(end) {
                    let start = next + 1
                    ends.append(UInt32(truncatingIfNeeded: start))
                    count += 1
                    if tails.repeats(behind: start - 1) {
                        repeated.append(UInt32(truncatingIfNeeded: ends.count))
                        next = newline.find(in: bytes, from: Int(end) - 1) ?? bytes.count
                        break
                    }
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
            repeated = []
        } else if ends.count > lineEnds.count {
            perRow = counts
        }
    }

    /// What lines hold behind their first newlines, by hash: two that meet by chance cost a few
    /// bytes.
    private struct Tails {
        /// By the newline in front of each.
        private var hashes: [Int: UInt64] = [:]
        private var counts: [UInt64: Int] = [:]

        init(_ text: UnsafePointer<UInt8>, _ lines: [UInt8], _ lineEnds: [UInt32]) {
            let newline = ByteSearch([10])
            lines.withUnsafeBytes { bytes in
                var row = 0
                var heads = 0
                var at = 0
                while let next = newline.find(in: bytes, from: at) {
                    while row < lineEnds.count, Int(lineEnds[row]) <= next {
                        row += 1
                        heads = 0
                    }
                    guard row < lineEnds.count else { break }
                    let end = Int(lineEnds[row])
                    heads += 1
                    if heads > Strips.mostHeads || end - next < Strips.leastTail {
                        at = end
                        continue
                    }
                    let hash = ByteRun.hash(text + next, end - next, seed: 1)
                    hashes[next] = hash
                    counts[hash, default: 0] += 1
                    at = next + 1
                }
            }
        }

        func repeats(behind newline: Int) -> Bool {
            guard let hash = hashes[newline] else { return false }
            return counts[hash, default: 0] >= Strips.leastRepeats
        }
    }
}
