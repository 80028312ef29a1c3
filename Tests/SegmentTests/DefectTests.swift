import Bytes
import LogModel
import Segment
import Testing

/// Each of these went wrong once.
@Suite struct DefectTests {
    @Test func muchMetadataStaysReadable() throws {
        var random = SeededGenerator(seed: 1)
        var entries = Entries()
        for row in 0..<1200 {
            let value = (0..<3500).map { _ in String(random.next(), radix: 36) }.joined()
            entries.append(
                timestamp: Int64(row), line: Array("x".utf8),
                metadata: Labels(sorted: [Label("k", value)]))
        }
        let object = try SegmentObject([Batch(labels: .empty, entries: entries)])
        #expect(try object.contents()[0].entries.rows == entries.rows)
    }

    @Test func aLineOfAlmostAPageStaysReadable() throws {
        var entries = Entries()
        entries.append(timestamp: 0, line: [UInt8](repeating: 65, count: 1000))
        entries.append(timestamp: 1, line: [UInt8](repeating: 66, count: 64 << 20))
        let object = try SegmentObject([Batch(labels: .empty, entries: entries)])
        #expect(try object.contents()[0].entries.lineEnds == entries.lineEnds)
    }

    @Test func metadataThatLooksAlikeIsNotEqual() throws {
        let composed = Labels(sorted: [Label("k", "\u{e9}")])
        let apart = Labels(sorted: [Label("k", "e\u{301}")])
        var a = Entries()
        a.append(timestamp: 1, line: [120], metadata: composed)
        var b = Entries()
        b.append(timestamp: 1, line: [120], metadata: apart)
        let merged = try EntriesMerge.merge([a, b])
        #expect(merged.count == 2)
        let read = try SegmentObject([Batch(labels: .empty, entries: merged)]).contents()[0]
        let values = (0..<2).map { Array(read.entries.metadata($0).pairs[0].value.utf8) }
        #expect(values == [Array("\u{e9}".utf8), Array("e\u{301}".utf8)])
    }

    /// Sections that a broken writer sealed with right checksums.
    private func crafted(_ sections: [[UInt8]], version: UInt8 = 1) -> SegmentObject {
        var out = Array("CWSEG\u{0}\u{0}\u{1}".utf8)
        var table: [UInt8] = []
        for (index, section) in sections.enumerated() {
            var page: [UInt8] = [0, 0, 0, 0]
            page.appendLE(UInt32(section.count))
            page.appendLE(UInt32(section.count))
            page += section
            page.appendLE(crc32c(page))
            table.append(UInt8(index + 1))
            table.appendVarint(UInt64(out.count))
            table.appendVarint(UInt64(page.count))
            out += page
        }
        var footer: [UInt8] = [version, 0, 0, 0]
        footer.appendString("t")
        footer += [0, 0, 0, 0, 4] + table
        out += footer
        out.appendLE(UInt32(footer.count))
        out.appendLE(crc32c(footer))
        return SegmentObject(bytes: out + Array("CWSEG\u{0}\u{0}\u{1}".utf8))
    }

    @Test func aSliceWithoutStreamIsDamage() {
        let object = crafted([[0], [1, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0], [], []])
        #expect(throws: SegmentError.self) { try object.open() }
    }

    @Test func sealedNonsenseNeverTraps() {
        let seed: UInt64 = 88
        var random = SeededGenerator(seed: seed)
        let stream: [UInt8] = [1] + [UInt8](repeating: 0, count: 8) + [0, 0, 0, 0, 0]
        let most = [UInt8](repeating: 0xff, count: 8) + [0x7f]
        let numbers: [[UInt8]] = [[0], [1], [0x7f], most]
        for _ in 0..<20_000 {
            let sections = (0..<4).map { section -> [UInt8] in
                if section == 0, Bool.random(using: &random) { return stream }
                return (0..<Int.random(in: 0..<12, using: &random)).flatMap { _ in
                    numbers.randomElement(using: &random) ?? []
                }
            }
            do { try crafted(sections).open().verify() } catch { continue }
        }
    }

    /// Slices as columns: a frame that says how many it has, and numbers of any kind behind it.
    @Test func sealedSlicesNeverTrap() {
        let seed: UInt64 = 89
        var random = SeededGenerator(seed: seed)
        let most = [UInt8](repeating: 0xff, count: 9) + [0x01]
        let many: [UInt8] = [0xff, 0xff, 0xff, 0x1f]
        // All the same, bits, buckets, bytes, differences, words; with all that may stand in them.
        let numbers: [[UInt8]] = [[0], [1], [2], [3], [4], [5], [0x7f], [0x40], many, most]
        for _ in 0..<20_000 {
            func some(_ count: Int) -> [UInt8] {
                (0..<count).flatMap { _ in numbers.randomElement(using: &random) ?? [] }
            }
            let rows: [UInt8] = [[2], [0x7f], many].randomElement(using: &random) ?? many
            let chunks =
                [1, 1, 1, 8, 0, 0, 0] + rows + rows + some(Int.random(in: 0..<40, using: &random))
            let object = crafted([[2, 0, 0], chunks, [], []], version: 6)
            do { try object.open().verify() } catch { continue }
        }
    }

    /// Every time there is, streams by turns, more slices than a block has.
    @Test func slicesComeBackAsTheyWere() throws {
        var random = SeededGenerator(seed: 90)
        var out: [UInt8] = []
        var writer = SegmentWriter(tenant: "t", level: 1) { out += $0 }
        var wanted: [[Row]] = Array(repeating: [], count: 700)
        for turn in 0..<14 {
            for stream in wanted.indices where Int.random(in: 0..<9, using: &random) > 0 {
                var entries = Entries()
                for row in 0..<Int.random(in: 1...3, using: &random) {
                    let at = Int64(turn * 1000 + row) * 1_000_003
                    let time =
                        turn == 0 ? Int64.min + at : turn == 13 ? Int64.max - 9 + Int64(row) : at
                    entries.append(
                        timestamp: max(time, wanted[stream].last?.timestamp ?? time),
                        line: Array("order \(turn) of \(stream)".utf8))
                }
                wanted[stream] += entries.rows
                try writer.append(labels: Labels(["n": "\(stream)"]), entries: entries)
            }
            try writer.endChunk()
        }
        _ = try writer.finish()
        let object = SegmentObject(bytes: out)
        let reader = try object.open()
        try reader.verify()
        for batch in try object.contents() {
            let stream = try #require(batch.labels["n"].flatMap { Int($0) })
            #expect(batch.entries.rows == wanted[stream])
            let summary = try #require(
                reader.summary.streams.first { $0.labels == batch.labels })
            #expect(summary.rows == wanted[stream].count)
            #expect(summary.first == wanted[stream].first?.timestamp)
            #expect(summary.last == wanted[stream].last?.timestamp)
        }
        #expect(reader.summary.streams.count == 700)
    }
}
