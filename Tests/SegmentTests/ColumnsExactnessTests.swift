import Segment
import Testing
import bench_columns

/// Ten thousand literals in lines of every shape that the benchmark knows, as they are and with
/// bytes changed: columns find the rows that a look at every byte finds, and give back every byte.
@Suite struct ColumnsExactnessTests {
    private static let seed: UInt64 = 20_261_121
    private static let pairs = ColumnsSamples.rounds(10_000)
    private static let bytesPerFile = 320 * 1024

    @Test func everySearchFindsWhatALookAtEveryByteFinds() throws {
        var random = ShapeRandom(seed: Self.seed)
        let shapes = LogShape.allCases
        let needles = (Self.pairs + shapes.count * 2 - 1) / (shapes.count * 2)
        var pairs = 0
        for shape in shapes {
            for isMutated in [false, true] {
                var lines = ShapedLines()
                for chunk in shape.chunks(bytes: Self.bytesPerFile, seed: random.next()).prefix(1) {
                    lines = isMutated ? mutated(chunk, &random) : chunk
                }
                let note = "\(shape), mutated \(isMutated), seed \(Self.seed)"
                try check(lines, needles: needles, note, &random)
                pairs += needles
            }
        }
        #expect(pairs >= Self.pairs)
        print("\(pairs) literals looked for, seed \(Self.seed)")
    }

    private func check(
        _ lines: ShapedLines, needles: Int, _ note: String, _ random: inout ShapeRandom
    ) throws {
        let chunk = try #require(
            ColumnsEncoder.encode(
                lines: lines.bytes, lineEnds: lines.ends, timestamps: lines.timestamps,
                always: true), "\(note)")
        let reader = try ColumnsReader(chunk)
        let read = try reader.lines(0..<lines.rows, timestamps: lines.timestamps)
        #expect(read.bytes == lines.bytes && read.ends == lines.ends, "\(note)")
        let scan = NaiveScan(lines)
        for round in 0..<needles {
            let ignoringCase = round % 2 == 1
            let needle = needle(lines, round / 2 % 5, ignoringCase, &random)
            let found = try reader.rows(
                containing: ColumnsLiteral(needle, ignoringCase: ignoringCase),
                timestamps: lines.timestamps)
            let wanted = scan.rows(needle, ignoringCase: ignoringCase)
            guard found != wanted else { continue }
            Issue.record(
                "\(note), round \(round): \(needle), \(found.count) rows, not \(wanted.count)")
            return
        }
    }

    /// A part of a line; the same with a byte changed, or with its end from another line; a part
    /// of two lines, which is in neither; a word that is nowhere.
    private func needle(
        _ lines: ShapedLines, _ kind: Int, _ ignoringCase: Bool, _ random: inout ShapeRandom
    ) -> [UInt8] {
        let longest = [3, 12, 40, 300][Int.random(in: 0...3, using: &random)]
        let size = Int.random(in: 1...longest, using: &random)
        let line = Array(lines.line(Int.random(in: 0..<lines.rows, using: &random)))
        let start = Int.random(in: 0...line.count, using: &random)
        var needle = Array(line[start...].prefix(size))
        let at = needle.isEmpty ? 0 : Int.random(in: 0..<needle.count, using: &random)
        switch kind {
        case 1 where !needle.isEmpty: needle[at] = UInt8.random(in: 0...255, using: &random)
        case 2:
            let other = lines.line(Int.random(in: 0..<lines.rows, using: &random))
            needle = Array(needle.prefix(at) + other.prefix(size))
        case 3:
            let start = Int.random(in: 0..<lines.bytes.count, using: &random)
            needle = Array(lines.bytes[start...].prefix(size))
        case 4 where Bool.random(using: &random):
            needle = (0..<size).map { _ in UInt8.random(in: 97...122, using: &random) }
        default: break
        }
        if ignoringCase {
            for place in needle.indices where isLetter(needle[place]) {
                needle[place] ^= Bool.random(using: &random) ? 0x20 : 0
            }
        }
        return needle.isEmpty ? [UInt8.random(in: 0...255, using: &random)] : needle
    }

    private func isLetter(_ byte: UInt8) -> Bool { (97...122).contains(byte | 0x20) }

    /// A byte or a few of every third line are other ones, newlines, NUL and broken UTF-8 among them.
    private func mutated(_ lines: ShapedLines, _ random: inout ShapeRandom) -> ShapedLines {
        var out = ShapedLines()
        for row in 0..<lines.rows {
            var line = Array(lines.line(row))
            if row % 3 == 0, !line.isEmpty {
                for _ in 0..<Int.random(in: 1...4, using: &random) {
                    let byte = UInt8.random(in: 0...255, using: &random)
                    let rare: [UInt8] = [0, 10, 13, 0xff, 0xc3, byte, byte, byte]
                    line[Int.random(in: 0..<line.count, using: &random)] =
                        rare[Int.random(in: 0..<rare.count, using: &random)]
                }
            }
            out.append(line, at: row % 50 == 0 ? Int64(bitPattern: random.next()) : 0)
        }
        return out
    }
}

/// Looks at every byte, and shares no code with what is tested.
private struct NaiveScan {
    private let lines: ShapedLines
    private let folded: [UInt8]

    init(_ lines: ShapedLines) {
        self.lines = lines
        folded = Self.folded(lines.bytes)
    }

    private static func folded(_ bytes: [UInt8]) -> [UInt8] {
        bytes.map { (65...90).contains($0) ? $0 + 32 : $0 }
    }

    func rows(_ needle: [UInt8], ignoringCase: Bool) -> [UInt32] {
        let needle = ignoringCase ? Self.folded(needle) : needle
        let bytes = ignoringCase ? folded : lines.bytes
        var rows: [UInt32] = []
        bytes.withUnsafeBufferPointer { bytes in
            var start = 0
            for row in 0..<lines.rows {
                let end = Int(lines.ends[row])
                var at = start
                while at + needle.count <= end {
                    if bytes[at] == needle[0], bytes[at..<at + needle.count].elementsEqual(needle) {
                        rows.append(UInt32(row))
                        break
                    }
                    at += 1
                }
                start = end
            }
        }
        return rows
    }
}
