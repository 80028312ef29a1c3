import LogModel
import Segment
import Testing

/// Frames of text are searched as a whole: what is found must lie in one line.
@Suite struct TextFrameTests {
    private static let seed: UInt64 = 20_261_124
    private static let times: Int64 = 1_793_498_400_000_000_000

    /// Short lines of few letters, many of them empty: literals lie across their borders all the time.
    private static func batches(_ random: inout SeededGenerator) -> [Batch] {
        (0..<6).map { number in
            var entries = Entries()
            for row in 0..<Int.random(in: 1...400, using: &random) {
                let size = max(0, Int.random(in: -2...5, using: &random))
                let line = (0..<size).compactMap { _ in "abA".randomElement(using: &random) }
                entries.append(
                    timestamp: times + Int64(row) * 1000, line: Array(String(line).utf8),
                    metadata: row % 7 == 0 ? Labels(["row": "\(row % 21)"]) : .empty)
            }
            return Batch(labels: Labels(["n": "\(number)"]), entries: entries)
        }
    }

    private static func condition(_ random: inout SeededGenerator, deep: Int = 2) -> LineCondition {
        switch deep == 0 ? 0 : Int.random(in: 0..<5, using: &random) {
        case 1: return .not(condition(&random, deep: deep - 1))
        case 2: return .all((0..<3).map { _ in condition(&random, deep: deep - 1) })
        case 3: return .any((0..<2).map { _ in condition(&random, deep: deep - 1) })
        default:
            let size = Int.random(in: 1...3, using: &random)
            let needle = (0..<size).compactMap { _ in "ab".randomElement(using: &random) }
            return .contains(
                Array(String(needle).utf8), ignoringCase: Bool.random(using: &random))
        }
    }

    private static func holds(_ condition: LineCondition, _ line: [UInt8]) -> Bool {
        switch condition {
        case .anything: true
        case .contains(let needle, let folds):
            (0...line.count).contains { start in
                let part = line[start...].prefix(needle.count)
                return part.elementsEqual(needle) { $0 == $1 || folds && $0 | 32 == $1 }
            }
        case .not(let inner): !holds(inner, line)
        case .all(let list): list.allSatisfy { holds($0, line) }
        case .any(let list): list.contains { holds($0, line) }
        }
    }

    @Test func whatIsFoundLiesInOneLine() throws {
        var random = SeededGenerator(seed: Self.seed)
        for turn in 0..<300 {
            let batches = Self.batches(&random)
            let reader = try SegmentObject(batches, level: 0).open()
            let condition = Self.condition(&random)
            let question = LineQuestion(condition)
            let from = Self.times + Int64.random(in: 0...200, using: &random) * 1000
            let range = from...from + Int64.random(in: 0...300, using: &random) * 1000
            for (stream, batch) in batches.enumerated() {
                let wanted = batch.entries.rows.filter {
                    range.contains($0.timestamp) && Self.holds(condition, $0.line)
                }
                var times = Entries()
                var lines = Entries()
                for slice in reader.slices(ofStream: stream) {
                    try reader.load(
                        slice, projection: .timestampsAndLengths, holding: question, within: range,
                        into: &times)
                    try reader.load(
                        slice, projection: .lines, holding: question, within: range, into: &lines)
                }
                let told = "turn \(turn) of seed \(Self.seed): \(condition)"
                #expect(times.timestamps == wanted.map(\.timestamp), "\(told)")
                #expect((0..<times.count).map(times.metadata) == wanted.map(\.metadata), "\(told)")
                #expect(
                    (0..<times.count).map { times.lineRange($0).count } == wanted.map(\.line.count),
                    "\(told)")
                // With lines text may give more.
                #expect(lines.rows.filter { Self.holds(condition, $0.line) } == wanted, "\(told)")
            }
        }
    }

    /// Many small streams lie in one frame: their rows are told apart.
    @Test func streamsOfOneFrameAreAskedTogether() throws {
        var random = SeededGenerator(seed: Self.seed)
        for level in [0, 1] {
            for _ in 0..<60 {
                let batches = Self.batches(&random)
                let reader = try SegmentObject(batches, level: level).open()
                let condition = Self.condition(&random)
                let frames = Dictionary(grouping: reader.allSlices, by: \.frame)
                for (_, slices) in frames {
                    var found = Entries()
                    try reader.load(
                        slices, projection: .timestamps, holding: LineQuestion(condition),
                        into: &found)
                    let rows = (0..<found.count).map {
                        "\(slices[found.stream($0)].stream) \(found.timestamps[$0])"
                    }
                    let wanted = slices.flatMap { slice in
                        batches[slice.stream].entries.rows
                            .filter { $0.timestamp >= slice.first && $0.timestamp <= slice.last }
                            .filter { Self.holds(condition, $0.line) }
                            .map { "\(slice.stream) \($0.timestamp)" }
                    }
                    #expect(rows == wanted, "\(condition)")
                }
            }
        }
    }
}
