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

    @Test(arguments: [
        ["order 42 "], ["ERROR"], ["완료 trace=ab"], ["GET /api/7", "10.0.3"], ["absent word"],
        ["tick 1800\nmo"], ["e"], ["ERROR", "exec-5", "order"],
    ])
    func whatHoldsTheLiteralsIsFound(literals: [String]) throws {
        let reader = try SegmentObject(Self.batches, level: 1).open()
        let question = RequiredLiterals(literals.map { Array($0.utf8) })
        for (stream, batch) in Self.batches.enumerated() {
            var found = Entries()
            for slice in reader.wideSlices(ofStream: stream) {
                try reader.load(slice, projection: .lines, holding: question, into: &found)
            }
            func holds(_ row: Row) -> Bool {
                literals.allSatisfy {
                    Data(row.line).range(of: Data($0.utf8)) != nil
                }
            }
            // Some more may be given, none left out.
            #expect(found.rows.filter(holds) == batch.entries.rows.filter(holds))
            #expect(Set(found.timestamps).isSubset(of: Set(batch.entries.timestamps)))
        }
    }

    /// Written by the first writer of version 3; never to be written again.
    @Test func theFirstSegmentOfColumnsIsReadable() throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "Fixtures/v3.segment")
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
