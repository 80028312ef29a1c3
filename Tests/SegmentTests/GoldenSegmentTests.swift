import Foundation
import LogModel
import Segment
import Testing

/// Segments that were written once must stay readable for ever. Fixtures/v1.segment and v2.segment
/// hold the batches below, written by the first writer of their format version, level 0, tenant
/// `golden`, attachment 1 2 3. Never write a file again: a new version gets a new file.
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

    @Test(arguments: ["v1", "v2"]) func isReadable(_ version: String) throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "Fixtures/\(version).segment")
        let object = SegmentObject(bytes: [UInt8](try Data(contentsOf: file)))
        #expect(try object.contents().map(\.named) == Self.batches.map(\.named))
        let reader = try object.open()
        #expect(reader.summary.tenant == "golden")
        #expect(reader.summary.level == 0)
        #expect(reader.summary.rows == 44)
        #expect(reader.attachment == [1, 2, 3])
        #expect(try reader.minutes(ofStream: 0).map(\.rows) == [40])
        // Version 1 did not tell levels apart.
        let levels = try reader.minutes(ofStream: 1).map(\.level)
        #expect(levels == (version == "v1" ? [nil, nil, nil] : ["", "warn", "error", ""]))
        try reader.verify()
    }
}
