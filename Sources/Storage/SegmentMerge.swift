import LogModel
import Segment

/// Merges what some segments have of some days into one.
///
/// A large stream is written from its first line to its last. Small ones are written in groups, one
/// stretch of time after the other, a chunk for each: so a chunk holds what happened to many streams at a
/// time, which is asked for together and has much in common, and each stream still lies in one place of it.
struct SegmentMerge {
    /// Stretches of one group: whoever reads one stream of it unpacks a page in the chunk of each.
    private static let mostStretches = 16

    /// What one of the inputs has of a stream.
    private struct Source {
        var reader: SegmentReader
        var slices: [Slice]
    }

    private struct Stream {
        var labels: Labels
        /// What is wanted of it, in nanoseconds.
        var times: ClosedRange<Int64>
        var sources: [Source] = []
        var rows = 0
        var bytes = 0
    }

    private let inputs: [OpenSegment]
    private let days: ClosedRange<Int64>
    private let cut: RetentionCut
    private let options: StoreOptions

    init(
        _ inputs: [OpenSegment], days: ClosedRange<Int64>, cut: RetentionCut,
        _ options: StoreOptions
    ) {
        self.inputs = inputs
        self.days = days
        self.cut = cut
        self.options = options
    }

    func write(
        level: Int, attachment: [UInt8], to write: @escaping ([UInt8]) throws -> Void
    ) throws -> SegmentSummary {
        var writer = SegmentWriter(
            tenant: inputs[0].record.tenant, level: level, write: write)
        for input in inputs { input.reader.beginMerge() }
        defer { for input in inputs { input.reader.forget() } }
        let streams = streams
        // Few are read one by one, and are better off side by side with their like.
        let areFew = streams.count { $0.bytes < SharedFrame.smallStream } < JoinedRuns.fewStreams
        var group = Group(options)
        for stream in streams {
            if areFew || stream.bytes >= SharedFrame.smallStream {
                try append(stream, within: stream.times, to: &writer)
                continue
            }
            if group.ends(before: stream) {
                try append(group, to: &writer)
                group = Group(options)
            }
            group.append(stream)
        }
        try append(group, to: &writer)
        return try writer.finish(attachment: attachment)
    }

    /// By their text: neighbours are much alike.
    private var streams: [Stream] {
        let times = Store.times(of: days)
        var streams: [Labels: Stream] = [:]
        for input in inputs {
            for (index, summary) in input.reader.summary.streams.enumerated() {
                let first = max(times.lowerBound, cut.first(of: summary.labels))
                guard summary.last >= first, summary.first <= times.upperBound,
                    first <= times.upperBound
                else { continue }
                let wanted = first...times.upperBound
                let slices = input.reader.slices(ofStream: index).filter { $0.meets(wanted) }
                var stream =
                    streams[summary.labels]
                    ?? Stream(labels: summary.labels, times: wanted)
                stream.sources.append(Source(reader: input.reader, slices: slices))
                stream.rows += slices.reduce(0) { $0 + $1.rows }
                stream.bytes += slices.reduce(0) { $0 + $1.bytes }
                streams[summary.labels] = stream
            }
        }
        return streams.sortedByText().map(\.value)
    }

    /// What a stream has of some times, piece by piece.
    private func append(
        _ stream: Stream, within times: ClosedRange<Int64>, to writer: inout SegmentWriter
    ) throws {
        var merge = EntriesMerge(stream.sources.map { cursor($0, within: times) })
        while let entries = try merge.next(maxBytes: SegmentFormat.frameBytes) {
            try writer.append(labels: stream.labels, entries: entries)
        }
    }

    private func cursor(_ source: Source, within times: ClosedRange<Int64>) -> RunCursor {
        var slices = source.slices.makeIterator()
        return RunCursor {
            while let slice = slices.next() {
                guard slice.meets(times) else { continue }
                var entries = Entries()
                try source.reader.load(
                    slice, projection: .lines, within: times, into: &entries)
                if !entries.isEmpty { return entries }
            }
            return nil
        }
    }

    // Small streams.

    private struct Group {
        private(set) var streams: [Stream] = []
        private var rows = 0
        private var bytes = 0
        private let options: StoreOptions

        init(_ options: StoreOptions) { self.options = options }

        mutating func append(_ stream: Stream) {
            streams.append(stream)
            rows += stream.rows
            bytes += stream.bytes
        }

        /// Into how many stretches of time it should be cut at most.
        var most: Int {
            max(1, min(mostStretches, rows / max(1, streams.count) / options.stretchRows))
        }

        /// Whether a stream is better off in the next group: streams of one kind have most in common, so
        /// a group that is large enough ends where another kind begins.
        func ends(before next: Stream) -> Bool {
            guard streams.count > 1, bytes * 2 >= most * options.stretchBytes else { return false }
            if bytes * 2 >= 3 * most * options.stretchBytes { return true }
            let last = streams[streams.count - 1].labels
            return Self.shared(last, next.labels)
                < Self.shared(streams[streams.count - 2].labels, last)
        }

        /// Labels that two sets have in common.
        private static func shared(_ a: Labels, _ b: Labels) -> Int {
            a.pairs.reduce(0) { $0 + (b[$1.name] == $1.value ? 1 : 0) }
        }
    }

    private func append(_ group: Group, to writer: inout SegmentWriter) throws {
        let ranges = MergeStretches.of(
            group.streams.flatMap { $0.sources.flatMap(\.slices) }, most: group.most * 3 / 2,
            bytes: Double(options.stretchBytes))
        guard ranges.count > 1 else {
            for stream in group.streams {
                try append(stream, within: stream.times, to: &writer)
            }
            return
        }
        try writer.endChunk()
        for range in ranges {
            for stream in group.streams where range.overlaps(stream.times) {
                try append(stream, within: range.clamped(to: stream.times), to: &writer)
            }
            try writer.endChunk()
        }
    }
}
