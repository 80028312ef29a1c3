import LogModel

/// The rows that a writer gathers for a chunk of columns: of one stream or several, in the order of
/// the segment.
struct PendingChunk {
    private(set) var entries = Entries()
    private(set) var runs: [(stream: Int, rows: Range<Int>)] = []
    /// Bytes of metadata sets, some counted twice.
    private var metadataBytes = 0

    var isFull: Bool {
        entries.lineBytes.count >= SegmentFormat.chunkBytes
            || entries.count >= ColumnsFormat.mostRows
            || metadataBytes >= SegmentFormat.frameMetadataBytes
    }

    /// Lets go of the rows and keeps the memory for the next ones.
    mutating func removeAll() {
        entries.timestamps.removeAll(keepingCapacity: true)
        entries.lineEnds.removeAll(keepingCapacity: true)
        entries.lineBytes.removeAll(keepingCapacity: true)
        entries.metadataIDs = []
        entries.metadataSets = [.empty]
        runs = []
        metadataBytes = 0
    }

    /// Takes rows as long as there is room and gives the first that it has not taken. An empty chunk
    /// takes one row at least.
    mutating func append(_ more: Entries, from first: Int, of stream: Int) -> Int {
        let base = first == 0 ? 0 : Int(more.lineEnds[first - 1])
        let room = SegmentFormat.chunkBytes - entries.lineBytes.count
        let most = min(more.count, first + ColumnsFormat.mostRows - entries.count)
        var end = first
        while end < most, metadataBytes < SegmentFormat.frameMetadataBytes,
            Int(more.lineEnds[end]) - base <= room
        {
            if !more.metadataIDs.isEmpty,
                end == first || more.metadataIDs[end] != more.metadataIDs[end - 1]
            {
                metadataBytes += FrameBuilder.size(of: more.metadata(end))
            }
            end += 1
        }
        if end == first, entries.isEmpty { end += 1 }
        guard end > first else { return end }
        // Growing step by step would copy a chunk twice, each time into memory that is new.
        if entries.lineBytes.capacity == 0 {
            entries.lineBytes.reserveCapacity(SegmentFormat.chunkBytes)
        }
        let start = entries.count
        entries.append(more, rows: first..<end)
        if let last = runs.last, last.stream == stream {
            runs[runs.count - 1].rows = last.rows.lowerBound..<entries.count
        } else {
            runs.append((stream, start..<entries.count))
        }
        return end
    }

    /// A slice per stream, and per page of rows where a stream has many: pages are read by themselves.
    func slices(frame: Int) -> [Slice] {
        var slices: [Slice] = []
        for run in runs {
            var row = run.rows.lowerBound
            while row < run.rows.upperBound {
                let page = row / ColumnsFormat.pageRows
                let end =
                    run.rows.count < ColumnsFormat.pageRows
                    ? run.rows.upperBound
                    : min(run.rows.upperBound, (page + 1) * ColumnsFormat.pageRows)
                let start = row == 0 ? 0 : Int(entries.lineEnds[row - 1])
                slices.append(
                    Slice(
                        stream: run.stream, frame: frame, firstRow: row, rows: end - row,
                        first: entries.timestamps[row], last: entries.timestamps[end - 1],
                        bytes: Int(entries.lineEnds[end - 1]) - start))
                row = end
            }
        }
        return slices
    }
}
