import Foundation
import LogModel
import Segment
import Testing

/// Segments of a level that keeps lines as columns, beside the same entries as text.
@Suite struct ColumnsSegmentTests {
    /// Two streams of lines with much in common, one of noise, and a small one.
    static let batches: [Batch] = {
        var random = SeededGenerator(seed: 20_261_121)
        var orders = Entries()
        var nginx = Entries()
        var noise = Entries()
        var few = Entries()
        for row in 0..<9000 {
            let time = 1_793_498_400_000_000_000 + Int64(row) * 1_234_567
            let level = row % 50 == 0 ? "ERROR" : "INFO"
            let trace = String(UInt64.random(in: .min ... .max, using: &random), radix: 16)
            orders.append(
                timestamp: time,
                line: Array(
                    "\(level) [exec-\(row % 9)] order \(row * 7 % 5003) 완료 trace=\(trace)".utf8),
                metadata: row % 3 == 0 ? .empty : Labels(["detected_level": level]))
            nginx.append(
                timestamp: time,
                line: Array(
                    "10.0.\(row % 4).\(row % 251) \"GET /api/\(row % 31)\" 200 \(row * 13 % 9973)"
                        .utf8))
            let bytes = (0..<60).map { _ in UInt8.random(in: .min ... .max, using: &random) }
            if row % 4 == 0 { noise.append(timestamp: time, line: bytes) }
            if row % 900 == 0 { few.append(timestamp: time, line: Array("tick \(row)\nmore".utf8)) }
        }
        return [
            Batch(labels: Labels(["app": "few"]), entries: few),
            Batch(labels: Labels(["app": "nginx"]), entries: nginx),
            Batch(labels: Labels(["app": "noise"]), entries: noise),
            Batch(labels: Labels(["app": "orders"]), entries: orders),
        ]
    }()

    @Test func whatIsWrittenIsReadByPagesAndWhole() throws {
        let text = try SegmentObject(Self.batches, level: 0)
        let columns = try SegmentObject(Self.batches, level: 1)
        #expect(columns.bytes.count * 10 < text.bytes.count * 9)
        #expect(try columns.contents().map(\.named) == Self.batches.map(\.named))
        let reader = try columns.open()
        try reader.verify()
        for (stream, batch) in Self.batches.enumerated() {
            // The last page first, each by itself.
            var rows = batch.entries.rows
            for slice in reader.slices(ofStream: stream).reversed() {
                var part = Entries()
                try reader.load(slice, projection: .lines, into: &part)
                #expect(part.rows == Array(rows.suffix(part.count)))
                rows.removeLast(part.count)
            }
            #expect(rows.isEmpty)
            let wide = reader.wideSlices(ofStream: stream)
            #expect(wide.reduce(0) { $0 + $1.rows } == batch.entries.count)
            let lengths = try columns.contents(.timestampsAndLengths)[stream].entries
            #expect(lengths.lineEnds == batch.entries.lineEnds && lengths.lineBytes.isEmpty)
        }
    }

    static let conditions: [LineCondition] = {
        func has(_ text: String) -> LineCondition { .contains(Array(text.utf8)) }
        func folded(_ text: String) -> LineCondition {
            .contains(Array(text.utf8), ignoringCase: true)
        }
        return [
            has("order 42 "), has("ERROR"), has("완료 trace=ab"), has("absent word"),
            has("tick 1800\nmo"), has("e"), folded("eRRoR"), folded("get /API/7"), .anything,
            .all([has("GET /api/7"), has("10.0.3")]), .not(has("ERROR")), .not(has("absent")),
            .all([has("ERROR"), has("exec-5"), has("order")]),
            .any([has("exec-3"), has("/api/3")]),
            .all([.not(has("exec-")), .any([folded("TICK"), has("200 9")]), .not(has("/api/1"))]),
            .any([has("absent"), has("not there")]), .not(.anything),
        ]
    }()

    private func holds(_ condition: LineCondition, _ line: [UInt8]) -> Bool {
        switch condition {
        case .anything: true
        case .contains(let needle, false): Data(line).range(of: Data(needle)) != nil
        case .contains(let needle, true):
            Data(line.map { (65...90).contains($0) ? $0 | 32 : $0 }).range(
                of: Data(needle.map { (65...90).contains($0) ? $0 | 32 : $0 })) != nil
        case .not(let inner): !holds(inner, line)
        case .all(let list): list.allSatisfy { holds($0, line) }
        case .any(let list): list.contains { holds($0, line) }
        }
    }

