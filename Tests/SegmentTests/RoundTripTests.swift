import LogModel
import Segment
import Synchronization
import Testing

@Suite struct RoundTripTests {
    private func batches(seed: UInt64, streams: Int, rows: Int) -> [Batch] {
        var random = SeededGenerator(seed: seed)
        return (0..<streams).map { stream in
            Batch(
                labels: Labels(["app": "a\(stream)", "host": "블루-\(stream % 3)"]),
                entries: SampleEntries.make(
                    Int.random(in: 1...rows, using: &random), &random,
                    withMetadata: stream % 3 != 0))
        }
    }

    @Test(arguments: [UInt64(1), 2, 3, 4, 5, 6, 7, 8])
    func anyEntriesComeBack(seed: UInt64) throws {
        let batches = batches(seed: seed, streams: 12, rows: 400)
        let object = try SegmentObject(batches, level: Int(seed % 3))
        #expect(try object.contents().map(\.named) == batches.map(\.named), "seed \(seed)")
        try object.open().verify()
    }

    @Test func aStreamOfManyFramesComesBack() throws {
        let batches = batches(seed: 77, streams: 2, rows: 40_000)
        let object = try SegmentObject(batches)
        #expect(try object.contents().map(\.named) == batches.map(\.named))
        try object.open().verify()
    }

    @Test func longLinesComeBack() throws {
        var random = SeededGenerator(seed: 5)
        var entries = Entries()
        for (row, size) in [10, 1_000_000, 0, 16 << 20, 300_000, 3].enumerated() {
            let byte = UInt8.random(in: 0...255, using: &random)
            entries.append(timestamp: Int64(row), line: [UInt8](repeating: byte, count: size))
        }
        let object = try SegmentObject([Batch(labels: Labels(["a": "b"]), entries: entries)])
        let read = try object.contents()
        #expect(read[0].entries.lineEnds == entries.lineEnds)
        #expect(read[0].entries.lineBytes == entries.lineBytes)
    }

    @Test func aStreamMayComeInSeveralCalls() throws {
        var random = SeededGenerator(seed: 9)
        let all = SampleEntries.make(900, &random)
        var pieces: [Batch] = []
        for start in stride(from: 0, to: 900, by: 37) {
            let rows = Array(all.rows[start..<min(900, start + 37)])
            pieces.append(Batch(labels: Labels(["a": "b"]), entries: Entries(rows)))
        }
        let read = try SegmentObject(pieces).contents()
        #expect(read.map(\.named) == [NamedRows(labels: Labels(["a": "b"]), rows: all.rows)])
    }

    @Test func aSegmentWithoutRowsCanBeRead() throws {
        let object = try SegmentObject([Batch(labels: Labels(["a": "b"]), entries: Entries())])
        let reader = try object.open()
        #expect(reader.summary.streams.isEmpty)
        #expect(reader.summary.rows == 0)
        try reader.verify()
    }

    @Test func theSummaryIsWhatWasWritten() throws {
        let batches = batches(seed: 21, streams: 5, rows: 50)
        var out: [UInt8] = []
        var writer = SegmentWriter(tenant: "team", level: 1) { out += $0 }
        for batch in batches { try writer.append(labels: batch.labels, entries: batch.entries) }
        let written = try writer.finish(attachment: [1, 2, 3])
        let reader = try SegmentObject(bytes: out).open()
        for summary in [written, reader.summary] {
            #expect(summary.tenant == "team")
            #expect(summary.level == 1)
            #expect(summary.rows == batches.reduce(0) { $0 + $1.entries.count })
            #expect(summary.bytes == batches.reduce(0) { $0 + $1.entries.lineBytes.count })
            #expect(summary.first == batches.compactMap(\.entries.timestamps.first).min())
            #expect(summary.last == batches.compactMap(\.entries.timestamps.last).max())
            #expect(summary.storedBytes == out.count)
            #expect(summary.streams.map(\.labels) == batches.map(\.labels))
            #expect(summary.streams.map(\.rows) == batches.map(\.entries.count))
        }
        #expect(reader.attachment == [1, 2, 3])
    }

    @Test func minutesCountEveryRow() throws {
        let batches = batches(seed: 31, streams: 6, rows: 300)
        let reader = try SegmentObject(batches).open()
        for (stream, batch) in batches.enumerated() {
            let minutes = try reader.minutes(ofStream: stream)
            #expect(minutes.reduce(0) { $0 + $1.rows } == batch.entries.count)
            #expect(minutes.reduce(0) { $0 + $1.bytes } == batch.entries.lineBytes.count)
            #expect(zip(minutes, minutes.dropFirst()).allSatisfy { $0.start <= $1.start })
            for level in ["", "info", "warn", "error"] {
                let rows = (0..<batch.entries.count).count {
                    (batch.entries.metadata($0)["detected_level"] ?? "") == level
                }
                let counted = minutes.filter { $0.level == level }
                #expect(counted.reduce(0) { $0 + $1.rows } == rows)
                #expect(Set(counted.map(\.start)).count == counted.count)
            }
        }
    }

    @Test func levelsWithoutEndAreCountedTogether() throws {
        var entries = Entries()
        for row in 0..<100 {
            entries.append(
                timestamp: Int64(row), line: [1],
                metadata: Labels(["detected_level": "level-\(row % 50)"]))
        }
        let reader = try SegmentObject([Batch(labels: .empty, entries: entries)]).open()
        let minutes = try reader.minutes(ofStream: 0)
        #expect(minutes.reduce(0) { $0 + $1.rows } == 100)
        #expect(minutes.contains { $0.level == nil && $0.rows > 2 })
        #expect(minutes.contains { $0.level == "level-1" && $0.rows == 2 })
    }

    @Test func aMinuteEndsWithItsLastNanosecondIncluded() throws {
        var entries = Entries()
        for time in [0, 1, 60_000_000_000, 60_000_000_001, 120_000_000_000] as [Int64] {
            entries.append(timestamp: time, line: Array("ab".utf8))
        }
        let reader = try SegmentObject([Batch(labels: .empty, entries: entries)]).open()
        #expect(
            try reader.minutes(ofStream: 0) == [
                MinuteCount(start: -60_000_000_000, level: "", rows: 1, bytes: 2),
                MinuteCount(start: 0, level: "", rows: 2, bytes: 4),
                MinuteCount(start: 60_000_000_000, level: "", rows: 2, bytes: 4),
            ])
    }

    @Test func countsNeedNoLines() throws {
        let batches = batches(seed: 41, streams: 3, rows: 3000)
        let object = try SegmentObject(batches)
        for (read, batch) in zip(try object.contents(.timestampsAndLengths), batches) {
            #expect(read.entries.timestamps == batch.entries.timestamps)
            #expect(read.entries.lineEnds == batch.entries.lineEnds)
            #expect(read.entries.lineBytes.isEmpty)
            #expect(
                (0..<read.entries.count).allSatisfy {
                    read.entries.metadata($0) == batch.entries.metadata($0)
                })
        }
    }

    @Test func openingTakesTwoReadsAtMost() throws {
        let object = try SegmentObject(batches(seed: 51, streams: 400, rows: 100))
        let reads = Mutex(0)
        let bytes = object.bytes
        let reader = try SegmentReader(size: bytes.count) { range in
            reads.withLock { $0 += 1 }
            return Array(bytes[range])
        }
        #expect(reads.withLock { $0 } <= 2)
        #expect(reader.summary.streams.count == 400)
    }
}
