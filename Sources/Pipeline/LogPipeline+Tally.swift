import LogModel

/// Rows of one label set within a stretch of time.
package struct RowTally {
    /// Index into the pipeline's `labels`.
    package let label: Int
    package let stretch: Int
    package let rows: Int
    /// Of lines.
    package let bytes: Int
}

// Rows that pass as they are, of which only labels, times and lengths matter.
extension LogPipeline {
    /// Counts rows by label set and stretch of time, for a pipeline that `countsRows`. `span` gives the stretch
    /// that holds a time, nil outside of all, and the times around it that it holds, or that lie outside with
    /// it.
    package func tally(
        streams: [Labels], entries: Entries,
        span: (Int64) -> (stretch: Int?, times: ClosedRange<Int64>)
    ) -> [RowTally] {
        var sets = SetTally(entries.metadataIDs.isEmpty ? 1 : entries.metadataSets.count)
        var tallies: [RowTally] = []
        var known = StreamIDs()
        var groups = groupsByTexts
        var nothing = PipelineResult()
        var row = 0
        while row < entries.count {
            let (stretch, times) = span(entries.timestamps[row])
            let end = sets.add(entries, from: row, within: times)
            sets.take { set, rows, bytes in
                guard let stretch else { return }
                let stream =
                    streams[entries.setStreams.isEmpty ? 0 : Int(entries.setStreams[set])]
                let metadata = entries.metadataSets[set]
                let met = groups?.id(stream, metadata)
                let label =
                    met
                    ?? id(
                        of: RowLabels(stream: stream, metadata: metadata),
                        UInt32(truncatingIfNeeded: set), &known, &nothing)
                if met == nil { groups?.note(label) }
                tallies.append(
                    RowTally(label: label, stretch: stretch, rows: rows, bytes: bytes))
            }
            row = end
        }
        return tallies
    }
}

/// Rows and bytes by metadata set.
private struct SetTally {
    private var counts: [(rows: Int, bytes: Int)]
    /// Those that have any.
    private var met: [Int] = []

    init(_ sets: Int) { counts = Array(repeating: (0, 0), count: sets) }

    /// Adds rows from one on, up to the first outside of some times, which it gives.
    mutating func add(
        _ entries: Entries, from first: Int, within times: ClosedRange<Int64>
    ) -> Int {
        let start = entries.lineRange(first).lowerBound
        guard !entries.metadataIDs.isEmpty else {
            // Rows of one stream ascend.
            let end = entries.timestamps[first...].partition { $0 <= times.upperBound }
            met = [0]
            counts[0] = (end - first, Int(entries.lineEnds[end - 1]) - start)
            return end
        }
        // One look at the bounds for all rows: every id is a set's.
        precondition(
            entries.metadataIDs.count == entries.count && entries.lineEnds.count == entries.count,
            "columns have one length")
        return entries.timestamps.withUnsafeBufferPointer { timestamps in
            entries.metadataIDs.withUnsafeBufferPointer { ids in
                entries.lineEnds.withUnsafeBufferPointer { ends in
                    var before = start
                    for row in first..<timestamps.count {
                        guard times.contains(timestamps[row]) else { return row }
                        let set = Int(ids[row])
                        let end = Int(ends[row])
                        if counts[set].rows == 0 { met.append(set) }
                        counts[set].rows += 1
                        counts[set].bytes += end - before
                        before = end
                    }
                    return timestamps.count
                }
            }
        }
    }

    /// Gives each set that has any, and forgets it.
    mutating func take(_ body: (_ set: Int, _ rows: Int, _ bytes: Int) -> Void) {
        for set in met {
            body(set, counts[set].rows, counts[set].bytes)
            counts[set] = (0, 0)
        }
        met.removeAll(keepingCapacity: true)
    }
}
