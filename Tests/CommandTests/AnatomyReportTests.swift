import Foundation
import LogModel
import Segment
import Testing
import cordwood

/// What `cordwood inspect` prints.
@Suite struct AnatomyReports {
    private func report(_ columns: Int = 40, _ templates: Int = 20) throws -> AnatomyReport {
        var entries = Entries()
        for row in 0..<4000 {
            entries.append(
                timestamp: 1_793_498_400_000_000_000 + Int64(row) * 1_000_000,
                line: Array("evil \u{1b}]owned\u{7} \u{202e} took=\(row * 7919 % 4001)ms".utf8))
        }
        var bytes: [UInt8] = []
        var writer = SegmentWriter(tenant: "a\u{1b}[2Jb", level: 1) { bytes += $0 }
        try writer.append(labels: Labels(["app": "shop"]), entries: entries)
        _ = try writer.finish()
        let object = bytes
        return AnatomyReport(
            try SegmentAnatomy(size: object.count) { Array(object[$0]) }, path: "x\u{1b}.seg",
            columns: columns, templates: templates)
    }

    private func expectHarmless(_ text: String) {
        #expect(
            !text.unicodeScalars.contains {
                $0.value < 0x20 && $0 != "\n" || $0.value == 0x7f || $0.value == 0x202e
            })
    }

    @Test func strangersTextDoesNotReachTheTerminal() throws {
        let report = try report()
        expectHarmless(report.text)
        #expect(report.text.contains("evil \\x1b]owned\\x07 \\u202e took=<took=>"))
        #expect(report.text.contains("4,000 rows"))
        let json = try report.json
        expectHarmless(json)
        #expect(json.hasSuffix("\n") && json.count { $0 == "\n" } == 1)
    }

    @Test func partsOfTheDocumentMakeTheObject() throws {
        let data = Data(try report().json.utf8)
        let document = try #require(
            try JSONSerialization.jsonObject(with: data) as? [String: Any])
        let parts = try #require(document["parts"] as? [[String: Any]])
        let sum = parts.reduce(0) { $0 + ($1["bytes"] as? Int ?? 0) }
        #expect(sum == document["storedBytes"] as? Int)
        #expect(document["rows"] as? Int == 4000)
        let columns = try #require(document["columns"] as? [[String: Any]])
        #expect(columns.first?["context"] as? String == "took=")
    }

    @Test func whatIsLeftOutIsCounted() throws {
        let text = try report(0, 0).text
        #expect(text.contains("and 1 column more with"))
        #expect(text.contains("and 1 template more with 4,000 lines (--templates 0 prints all)"))
    }
}
