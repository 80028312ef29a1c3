import LogModel
import LogQL
import Pipeline
import Testing

/// Rows that are counted by their sets of metadata are those that are counted one by one.
@Suite struct TallyTests {
    private static let seed: UInt64 = 20_261_124

    private struct Generator: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state ^ (state >> 29)
        }
    }

    private struct Cell: Hashable {
        var labels: Labels
        var stretch: Int
    }

    /// Stretches `(10 i, 10 i + 10]`, of which those that three divides are outside.
    private static func span(_ time: Int64) -> (stretch: Int?, times: ClosedRange<Int64>) {
        let number = (time - 1) / 10
        return (number % 3 == 0 ? nil : Int(number), number * 10 + 1...number * 10 + 10)
    }

    /// Rows of some streams, one stream after the other; each stream's times ascend.
    private func entries(
        _ streams: Int, _ random: inout Generator
    ) -> Entries {
        var entries = Entries()
        var owners: [UInt32] = []
        let sets = Int.random(in: 0...5, using: &random)
        for stream in 0..<streams {
            var time: Int64 = 1
            for _ in 0..<Int.random(in: 0...60, using: &random) {
                time += Int64.random(in: 0...4, using: &random)
                let set = Int.random(in: 0...sets, using: &random)
                entries.append(
                    timestamp: time, line: repeatElement(120, count: Int(time % 7)),
                    metadata: set == 0
                        ? .empty : Labels(["level": set % 2 == 0 ? "info" : "warn", "n": "\(set)"]))
                owners.append(UInt32(stream))
            }
        }
        if streams > 1, !entries.isEmpty { entries.divide(among: owners) }
        return entries
    }

    @Test(arguments: 0..<60) func countsAreThoseOfRows(round: Int) throws {
        var random = Generator(state: Self.seed + UInt64(round))
        let streams = (0..<Int.random(in: 1...4, using: &random)).map {
            Labels(["app": "a\($0 % 2)", "pod": "p\($0)"])
        }
        let entries = entries(streams.count, &random)
        let groupings: [Grouping?] = [
            nil, Grouping(without: false, labels: []),
            Grouping(without: false, labels: ["level"]),
            Grouping(without: false, labels: ["app", "level"]),
            Grouping(without: true, labels: ["n"]),
        ]
        let grouping = groupings.randomElement(using: &random) ?? nil
        let value: Extraction.Value = round % 2 == 0 ? .count : .bytes
        let extraction = Extraction(value: value, grouping: grouping)
        let pipeline = try LogPipeline(stages: [], extraction: extraction)
        #expect(pipeline.countsRows)
        var tallied: [Cell: [Int]] = [:]
        for tally in pipeline.tally(streams: streams, entries: entries, span: Self.span) {
            let cell = Cell(labels: pipeline.labels[tally.label].merged, stretch: tally.stretch)
            let known = tallied[cell, default: [0, 0]]
            tallied[cell] = [known[0] + tally.rows, known[1] + tally.bytes]
        }
        let single = try LogPipeline(stages: [], extraction: extraction)
        var result = PipelineResult()
        var next = 0
        while next < entries.count {
            next = try single.run(streams: streams, entries: entries, from: next, into: &result)
        }
        var counted: [Cell: [Int]] = [:]
        for (row, label) in zip(result.rows, result.labelIDs) {
            guard let stretch = Self.span(entries.timestamps[row]).stretch else { continue }
            let cell = Cell(labels: single.labels[label].merged, stretch: stretch)
            let known = counted[cell, default: [0, 0]]
            counted[cell] = [known[0] + 1, known[1] + entries.lineRange(row).count]
        }
        #expect(tallied == counted, "seed \(Self.seed + UInt64(round))")
    }
}
