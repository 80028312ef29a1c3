import Segment
import Testing

/// Whatever the lines are, columns give them back byte by byte.
@Suite struct ColumnsRoundTripTests {
    private func check(_ lines: ColumnsSamples.Lines, _ note: String) throws {
        let before = ColumnsEncoder.mismatches.load(ordering: .relaxed)
        guard
            let chunk = ColumnsEncoder.encode(
                lines: lines.bytes, lineEnds: lines.ends, timestamps: lines.timestamps,
                always: true)
        else {
            let mismatches = ColumnsEncoder.mismatches.load(ordering: .relaxed) - before
            #expect(lines.bytes.isEmpty && mismatches == 0, "\(note)")
            return
        }
        let reader = try ColumnsReader(chunk)
        let read = try reader.lines(0..<lines.rows, timestamps: lines.timestamps)
        #expect(read.bytes == lines.bytes, "\(note)")
        #expect(read.ends == lines.ends, "\(note)")
    }

    @Test(arguments: ColumnsSamples.Kind.allCases)
    func allRowsComeBack(_ kind: ColumnsSamples.Kind) throws {
        for seed in 0..<max(ColumnsSamples.rounds(40), 7) {
            var random = SeededGenerator(seed: UInt64(seed))
            let rows = [1, 2, 3, 7, 60, 500, 5000][seed % 7]
            let lines = ColumnsSamples.make(kind, rows: rows, &random)
            try check(lines, "\(kind), seed \(seed)")
        }
    }

    @Test(arguments: ColumnsSamples.Kind.allCases)
    func anyRangeOfRowsComesBack(_ kind: ColumnsSamples.Kind) throws {
        let seed: UInt64 = 20_261_121
        var random = SeededGenerator(seed: seed)
        let lines = ColumnsSamples.make(kind, rows: 13_000, &random)
        let chunk = try #require(
            ColumnsEncoder.encode(
                lines: lines.bytes, lineEnds: lines.ends, timestamps: lines.timestamps,
                always: true))
        let reader = try ColumnsReader(chunk)
        for round in 0..<ColumnsSamples.rounds(60) {
            let a = Int.random(in: 0...lines.rows, using: &random)
            let b = round % 3 == 0 ? a : Int.random(in: 0...lines.rows, using: &random)
            let rows = min(a, b)..<min(max(a, b) + round % 4, lines.rows)
            let read = try reader.lines(rows, timestamps: lines.timestamps)
            let start = rows.lowerBound == 0 ? 0 : Int(lines.ends[rows.lowerBound - 1])
            let end = rows.isEmpty ? start : Int(lines.ends[rows.upperBound - 1])
            #expect(read.bytes == Array(lines.bytes[start..<end]), "\(kind), seed \(seed), \(rows)")
            #expect(read.ends == lines.ends[rows].map { $0 - UInt32(start) })
        }
    }

    @Test(arguments: ColumnsSamples.Kind.allCases)
    func chosenRowsComeBack(_ kind: ColumnsSamples.Kind) throws {
        let seed: UInt64 = 3
        var random = SeededGenerator(seed: seed)
        let lines = ColumnsSamples.make(kind, rows: 9000, &random)
        let chunk = try #require(
            ColumnsEncoder.encode(
                lines: lines.bytes, lineEnds: lines.ends, timestamps: lines.timestamps,
                always: true))
        let reader = try ColumnsReader(chunk)
        for share in [1, 2, 50, 3000, 20_000] {
            let rows = (0..<UInt32(lines.rows)).filter { _ in
                Int.random(in: 0..<share, using: &random) == 0
            }
            let read = try reader.lines(of: rows, timestamps: lines.timestamps)
            #expect(read.bytes == rows.flatMap { lines.line(Int($0)) }, "\(kind), seed \(seed)")
            #expect(read.ends.count == rows.count)
            #expect(Int(read.ends.last ?? 0) == read.bytes.count)
        }
    }

    /// Values at the edges of the typed encodings.
    @Test func edgesOfTypes() throws {
        let columns: [[String]] = [
            ["0", "00", "1", "01"], ["9223372036854775807", "9223372036854775808", "1"],
            ["999999999999999999", "0", "1"], ["000000000000000001", "999999999999999999"],
            ["18446744073709551615", "1"], ["1.50", "1.5", "2.05"], ["1..2", "1.2", ".5", "5."],
            ["deadbeef1", "DEADBEEF1", "dEadbeef1"], ["a1b", "a2b", "a10b"], ["_1", "1_", "-1"],
            ["2026-02-29T00:00:00", "2024-02-29T00:00:00"], ["1e5", "1E5", "0x1f"],
            ["2026-11-21T08:00:00.123Z", "2026-11-21T08:00:00.12Z", "2026-11-21T24:00:00Z"],
            ["2026-11-21 08:00:00,123", "2026-11-21 08:00:60,123"], ["31/Feb/2026:00:00:00 +0000"],
            ["21/Nov/2026:08:00:00 +0900", "21/Nov/2026:08:00:00", "21/nov/2026:08:00:00 +0900"],
            ["2199-12-31T23:59:59.999999999-0330", "1700-01-01T00:00:00.000000000+1400"],
        ]
        for (number, values) in columns.enumerated() {
            for repeats in [1, 3, 50, ColumnsSamples.rounds(5000)] {
                var lines = ColumnsSamples.Lines()
                for row in 0..<repeats * values.count {
                    let value = values[row % values.count]
                    let time = Int64(row) * (number % 2 == 0 ? 1_000_000 : -1_234_567_891)
                    lines.append(Array("key=\(value) end".utf8), at: time)
                    lines.append(Array("\(value)".utf8), at: time)
                }
                try check(lines, "column \(number), \(repeats)")
            }
        }
    }

    @Test func manyEqualAndEmptyLines() throws {
        var lines = ColumnsSamples.Lines()
        for row in 0..<65_536 { lines.append(row % 2 == 0 ? [] : [65], at: 0) }
        try check(lines, "empty")
        #expect(
            ColumnsEncoder.encode(lines: [], lineEnds: [0], timestamps: [0], always: true) == nil)
    }

    @Test func longLinesAndManyHoles() throws {
        var lines = ColumnsSamples.Lines()
        for row in 0..<20 {
            lines.append(Array(repeating: UInt8(48 + row % 10), count: 70_000), at: 0)
            lines.append(Array((0..<300).map { "a\($0) " }.joined().utf8), at: 1)
            lines.append(Array((0..<200).map { "a\($0 * row) " }.joined().utf8), at: 1)
        }
        try check(lines, "long")
    }

    /// Lines whose structure pays are smaller than zstd makes them; noise is left to it.
    @Test func onlyWhatPaysIsEncoded() {
        var random = SeededGenerator(seed: 5)
        for kind in ColumnsSamples.Kind.allCases {
            let lines = ColumnsSamples.make(kind, rows: 8000, &random)
            let chunk = ColumnsEncoder.encode(
                lines: lines.bytes, lineEnds: lines.ends, timestamps: lines.timestamps)
            switch kind {
            case .spring, .nginx, .json, .logfmt: #expect(chunk != nil, "\(kind)")
            case .binary, .text: #expect(chunk == nil, "\(kind)")
            case .mixed: break
            }
        }
    }
}
