import LogModel
import Segment
import Testing

/// Streams that come to a writer by turns, each with one stretch of its time after the other.
@Suite struct TurnsTests {
    private func batches() -> [Batch] {
        var random = SeededGenerator(seed: 7)
        return (0..<5).map { stream in
            var entries = Entries()
            var time = Int64(stream)
            for row in 0..<400 {
                time += Int64.random(in: 0...2_000_000_000, using: &random)
                entries.append(
                    timestamp: time,
                    line: Array("stream \(stream) did row \(row) in \(time % 977) ms".utf8),
                    metadata: Labels(["detected_level": ["info", "warn", "error"][row % 3]]))
            }
            return Batch(labels: Labels(["app": "a", "pod": "\(stream)"]), entries: entries)
        }
    }

    /// Equal times stay together.
    private func parts(_ entries: Entries, _ count: Int) -> [Entries] {
        var parts: [Entries] = []
        var start = 0
        for part in 1...count {
            var end = entries.count * part / count
            while end > start, end < entries.count,
                entries.timestamps[end] == entries.timestamps[end - 1]
            {
                end += 1
            }
            var piece = Entries()
            piece.append(entries, rows: start..<end)
            parts.append(piece)
            start = end
        }
        return parts
    }

    private func object(
        _ batches: [Batch], level: Int, turns: Int
    ) throws -> SegmentObject {
        var out: [UInt8] = []
        var writer = SegmentWriter(tenant: "t", level: level) { out += $0 }
        let parts = batches.map { self.parts($0.entries, turns) }
        for turn in 0..<turns {
            for (batch, parts) in zip(batches, parts) {
                try writer.append(labels: batch.labels, entries: parts[turn])
            }
            try writer.endChunk()
        }
        _ = try writer.finish()
        return SegmentObject(bytes: out)
    }

    @Test(arguments: [0, 1], [1, 2, 7])
    func theyComeBack(level: Int, turns: Int) throws {
        let batches = batches()
        let reader = try object(batches, level: level, turns: turns).open()
        try reader.verify()
        let whole = try SegmentObject(batches, level: level).open()
        for (stream, batch) in batches.enumerated() {
            var entries = Entries()
            for slice in reader.slices(ofStream: stream) {
                try reader.load(slice, projection: .lines, into: &entries)
            }
            #expect(entries.rows == batch.entries.rows)
            // A minute in which a turn ends is counted once.
            #expect(
                try reader.minutes(ofStream: stream) == whole.minutes(ofStream: stream))
            #expect(reader.rises(stream: stream))
        }
        if level > 0 { #expect(reader.frameCount == turns) }
        for frame in 0..<reader.frameCount {
            let slices = reader.wideSlices(ofFrame: frame)
            for (one, next) in zip(slices, slices.dropFirst()) {
                #expect(one.firstRow + one.rows == next.firstRow)
            }
        }
    }

    @Test func minutesOfStreamsAddUp() throws {
        let batches = batches()
        let reader = try object(batches, level: 1, turns: 3).open()
        var sums: [String: Int] = [:]
        for stream in [0, 2, 3] {
            for count in try reader.minutes(ofStream: stream) {
                sums["\(count.start) \(count.level ?? "-") rows", default: 0] += count.rows
                sums["\(count.start) \(count.level ?? "-") bytes", default: 0] += count.bytes
            }
        }
        var found: [String: Int] = [:]
        for count in try reader.minutes(ofStreams: [0, 2, 3]).counts {
            found["\(count.start) \(count.level ?? "-") rows", default: 0] += count.rows
            found["\(count.start) \(count.level ?? "-") bytes", default: 0] += count.bytes
        }
        #expect(found == sums)
    }

    /// A time that lies in two chunks makes a stream one that is not read chunk by chunk.
    @Test func aTimeInTwoChunksIsNoticed() throws {
        var entries = Entries()
        for row in 0..<40 {
            entries.append(timestamp: 5, line: Array("row \(row) of one time".utf8))
        }
        var out: [UInt8] = []
        var writer = SegmentWriter(tenant: "t", level: 1) { out += $0 }
        for labels in [Labels(["pod": "a"]), Labels(["pod": "b"])] {
            try writer.append(labels: labels, entries: entries)
        }
        try writer.endChunk()
        try writer.append(labels: Labels(["pod": "a"]), entries: entries)
        _ = try writer.finish()
        let reader = try SegmentObject(bytes: out).open()
        #expect(!reader.rises(stream: 0) && reader.rises(stream: 1))
    }
}
