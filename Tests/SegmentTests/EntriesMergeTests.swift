import LogModel
import Segment
import Testing

@Suite struct EntriesMergeTests {
    /// What the merge shall do, said plainly: all rows by time, equal times by run, a row that
    /// came before left out.
    private func model(_ runs: [[Row]]) -> [Row] {
        var out: [Row] = []
        let all = runs.joined().enumerated().sorted {
            ($0.element.timestamp, $0.offset) < ($1.element.timestamp, $1.offset)
        }
        for (_, row) in all {
            let repeated = out.reversed().prefix { $0.timestamp == row.timestamp }.contains(row)
            if !repeated { out.append(row) }
        }
        return out
    }

    private func run(_ random: inout SeededGenerator, disjointFrom start: Int64?) -> [Row] {
        let rows = Int.random(in: 0..<30, using: &random)
        let span = Int64.random(in: 1..<60, using: &random)
        let lines = ["", "a", "b", "aa"]
        return (0..<rows).map { _ in
            Row(
                timestamp: (start ?? 0) + Int64.random(in: 0..<span, using: &random),
                line: Array((lines.randomElement(using: &random) ?? "").utf8),
                metadata: Bool.random(using: &random) ? .empty : Labels(["k": "v"]))
        }.sorted { $0.timestamp < $1.timestamp }
    }

    private func pieces(_ rows: [Row], _ random: inout SeededGenerator) -> RunCursor {
        var rest = rows[...]
        var sizes = SeededGenerator(seed: random.next())
        return RunCursor {
            guard !rest.isEmpty else { return nil }
            let size = Int.random(in: 0...5, using: &sizes)
            defer { rest = rest.dropFirst(size) }
            return Entries(Array(rest.prefix(size)))
        }
    }

    @Test func mergesAsThePlainModelDoes() throws {
        let seed: UInt64 = 2026
        var random = SeededGenerator(seed: seed)
        for round in 0..<2000 {
            let disjoint = round % 4 == 0
            let runs = (0..<Int.random(in: 0..<6, using: &random)).map {
                run(&random, disjointFrom: disjoint ? Int64($0) * 100 : nil)
            }
            let expected = model(runs)
            #expect(
                try EntriesMerge.merge(runs.map { Entries($0) }).rows == expected,
                "seed \(seed), round \(round)")
            // Without a time that two runs share, order is all there is to find.
            let times = runs.map { Set($0.map(\.timestamp)) }
            let shared = times.reduce(0) { $0 + $1.count } > Set(times.joined()).count
            let joined = EntriesMerge.interleaved(runs.map { Entries($0) })
            #expect((joined == nil) == shared, "seed \(seed), round \(round)")
            if let joined {
                #expect(joined.rows == runs.joined().sorted { $0.timestamp < $1.timestamp })
            }
            var merge = EntriesMerge(runs.map { pieces($0, &random) })
            let most = Int.random(in: 1..<40, using: &random)
            var merged: [Row] = []
            while let next = try merge.next(maxBytes: most) {
                #expect(!next.isEmpty)
                merged += next.rows
            }
            #expect(merged == expected, "seed \(seed), round \(round), pieces of \(most)")
        }
    }

    @Test func linesThatLookAlikeAreNotEqual() throws {
        let a = Row(timestamp: 1, line: Array("\u{e9}".utf8), metadata: .empty)
        let b = Row(timestamp: 1, line: Array("e\u{301}".utf8), metadata: .empty)
        #expect(try EntriesMerge.merge([Entries([a]), Entries([b])]).count == 2)
    }

    @Test func noRunsGiveNothing() throws {
        #expect(try EntriesMerge.merge([]).isEmpty)
        #expect(try EntriesMerge.merge([Entries(), Entries()]).isEmpty)
    }
}
