import Foundation
import LogModel
import Segment
import Testing

/// Every byte of a segment is in exactly one figure of its anatomy.
@Suite struct SegmentAnatomyTests {
    private func anatomy(_ object: SegmentObject) throws -> SegmentAnatomy {
        try SegmentAnatomy(size: object.bytes.count) { Array(object.bytes[$0]) }
    }

    private func expectWhole(_ anatomy: SegmentAnatomy, _ object: SegmentObject) {
        let sections = anatomy.sections.reduce(0) { $0 + $1.bytes }
        #expect(
            sections + anatomy.raw.storedBytes + anatomy.columns.storedBytes == object.bytes.count)
        #expect(anatomy.otherBytes == 0)
        #expect(anatomy.raw.rows + anatomy.columns.rows == anatomy.summary.rows)
        #expect(anatomy.raw.rawBytes + anatomy.columns.rawBytes == anatomy.summary.bytes)
        #expect(
            anatomy.contexts.reduce(0) { $0 + $1.storedBytes } == anatomy.columns.columns)
        #expect(
            anatomy.contexts.reduce(0) { $0 + $1.filterBytes } == anatomy.columns.filters)
    }

    @Test(arguments: [0, 1]) func partsMakeTheObject(_ level: Int) throws {
        let object = try SegmentObject(
            ColumnsSegmentTests.batches, level: level, attachment: [1, 2, 3])
        let found = try anatomy(object)
        expectWhole(found, object)
        #expect(found.summary.level == level && found.summary.storedBytes == object.bytes.count)
        #expect((found.columns.chunks > 0) == (level > 0))
        #expect((found.raw.frames > 0) == (level == 0))
    }

    @Test func nothingIsAnObjectToo() throws {
        let object = try SegmentObject([], level: 1)
        expectWhole(try anatomy(object), object)
    }

    @Test(arguments: ["v1", "v2", "v3", "v4", "v5", "v6", "v7"]) func everyVersionIsWhole(
        _ version: String
    )
        throws
    {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "Fixtures/\(version).segment")
        let object = SegmentObject(bytes: [UInt8](try Data(contentsOf: file)))
        let found = try anatomy(object)
        expectWhole(found, object)
        #expect("v\(found.version)" == version)
    }

    @Test func columnsAreNamedByWhatStandsLeftOfThem() throws {
        let object = try SegmentObject(ColumnsSegmentTests.batches, level: 1)
        let found = try anatomy(object)
        func column(_ context: String) throws -> ColumnAnatomy {
            try #require(
                found.contexts.first { $0.context.texts == [Array(context.utf8)] },
                "no column \(context)")
        }
        let traces = try column("trace=")
        #expect(traces.values == 9000 && traces.hasIDs && traces.filterBytes > 9000)
        #expect(traces.longest == 16)
        // Noise is larger: it fits no template.
        #expect(found.contexts.first?.context.isWholeLine == true)
        #expect(found.contexts.dropFirst().first?.context.texts == traces.context.texts)
        let threads = try column("INFO [")
        #expect(threads.distinct == 9...9 && !threads.hasIDs && threads.filterBytes == 0)
        let sorted = found.contexts.map(\.storedBytes)
        #expect(sorted == sorted.sorted(by: >))
    }

    /// A line of several strips counts as often.
    @Test func templatesCountTheLines() throws {
        let object = try SegmentObject(ColumnsSegmentTests.batches, level: 1)
        let found = try anatomy(object)
        let strips = found.templates.reduce(0) { $0 + $1.strips }
        #expect(strips >= found.columns.rows)
        let orders = found.templates.filter { template in
            template.pieces.contains { String(decoding: $0, as: UTF8.self).contains("trace=") }
        }
        #expect(orders.reduce(0) { $0 + $1.strips } == 9000)
        for template in found.templates {
            #expect(template.pieces.count == template.holes.count + 1)
        }
    }

    @Test func damageAnywhereIsAnError() throws {
        let object = try SegmentObject(ColumnsSegmentTests.batches, level: 1, attachment: [9])
        var random = SeededGenerator(seed: 20_261_121)
        for _ in 0..<ColumnsSamples.rounds(300) {
            var bytes = object.bytes
            let at = Int.random(in: 0..<bytes.count, using: &random)
            bytes[at] ^= UInt8.random(in: 1...255, using: &random)
            #expect(throws: SegmentError.self, "byte \(at)") {
                try anatomy(SegmentObject(bytes: bytes))
            }
            let cut = SegmentObject(bytes: Array(object.bytes[..<at]))
            #expect(throws: SegmentError.self, "\(at) bytes") { try anatomy(cut) }
        }
    }

    /// An error in a page tells where the page begins, counted from the beginning of the object.
    @Test func errorsTellWhere() throws {
        let object = try SegmentObject(ColumnsSegmentTests.batches, level: 0)
        var bytes = object.bytes
        // The first page begins behind the mark.
        bytes[30] ^= 1
        do {
            _ = try anatomy(SegmentObject(bytes: bytes))
            Issue.record("damage went unseen")
        } catch SegmentError.corrupt(let what, let offset) {
            #expect(what == "page of times: checksum" && offset == 8)
        }
    }
}
