import LogModel

/// A trace, and the chunk of which it is told.
struct ChunkTrace {
    let trace: ScanTrace
    let segment: SegmentReader
    let frame: Int

    func note(_ end: ScanTrace.ChunkEnd) { trace.note(segment, frame: frame, end) }

    /// What the header of a chunk told of a question, and what the search for it asks beside it.
    func note(_ verdict: ColumnsVerdict, _ asked: (ids: Bool, values: Bool)) {
        switch verdict {
        case .all: note(.templatesAlone)
        case .none: note(asked.ids ? .filter : .templates)
        case .maybe: note(asked.values ? .searched : .templatesAlone)
        }
    }
}

extension ScanTrace {
    /// A frame of text is read from its file.
    func note(_ frame: Frame, withLines: Bool) {
        note(
            pages: 1 + (frame.sizeM > 0 ? 1 : 0) + (withLines ? 1 : 0),
            bytes: frame.sizeT + frame.sizeM + (withLines ? frame.sizeL : 0))
    }

    /// Of a run's slices in the time asked for, the index of templates left some.
    package func note(_ segment: SegmentReader, inTime: [Slice], left: [Slice]) {
        guard !inTime.isEmpty else { return }
        note(segment, left.isEmpty ? .withoutTemplate : .notNeeded)
        for frame in Set(inTime.map(\.frame)).subtracting(left.map(\.frame)) {
            note(segment, frame: frame, .index)
        }
    }
}