    @Test(arguments: conditions)
    func whatFulfilsAConditionIsFound(condition: LineCondition) throws {
        let question = LineQuestion(condition)
        for level in [0, 1] {
            let reader = try SegmentObject(Self.batches, level: level).open()
            for (stream, batch) in Self.batches.enumerated() {
                let expected = batch.entries.rows.filter { holds(condition, $0.line) }
                let all = reader.wideSlices(ofStream: stream)
                let slices = try reader.slices(all, mayHold: question)
                var lines = Entries()
                var times = Entries()
                var lengths = Entries()
                for slice in slices {
                    try reader.load(slice, projection: .lines, holding: question, into: &lines)
                    try reader.load(slice, projection: .timestamps, holding: question, into: &times)
                    try reader.load(
                        slice, projection: .timestampsAndLengths, holding: question, into: &lengths)
                }
                // With lines text may give more.
                #expect(lines.rows.filter { holds(condition, $0.line) } == expected)
                #expect(Set(lines.timestamps).isSubset(of: Set(batch.entries.timestamps)))
                #expect(times.timestamps == expected.map(\.timestamp) && times.lineBytes.isEmpty)
                #expect(lengths.timestamps == times.timestamps)
                #expect(
                    (0..<lengths.count).map { lengths.lineRange($0).count }
                        == expected.map(\.line.count))
            }
        }
    }

    @Test func chunksThatCannotHoldALiteralAreLeftOut() throws {
        // Of lines without a template nothing is known.
        let batches = Self.batches.filter { $0.labels["app"] != "noise" }
        let reader = try SegmentObject(batches, level: 1).open()
        let slices = batches.indices.flatMap { reader.wideSlices(ofStream: $0) }
        for (text, isThere) in [
            ("OutOfMemoryError", false), ("order 42 ", true), ("ERRORS", false), ("ERROR", true),
            ("exec-9", false), ("tick", true), ("GET /apo", false),
        ] {
            for ignoringCase in [false, true] {
                let question = LineQuestion(
                    .contains(Array(text.utf8), ignoringCase: ignoringCase))
                #expect(try reader.slices(slices, mayHold: question).isEmpty != isThere, "\(text)")
            }
        }
    }

    @Test func rowsOutsideOfATimeAreLeftOut() throws {
        for level in [0, 1] {
            let reader = try SegmentObject(Self.batches, level: level).open()
            for (stream, batch) in Self.batches.enumerated() {
                let times = batch.entries.timestamps
                let range = times[times.count / 3]...times[times.count / 2]
                var found = Entries()
                for slice in reader.slices(ofStream: stream) {
                    try reader.load(slice, projection: .lines, within: range, into: &found)
                }
                #expect(found.rows == batch.entries.rows.filter { range.contains($0.timestamp) })
            }
        }
    }

    /// Many sets, few of them twice, names that most rows lack.
    @Test func metadataOfManyKindsComesBack() throws {
        var random = SeededGenerator(seed: 4)
        var entries = Entries()
        for row in 0..<9000 {
            var labels = [
                "trace_id": String(UInt64.random(in: 0 ... .max, using: &random), radix: 16)
            ]
            if row % 7 == 0 { labels["user"] = "u\(row % 13)" }
            if row % 901 == 0 { labels["name \(row)"] = "é\n\u{0}" }
            entries.append(
                timestamp: Int64(row / 3) * 1_000_000 + Int64(row % 3),
                line: Array("order \(row) was sent to \(row % 17)".utf8),
                metadata: row % 5 == 0 ? .empty : Labels(labels))
        }
        let batch = Batch(labels: Labels(["app": "a"]), entries: entries)
        let object = try SegmentObject([batch], level: 1)
        #expect(try object.contents().map(\.named) == [batch.named])
        let names = try object.open().metadataNames
        #expect(names?.isSuperset(of: ["trace_id", "user", "name 1802"]) == true)
        #expect(names?.contains("level") == false)
    }

    /// Written by the first writers of versions 3 to 7; never to be written again.
    @Test(arguments: ["v3", "v4", "v5", "v6", "v7"]) func theFirstSegmentsOfColumnsAreReadable(
        _ version: String
    ) throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "Fixtures/\(version).segment")
        let object = SegmentObject(bytes: [UInt8](try Data(contentsOf: file)))
        let few = Self.batches.map { batch in
            var entries = Entries()
            entries.append(batch.entries, rows: 0..<min(1500, batch.entries.count))
            return Batch(labels: batch.labels, entries: entries)
        }
        #expect(try object.contents().map(\.named) == few.map(\.named))
        let reader = try object.open()
        #expect(reader.summary.level == 1 && reader.attachment == [3])
        try reader.verify()
    }
}
