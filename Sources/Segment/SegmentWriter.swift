import Bytes
import LogModel

/// Writes one segment front to back: it holds one frame and the directories, never the lines.
/// Streams come one after the other, each ascending by time; a stream may come in several calls.
package struct SegmentWriter: ~Copyable {
    private let tenant: String
    private let level: Int
    private let write: ([UInt8]) throws -> Void
    private var offset = 0
    private var streams: [StreamSummary] = []
    private var frame = FrameBuilder()
    private var frames: [Frame] = []
    private var slices: [Slice] = []
    private var rollup = RollupBuilder()
    /// Frames and slices of each finished chunk, as counts.
    private var chunkFrames: [Int] = []
    private var chunkSlices: [Int] = []
    private var openChunkBytes = 0

    package init(tenant: String, level: Int, write: @escaping ([UInt8]) throws -> Void) {
        self.tenant = tenant
        self.level = level
        self.write = write
    }

    private mutating func put(_ bytes: [UInt8]) throws {
        try write(bytes)
        offset += bytes.count
    }

    /// Appends entries of a stream: a new one, or more of the one that came last.
    package mutating func append(labels: Labels, entries: Entries) throws {
        guard !entries.isEmpty else { return }
        if offset == 0 { try put(SegmentFormat.magic) }
        if streams.last?.labels != labels {
            streams.append(
                StreamSummary(
                    labels: labels, first: entries.timestamps[0], last: entries.timestamps[0],
                    rows: 0, bytes: 0))
            rollup.beginStream()
        }
        var row = 0
        while row < entries.count {
            let end = frame.room(for: entries, from: row)
            guard end > row else {
                try endFrame()
                continue
            }
            try add(entries, rows: row..<end)
            row = end
            if frame.isFull { try endFrame() }
        }
    }

    private mutating func add(_ entries: Entries, rows: Range<Int>) throws {
        let stream = streams.count - 1
        let start = rows.lowerBound == 0 ? 0 : Int(entries.lineEnds[rows.lowerBound - 1])
        let bytes = Int(entries.lineEnds[rows.upperBound - 1]) - start
        let first = entries.timestamps[rows.lowerBound]
        let last = entries.timestamps[rows.upperBound - 1]
        precondition(
            first >= streams[stream].last || streams[stream].rows == 0,
            "a stream's entries ascend by time: callers sort and merge")
        if let open = slices.last, open.stream == stream, open.frame == frames.count {
            slices[slices.count - 1].rows += rows.count
            slices[slices.count - 1].last = last
            slices[slices.count - 1].bytes += bytes
        } else {
            slices.append(
                Slice(
                    stream: stream, frame: frames.count, firstRow: frame.rows, rows: rows.count,
                    first: first, last: last, bytes: bytes))
        }
        streams[stream].last = last
        streams[stream].rows += rows.count
        streams[stream].bytes += bytes
        openChunkBytes += bytes
        rollup.count(entries, rows: rows)
        try frame.append(entries, rows: rows, lines: start..<start + bytes)
    }

    private mutating func endFrame() throws {
        guard frame.rows > 0 else { return }
        let zstd = SegmentFormat.zstdLevel(segmentLevel: level)
        let pages = frame.encode(zstdLevel: zstd)
        frames.append(
            Frame(
                offset: offset, sizeT: pages.t.count, sizeM: pages.m.count, sizeL: pages.l.count,
                rows: frame.rows))
        try put(pages.t)
        if !pages.m.isEmpty { try put(pages.m) }
        try put(pages.l)
        frame = FrameBuilder()
        if openChunkBytes >= SegmentFormat.chunkBytes { endChunk() }
    }

    private mutating func endChunk() {
        let framesBefore = chunkFrames.reduce(0, +)
        guard frames.count > framesBefore else { return }
        chunkFrames.append(frames.count - framesBefore)
        chunkSlices.append(slices.count - chunkSlices.reduce(0, +))
        openChunkBytes = 0
    }

    /// Writes sections, footer and tail. `attachment` is opaque here.
    package consuming func finish(attachment: [UInt8] = []) throws -> SegmentSummary {
        if offset == 0 { try put(SegmentFormat.magic) }
        try endFrame()
        endChunk()
        var sections: [(SegmentFormat.SectionName, Int, Int)] = []
        let bodies: [(SegmentFormat.SectionName, [UInt8])] = [
            (.streams, streamsSection()), (.chunks, chunksSection()), (.rollup, rollup.encode()),
            (.attachment, attachment),
        ]
        for (name, body) in bodies {
            let page = Page.encode(body, zstdLevel: 3)
            sections.append((name, offset, page.count))
            try put(page)
        }
        var summary = SegmentSummary(
            tenant: tenant, level: level, first: streams.map(\.first).min() ?? 0,
            last: streams.map(\.last).max() ?? 0, rows: streams.reduce(0) { $0 + $1.rows },
            bytes: streams.reduce(0) { $0 + $1.bytes }, storedBytes: 0, streams: streams)
        try put(footer(summary, sections))
        summary.storedBytes = offset
        return summary
    }

    private func footer(
        _ summary: SegmentSummary, _ sections: [(SegmentFormat.SectionName, Int, Int)]
    ) -> [UInt8] {
        var out: [UInt8] = []
        out.appendLE(SegmentFormat.version)
        out.appendLE(UInt16(level))
        out.appendString(tenant)
        out.appendZigzag(summary.first)
        out.appendZigzag(summary.last)
        out.appendVarint(UInt64(summary.rows))
        out.appendVarint(UInt64(summary.bytes))
        out.appendVarint(UInt64(sections.count))
        for (name, offset, size) in sections {
            out.append(name.rawValue)
            out.appendVarint(UInt64(offset))
            out.appendVarint(UInt64(size))
        }
        let size = UInt32(out.count)
        let crc = crc32c(out)
        out.appendLE(size)
        out.appendLE(crc)
        return out + SegmentFormat.magic
    }

    private func streamsSection() -> [UInt8] {
        var out: [UInt8] = []
        out.appendVarint(UInt64(streams.count))
        for stream in streams {
            out.appendLE(stream.labels.fingerprint)
            out.appendLabels(stream.labels)
            out.appendZigzag(stream.first)
            out.appendZigzag(stream.last)
            out.appendVarint(UInt64(stream.rows))
            out.appendVarint(UInt64(stream.bytes))
        }
        return out
    }

    private func chunksSection() -> [UInt8] {
        var out: [UInt8] = []
        out.appendVarint(UInt64(chunkFrames.count))
        var frame = 0
        var slice = 0
        for chunk in chunkFrames.indices {
            out.append(SegmentFormat.ChunkKind.raw.rawValue)
            out.appendVarint(UInt64(chunkFrames[chunk]))
            for entry in frames[frame..<frame + chunkFrames[chunk]] {
                for value in [entry.offset, entry.sizeT, entry.sizeM, entry.sizeL, entry.rows] {
                    out.appendVarint(UInt64(value))
                }
            }
            out.appendVarint(UInt64(chunkSlices[chunk]))
            for entry in slices[slice..<slice + chunkSlices[chunk]] {
                for value in [entry.stream, entry.frame, entry.firstRow, entry.rows] {
                    out.appendVarint(UInt64(value))
                }
                out.appendZigzag(entry.first)
                out.appendVarint(UInt64(bitPattern: entry.last &- entry.first))
                out.appendVarint(UInt64(entry.bytes))
            }
            frame += chunkFrames[chunk]
            slice += chunkSlices[chunk]
        }
        return out
    }
}

extension [UInt8] {
    mutating func appendLabels(_ labels: Labels) {
        appendVarint(UInt64(labels.count))
        for label in labels.pairs {
            appendString(label.name)
            appendString(label.value)
        }
    }
}
