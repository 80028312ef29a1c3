import Foundation
import LogModel
import Segment
import Testing

/// Lines that are a value and nothing else, and lines of no template: in a chunk's header both are one hole
/// without text around it.
@Suite struct WholeLinesTests {
    static let batches: [Batch] = {
        var random = SeededGenerator(seed: 20_261_123)
        var ids = Entries()
        var words = Entries()
        for row in 0..<3000 {
            let time = 1_793_498_400_000_000_000 + Int64(row) * 1_000_000
            let id = String(Int.random(in: 100_000_000_000...999_999_999_999, using: &random))
            ids.append(timestamp: time, line: Array(id.utf8))
            let trace = String(
                (0..<12).compactMap { _ in "abcdef".randomElement(using: &random) })
            let isOdd = row % 60 == 7
            let line =
                isOdd
                ? sentence(of: &random)
                : "INFO [exec-\(row % 9)] order \(row * 7 % 5003) was sent to host 10.0.\(row % 251).7 by \(trace)"
            words.append(timestamp: time, line: Array(line.utf8))
        }
        return [
            Batch(labels: Labels(["app": "ids"]), entries: ids),
            Batch(labels: Labels(["app": "words"]), entries: words),
        ]
    }()

    /// Words of no other line, each line of another number of them.
    private static func sentence(of random: inout SeededGenerator) -> String {
        (0..<Int.random(in: 8..<40, using: &random)).map { _ in
            String((0..<6).compactMap { _ in "ghijklmnop".randomElement(using: &random) })
        }.joined(separator: [" ", "=", ": ", "/"][Int.random(in: 0..<4, using: &random)])
    }

    @Test func eachIsFoundBesideTheOther() throws {
        for batches in [Self.batches, Self.batches.reversed()] {
            let object = try SegmentObject(batches, level: 1)
            try expectEveryLineIsFound(in: object, batches)
        }
    }

    /// Fixtures/v6-whole-lines.segment has the same batches by the last writer that knew the column of only one
    /// of them. It cannot be written again.
    @Test func eachIsFoundWhereTheIndexTakesOneForTheOther() throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "Fixtures/v6-whole-lines.segment")
        let object = SegmentObject(bytes: [UInt8](try Data(contentsOf: file)))
        #expect(try object.contents().map(\.named) == Self.batches.map(\.named))
        try expectEveryLineIsFound(in: object, Self.batches)
    }

    @Test func whatNeitherHasIsLeftOut() throws {
        let reader = try SegmentObject(Self.batches, level: 1).open()
        let question = LineQuestion(.contains(Array("XYZW".utf8)))
        for stream in Self.batches.indices {
            let slices = reader.wideSlices(ofStream: stream)
            #expect(try reader.slices(slices, mayHold: question).isEmpty)
        }
    }

    private func expectEveryLineIsFound(in object: SegmentObject, _ batches: [Batch]) throws {
        let reader = try object.open()
        for (stream, batch) in batches.enumerated() {
            for (row, entry) in batch.entries.rows.enumerated() where row % 60 == 7 {
                let question = LineQuestion(.contains(Array(entry.line.dropFirst().prefix(11))))
                var found = Entries()
                for slice in try reader.slices(
                    reader.wideSlices(ofStream: stream), mayHold: question)
                { try reader.load(slice, projection: .lines, holding: question, into: &found) }
                #expect(found.rows == [entry], "\(row) of \(batch.labels)")
            }
        }
    }
}
