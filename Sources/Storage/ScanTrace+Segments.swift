import LogModel

extension ScanTrace {
    /// Segments whose time meets that of the selection. What becomes of their streams is told later.
    func note(opened segments: [OpenSegment], streams: Set<Labels>) {
        for segment in segments {
            let isWanted = segment.reader.summary.streams.contains { streams.contains($0.labels) }
            note(segment.reader, isWanted ? .outsideTime : .withoutStream)
        }
    }

    /// Segments of a tenant that are not opened: because of their time, or all of them, when no
    /// stream is wanted.
    func note(unopened records: [SegmentRecord], of selection: Selection, hasStreams: Bool) {
        let (first, last) = (selection.start.nanoseconds, selection.end.nanoseconds - 1)
        for record in records where record.tenant == selection.tenant {
            if record.last < first || record.first > last {
                note(unopened: 1, .outsideTime)
            } else if !hasStreams {
                note(unopened: 1, .withoutStream)
            }
        }
    }
}
