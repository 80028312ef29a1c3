import Bytes
import LogModel
import Synchronization

/// Reads one segment by ranges: directories on opening, pages when asked. Everything that comes out
/// of the object is checked before it is used: damage is an error, never a trap.
package final class SegmentReader: Sendable {
    package typealias Read = @Sendable (Range<Int>) throws -> [UInt8]
    package typealias Share = (Labels, UInt64) -> Labels

    package let summary: SegmentSummary
    package let attachment: [UInt8]
    private let read: Read
    private let frames: [Frame]
    private let slices: SliceTable
    private let rollup: RollupPage?
    /// Names of structured metadata that entries may have; nil where that is not known.
    package let metadataNames: Set<String>?
    private let templates: TemplateIndex?
    private let chunks: ChunkCache
    /// What the index of templates answered last: every stream of a query asks the same, and so does
    /// the next query of a dashboard.
    private let asked = Mutex<[(condition: LineCondition, found: FrameCandidates?)]>([])
    /// Conditions that are known: those of a dashboard's panels, a few masks of chunks each.
    private static let mostAsked = 8

    /// Chunks that one reader on its own keeps.
    private static let ownChunkBytes = 16 * 1024 * 1024

    /// `chunks`: a cache that all readers share which one query reads: shapes have their numbers from it.
    /// `share` gives equal labels of other readers, by their fingerprint.
    package init(
        size: Int, chunks: ChunkCache? = nil, share: Share = { labels, _ in labels },
        read: @escaping Read
    ) throws {
        self.read = read
        self.chunks = chunks ?? ChunkCache(limitBytes: Self.ownChunkBytes)
        let object = try SegmentDirectory(size: size, share: share, read: read)
        summary = object.summary
        attachment = object.attachment
        frames = object.frames
        slices = object.slices
        rollup = object.rollup
        metadataNames = object.metadataNames
        templates = object.templates
    }

    /// The slices of a list that may hold lines which fulfil a condition.
    package func slices(_ slices: [Slice], mayHold question: LineQuestion) throws -> [Slice] {
        guard let found = try candidates(question) else { return slices }
        return slices.filter { found.frames.contains($0.frame) }
    }

    /// Whether any line of the segment may fulfil a condition.
    package func mayHold(_ question: LineQuestion) throws -> Bool {
        try candidates(question).map { !$0.frames.isEmpty } ?? true
    }

    /// Whether any line of a frame may.
    package func mayHold(_ question: LineQuestion, frame: Int) throws -> Bool {
        guard !question.isEmpty else { return true }
        return try candidates(question).map { $0.frames.contains(frame) } ?? true
    }

    /// The frames that may hold such lines; nil for all.
    private func candidates(_ question: LineQuestion) throws -> FrameCandidates? {
        let known = asked.withLock { $0.last { $0.condition == question.condition } }
        if let known { return known.found }
        let found = try templates?.frames(mayHold: question.root)
        asked.withLock {
            $0.append((question.condition, found))
            if $0.count > Self.mostAsked { $0.removeFirst() }
        }
        return found
    }

    /// Whether a chunk's filter of ids rules out what the index of templates left.
    private func isRuledOut(_ chunk: ColumnsChunk, _ question: LineQuestion) throws -> Bool {
        guard !question.isEmpty, let found = try candidates(question),
            try found.isRuledOut(chunk.frame, { try chunk.columns.pages.ids() })
        else { return false }
        chunk.trace?.note(.filter)
        return true
    }

    package func slices(ofStream stream: Int) -> StreamSlices { slices[stream] }

    package var frameCount: Int { frames.count }

    /// True when no two slices of a stream share a time, but for those that lie side by side.
    package func rises(stream: Int) -> Bool { slices.rises(stream) }

    /// In the order of their frames and rows.
    package var allSlices: [Slice] { slices.all }

    /// The slices in a frame in the order of their rows.
    package func slices(ofFrame frame: Int) -> ArraySlice<Slice> { slices.ofFrame(frame) }

    /// The same, with what lies side by side of one stream as one.
    package func wideSlices(ofFrame frame: Int) -> [Slice] { Self.wide(slices.ofFrame(frame)) }

    /// A stream's slices, with what lies side by side in one frame as one: for whoever reads all of it.
    package func wideSlices(ofStream stream: Int) -> [Slice] { Self.wide(slices[stream]) }

    private static func wide(_ slices: some Sequence<Slice>) -> [Slice] {
        var wide: [Slice] = []
        for slice in slices {
            if let last = wide.last, last.stream == slice.stream, slice.follows(last) {
                wide[wide.count - 1].take(slice)
            } else {
                wide.append(slice)
            }
        }
        return wide
    }

    /// Rows and bytes of a stream per minute, as counted by the writer.
    ///
    /// Errors: `SegmentError` for a damaged roll-up.
    package func minutes(ofStream stream: Int) throws -> [MinuteCount] {
        try minutes(ofStreams: [stream]).counts
    }

    /// The same of several streams, added up where that is possible.
    package func minutes(ofStreams streams: [Int]) throws -> MinuteRun {
        guard let rollup else { return MinuteRun(levels: [], hasUntold: false) { _ in } }
        // Before the first minute lies the end of one: minutes are closed on the right.
        let first = summary.first / Nanoseconds.minute - 1
        let minutes = first...max(first, summary.last / Nanoseconds.minute)
        // Those of few streams are not added up, and cost nothing to find.
        guard streams.count >= Rollup.manyStreams else {
            return try rollup.minutes(ofStreams: streams, within: minutes)
        }
        let owner = ObjectIdentifier(self)
        let sums = chunks.take(owner, frame: MinuteSums.place) as? MinuteSums ?? MinuteSums()
        defer { chunks.put(owner, sums) }
        if let known = sums[streams] { return known }
        let run = try rollup.minutes(ofStreams: streams, within: minutes)
        sums.keep(run, of: streams)
        return run
    }

    /// Bytes that the directories take, roughly: what a cache of readers accounts.
    package var directoryBytes: Int {
        slices.memory + frames.count * 40 + (rollup?.memory ?? 0) + summary.streams.count * 100
            + (templates?.memory ?? 0)
    }

    /// Appends the rows of slices of one frame, each of another stream, that fulfil a condition and lie
    /// inside a range of times. The slices ascend; their places in the list are the numbers of streams.
    /// Without lines timestamps and metadata are filled, and with `timestampsAndLengths` the lengths;
    /// elsewhere those may be zero.
    package func load(
        _ slices: [Slice], projection: Selection.Projection, holding question: LineQuestion? = nil,
        within times: ClosedRange<Int64> = .min ... .max, into out: inout Entries
    ) throws {
        guard let first = slices.first else { return }
        question?.trace?.note(self, .read)
        let before = out.count
        defer { question?.trace?.note(rows: out.count - before) }
        guard frames[first.frame].isColumns else {
            return try loadText(slices, projection, question, times, into: &out)
        }
        try withChunk(first.frame, question?.trace) { chunk in
            if let question, try isRuledOut(chunk, question) { return }
            let chosen = try chunk.choose(slices, question, within: times)
            try chunk.load(chosen, projection, into: &out)
        }
    }

    private func loadText(
        _ slices: [Slice], _ projection: Selection.Projection, _ question: LineQuestion?,
        _ times: ClosedRange<Int64>, into out: inout Entries
    ) throws {
        let number = slices[0].frame
        let question = question.flatMap { $0.isEmpty ? nil : $0 }
        let withLines = projection == .lines
        question?.trace?.note(self, frame: number, .text)
        let frame = try textFrame(
            number, withLines: withLines || question != nil, question?.trace)
        defer { chunks.put(ObjectIdentifier(self), frame) }
        if let question, !frame.mayHold(question) { return }
        var entries = try frame.entries()
        let ranges = try slices.map { try rows(of: $0, entries, within: times) }
        var held: RowMask?
        if let question {
            let asked =
                (ranges.map(\.lowerBound).min() ?? 0)..<(ranges.map(\.upperBound).max() ?? 0)
            held = question.rows(of: entries, within: asked)
            // Whoever wants the lines looks at each of them anyway, and most of them are here as they are.
            if withLines, held.map({ $0.count * 4 > asked.count }) == true { held = nil }
        }
        if !withLines { entries.lineBytes = [] }
        if slices.count == 1, held == nil { return out.append(entries, rows: ranges[0]) }
        var chosen: [Int] = []
        var owners: [UInt32] = []
        for (place, range) in ranges.enumerated() {
            if let held { held.append(in: range, to: &chosen) } else { chosen += range }
            let more = chosen.count - owners.count
            owners += repeatElement(UInt32(truncatingIfNeeded: place), count: more)
        }
        var part = entries.rows(chosen)
        if slices.count > 1 { part.divide(among: owners) }
        out.append(part, rows: 0..<part.count)
    }

    private func rows(
        of slice: Slice, _ entries: Entries, within times: ClosedRange<Int64>
    ) throws -> Range<Int> {
        let rows = slice.firstRow..<slice.firstRow + slice.rows
        guard rows.upperBound <= entries.count else {
            throw SegmentError.corrupt("slice beyond its frame", offset: frames[slice.frame].offset)
        }
        return slice.lies(in: times) ? rows : entries.timestamps.rows(rows, within: times)
    }

    /// The same of one slice.
    package func load(
        _ slice: Slice, projection: Selection.Projection, holding question: LineQuestion? = nil,
        within times: ClosedRange<Int64> = .min ... .max, into out: inout Entries
    ) throws {
        try load(
            [slice], projection: projection, holding: question, within: times, into: &out)
    }

    /// Gives a reader the rows of slices of one frame, as `load` has them, as values where the frame has
    /// columns. Text may give more.
    package func readFields(
        _ slices: [Slice], holding question: LineQuestion, within times: ClosedRange<Int64>,
        into reader: any FieldReader
    ) throws {
        guard let first = slices.first else { return }
        guard frames[first.frame].isColumns else {
            var entries = Entries()
            try load(slices, projection: .lines, holding: question, within: times, into: &entries)
            return reader.take(entries)
        }
        question.trace?.note(self, .read)
        try withChunk(first.frame, question.trace) { chunk in
            if try isRuledOut(chunk, question) { return }
            try chunk.readFields(chunk.choose(slices, question, within: times), into: reader)
        }
    }

    private func withChunk(
        _ frame: Int, _ trace: ScanTrace? = nil, _ body: (ColumnsChunk) throws -> Void
    ) throws {
        let known = chunks.take(ObjectIdentifier(self), frame: frame) as? ColumnsChunk
        let chunk = try known ?? ColumnsChunk(frame, frames[frame], chunks.shapes, read: read)
        if let trace {
            if known == nil { trace.note(pages: 1, bytes: frames[frame].sizeHeader) }
            chunk.begin(ChunkTrace(trace: trace, segment: self, frame: frame))
        }
        try body(chunk)
        chunk.begin(nil)
        chunks.put(ObjectIdentifier(self), chunk)
    }

    /// A frame of text, taken from what is kept: slices of small streams lie side by side in one.
    private func textFrame(
        _ index: Int, withLines: Bool, _ trace: ScanTrace?
    ) throws -> TextFrame {
        let known = chunks.take(ObjectIdentifier(self), frame: index) as? TextFrame
        if let known, known.hasLines || !withLines { return known }
        trace?.note(frames[index], withLines: withLines)
        return try TextFrame(index, frames[index], withLines: withLines, read: read)
    }

    /// It is read from front to back now, until `forget`.
    package func beginMerge() { chunks.beginMerge(ObjectIdentifier(self)) }

    /// Lets go of what is kept.
    package func forget() {
        chunks.forget(ObjectIdentifier(self))
    }

    deinit { chunks.forget(ObjectIdentifier(self)) }

    /// Reads every page and compares what is there with what the directories say.
    package func verify() throws {
        for frame in frames.indices where frames[frame].isColumns {
            try withChunk(frame) { try $0.verify() }
        }
        for (stream, summary) in summary.streams.enumerated() {
            var rows = 0
            var bytes = 0
            var previous = Int64.min
            for slice in slices[stream] {
                var entries = Entries()
                let isColumns = frames[slice.frame].isColumns
                try load(slice, projection: isColumns ? .timestamps : .lines, into: &entries)
                for at in entries.timestamps {
                    guard at >= previous else {
                        throw SegmentError.corrupt("timestamps out of order", offset: 0)
                    }
                    previous = at
                }
                guard entries.timestamps.first == slice.first, entries.timestamps.last == slice.last
                else { throw SegmentError.corrupt("slice times", offset: 0) }
                rows += entries.count
                bytes += slice.bytes
                guard isColumns || slice.bytes == Int(entries.lineEnds.last ?? 0) else {
                    throw SegmentError.corrupt("bytes of a slice", offset: 0)
                }
            }
            guard rows == summary.rows, bytes == summary.bytes,
                try minutes(ofStream: stream).reduce(0, { $0 + $1.rows }) == rows
            else { throw SegmentError.corrupt("counts of \(summary.labels)", offset: 0) }
        }
        forget()
    }
}

extension Slice {
    /// True when its rows come right behind those of another.
    func follows(_ other: Slice) -> Bool {
        frame == other.frame && other.firstRow + other.rows == firstRow
    }

    fileprivate mutating func take(_ next: Slice) {
        rows += next.rows
        bytes += next.bytes
        last = next.last
    }

    /// True when no row need be left out for its time.
    func lies(in times: ClosedRange<Int64>) -> Bool {
        times.contains(first) && times.contains(last)
    }
}
