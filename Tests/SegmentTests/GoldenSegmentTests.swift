import Foundation
import LogModel
import Segment
import Testing

/// Segments that were written once must stay readable for ever. Fixtures/v1.segment holds the
/// batches below, written by the first writer of format version 1, level 0, tenant `golden`,
/// attachment 1 2 3. Never write the file again: a new version gets a new file.
@Suite struct GoldenSegmentTests {
    static let batches: [Batch] = {
        var plain = Entries()
        for row in 0..<40 {
            plain.append(
                timestamp: 1_790_000_000_000_000_000 + Int64(row) * 7_000_000,
                line: Array("INFO order \(row) 완료 took=\(row * 13 % 97)ms".utf8))
        }
        var odd = Entries()
        odd.append(timestamp: .min, line: [])
        odd.append(
            timestamp: -1, line: [0, 13, 0xff, 10], metadata: Labels(["detected_level": "warn"]))
        odd.append(
            timestamp: -1, line: [0, 13, 0xff, 10],
            metadata: Labels(["detected_level": "error", "trace_id": "4bf92f3577b34da6"]))
        odd.append(timestamp: .max, line: Array("last".utf8))
        return [
            Batch(labels: Labels(["app": "shop", "host": "blue-1"]), entries: plain),
            Batch(labels: Labels(["app": "odd"]), entries: odd),
        ]
    }()

    @Test func versionOneIsReadable() throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "Fixtures/v1.segment")
        let object = SegmentObject(bytes: [UInt8](try Data(contentsOf: file)))
        #expect(try object.contents().map(\.named) == Self.batches.map(\.named))
        let reader = try object.open()
        #expect(reader.summary.tenant == "golden")
        #expect(reader.summary.level == 0)
        #expect(reader.summary.rows == 44)
        #expect(reader.attachment == [1, 2, 3])
        #expect(reader.minutes(ofStream: 0).map(\.rows) == [40])
        try reader.verify()
    }
}
