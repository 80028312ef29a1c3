import Bytes
import LogModel

/// Writes one segment front to back: it holds one frame or chunk and the directories, never all
/// lines.
/// Each stream ascends by time, and may come in several calls: one stream after the other, or all by turns,
/// one stretch of time after the other.
package struct SegmentWriter: ~Copyable {
    private let tenant: String
    private let level: Int
    private let write: ([UInt8]) throws -> Void
    private var offset = 0
    private var streams: [StreamSummary] = []
    /// Of streams by their fingerprint; the first, where several share one.
    private var numbers: [UInt64: Int] = [:]
    private var frame: FrameBuilder
    private var frames: [Frame] = []
    private var slices: [Slice] = []
    private var rollup = RollupBuilder()
    /// Kind of each finished chunk, and how many frames it has.
    private var chunks: [(kind: SegmentFormat.ChunkKind, frames: Int)] = []
    private var openChunkBytes = 0
    /// Rows that may become a chunk of columns.
    private var pending = PendingChunk()
    private var counts = ChunkCounts()
    private var index = TemplateIndexBuilder()
    private var metadataNames = MetadataNames()

    package init(tenant: String, level: Int, write: @escaping ([UInt8]) throws -> Void) {
        self.tenant = tenant
        self.level = level
        self.write = write
        frame = FrameBuilder(segmentLevel: level)
    }

    private mutating func put(_ bytes: [UInt8]) throws {
        try write(bytes)
        offset += bytes.count
    }

    /// Appends entries of a stream: a new one, or more of one that was there.
    package mutating func append(labels: Labels, entries: Entries) throws {
        guard !entries.isEmpty else { return }
        if offset == 0 { try put(SegmentFormat.magic) }
        let stream = number(of: labels, first: entries.timestamps[0])
        count(entries, of: stream)
        guard level >= SegmentFormat.columnsFromLevel else {
            return try addText(entries, rows: 0..<entries.count, of: stream)
        }
        var row = 0
        while row < entries.count {
            row = pending.append(entries, from: row, of: stream)
            if pending.isFull || row < entries.count { try endPending() }
        }
    }

    /// What comes from here on lies in another chunk.
    package mutating func endChunk() throws {
        if level >= SegmentFormat.columnsFromLevel { try endPending() }
    }

    private mutating func number(of labels: Labels, first: Int64) -> Int {
        let fingerprint = labels.fingerprint
        if let known = numbers[fingerprint] {
            if streams[known].labels == labels { return known }
            if let other = streams.lastIndex(where: { $0.labels == labels }) { return other }
        } else {
            numbers[fingerprint] = streams.count
        }
        streams.append(
            StreamSummary(
                labels: labels, fingerprint: fingerprint, first: first, last: first, rows: 0,
                bytes: 0))
        rollup.beginStream()
        return streams.count - 1
    }

    /// What the directories say of a stream.
    private mutating func count(_ entries: Entries, of stream: Int) {
        let first = entries.timestamps[0]
        precondition(
            first >= streams[stream].last || streams[stream].rows == 0,
            "a stream's entries ascend by time: callers sort and merge")
        streams[stream].last = entries.timestamps[entries.count - 1]
        streams[stream].rows += entries.count
        streams[stream].bytes += Int(entries.lineEnds[entries.count - 1])
        rollup.count(entries, rows: 0..<entries.count, of: stream)
        metadataNames.note(entries)
    }

    /// Writes the pending rows as columns, or as text where columns do not pay.
    private mutating func endPending() throws {
        guard !pending.entries.isEmpty else { return }
        // Its memory serves the next chunk: nothing may hold on to its arrays.
        defer { pending.removeAll() }
        guard
            let columns = ColumnsEncoder.encode(
                lines: pending.entries.lineBytes, lineEnds: pending.entries.lineEnds,
                timestamps: pending.entries.timestamps),
            let metadata = MetadataPage.encode(pending.entries)
        else {
            counts.text += 1
            for run in pending.runs {
                try addText(pending.entries, rows: run.rows, of: run.stream)
            }
            return
        }
        // Chunks have one kind each.
        try endFrame()
        closeChunk()
        let times = TimesPage.encode(pending.entries.timestamps)
        slices += pending.slices(frame: frames.count)
        index.add(columns, frame: frames.count)
        frames.append(
            Frame(
                offset: offset, sizeT: times.count, sizeM: metadata.count, sizeL: columns.count,
                rows: pending.entries.count, sizeHeader: try ColumnsHeader.size(of: columns)))
        try put(times)
        if !metadata.isEmpty { try put(metadata) }
        try put(columns)
        closeChunk(.columns)
        counts.columns += 1
    }

    private mutating func addText(
        _ entries: Entries, rows: Range<Int>, of stream: Int
    ) throws {
        var row = rows.lowerBound
        while row < rows.upperBound {
            let end = min(frame.room(for: entries, from: row), rows.upperBound)
            guard end > row else {
                try endFrame()
                continue
            }
            try add(entries, rows: row..<end, of: stream)
            row = end
            if frame.isFull { try endFrame() }
        }
    }

    private mutating func add(_ entries: Entries, rows: Range<Int>, of stream: Int) throws {
        let start = rows.lowerBound == 0 ? 0 : Int(entries.lineEnds[rows.lowerBound - 1])
        let bytes = Int(entries.lineEnds[rows.upperBound - 1]) - start
        let first = entries.timestamps[rows.lowerBound]
        let last = entries.timestamps[rows.upperBound - 1]
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
        openChunkBytes += bytes
        try frame.append(entries, rows: rows, lines: start..<start + bytes)
    }

    private mutating func endFrame() throws {
        guard frame.rows > 0 else { return }
        let zstd = SegmentFormat.zstdLevel(segmentLevel: level)
        let pages = frame.encodeHead(zstdLevel: zstd)
        let lines = frame.encodeLines(zstdLevel: zstd)
        frames.append(
            Frame(
                offset: offset, sizeT: pages.t.count, sizeM: pages.m.count, sizeL: lines.count,
                rows: frame.rows))
        try put(pages.t)
        if !pages.m.isEmpty { try put(pages.m) }
        try put(lines)
        frame = FrameBuilder(segmentLevel: level)
        if openChunkBytes >= SegmentFormat.chunkBytes { closeChunk() }
    }

    private mutating func closeChunk(_ kind: SegmentFormat.ChunkKind = .raw) {
        let before = chunks.reduce(0) { $0 + $1.frames }
        guard frames.count > before else { return }
        chunks.append((kind, frames.count - before))
        openChunkBytes = 0
    }

    /// Writes sections, footer and tail. `attachment` is opaque here.
    package consuming func finish(attachment: [UInt8] = []) throws -> SegmentSummary {
        if offset == 0 { try put(SegmentFormat.magic) }
        try endPending()
        try endFrame()
        closeChunk()
        var sections: [(SegmentFormat.SectionName, Int, Int)] = []
        var bodies: [(SegmentFormat.SectionName, [UInt8])] = [
            (.streams, streamsSection()), (.chunks, chunksSection()), (.rollup, rollup.encode()),
            (.attachment, attachment), (.metadataNames, metadataNames.encode()),
        ]
        if let templates = index.encode() { bodies.append((.templates, templates)) }
        for (name, body) in bodies {
            let page = Page.encode(
                body, zstdLevel: SegmentFormat.zstdLevel(segmentLevel: level))
            sections.append((name, offset, page.count))
            try put(page)
        }
        var summary = SegmentSummary(
            tenant: tenant, level: level, first: streams.map(\.first).min() ?? 0,
            last: streams.map(\.last).max() ?? 0, rows: streams.reduce(0) { $0 + $1.rows },
            bytes: streams.reduce(0) { $0 + $1.bytes }, storedBytes: 0, streams: streams)
        try put(footer(summary, sections))
        summary.storedBytes = offset
        summary.chunks = counts
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
        for stream in streams { out.appendLabels(stream.labels) }
        return out
    }

    private func chunksSection() -> [UInt8] {
        var out: [UInt8] = []
        var counts = [Int](repeating: 0, count: frames.count)
        for slice in slices { counts[slice.frame] += 1 }
        out.appendVarint(UInt64(chunks.count))
        var frame = 0
        for chunk in chunks {
            out.append(chunk.kind.rawValue)
            out.appendVarint(UInt64(chunk.frames))
            for number in frame..<frame + chunk.frames {
                let entry = frames[number]
                for value in [entry.offset, entry.sizeT, entry.sizeM, entry.sizeL, entry.rows] {
                    out.appendVarint(UInt64(value))
                }
                if chunk.kind != .raw { out.appendVarint(UInt64(entry.sizeHeader)) }
                out.appendVarint(UInt64(counts[number]))
            }
            frame += chunk.frames
        }
        SliceColumns.append(slices, to: &out)
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
