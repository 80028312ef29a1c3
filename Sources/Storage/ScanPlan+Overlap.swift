import LogModel
import Segment

// Where segments overlap in time.
extension ScanPlan {
    /// Stretches of the time at hand that are planned one by one, in ascending order: in each of them many
    /// streams at once have one segment, or several that overlap. One where nothing overlaps, or streams are
    /// few. When so many rows are enough, stretches that none of the first can be in are left out.
    func stretches(
        _ list: StreamList, _ segments: [OpenSegment], _ cut: RetentionCut
    ) -> [ClosedRange<Int64>] {
        guard first <= last else { return [] }
        let whole = [first...last]
        guard selection.joinsStreams, list.streams.count >= JoinedRuns.fewStreams else {
            return whole
        }
        let spans = segments.map { $0.reader.summary.first...$0.reader.summary.last }
        let stretches = OverlapCut.stretches(of: spans, within: first...last)
        guard stretches.count > 1 else { return whole }
        guard let enough = selection.enough, common.isEmpty, selection.parsed == nil else {
            return stretches
        }
        let isBackward = selection.direction == .backward
        var rows = 0
        for (place, stretch) in (isBackward ? stretches.reversed() : stretches).enumerated() {
            guard stretch.lowerBound >= cut.latest else { continue }
            // Two segments may have the same rows: only those of one count.
            rows += segments.map { self.rows(of: list, in: $0, within: stretch) }.max() ?? 0
            if rows >= enough {
                return isBackward
                    ? Array(stretches.suffix(place + 1)) : Array(stretches.prefix(place + 1))
            }
        }
        return stretches
    }

    /// Of slices that lie wholly inside some times.
    private func rows(
        of list: StreamList, in segment: OpenSegment, within times: ClosedRange<Int64>
    ) -> Int {
        guard segment.reader.summary.meets(times) else { return 0 }
        let numbers = list.numbers(in: segment)
        return segment.reader.allSlices.reduce(0) {
            numbers[$1.stream] >= 0 && times.contains($1.first) && times.contains($1.last)
                ? $0 + $1.rows : $0
        }
    }

    /// Lines of what overlaps that are read to be counted, in bytes: where there are more, counts of single
    /// streams tell more than they cost.
    private static let mostCountedBytes = 64 * 1024 * 1024

    /// Takes what overlaps and can be put in order for many streams at once: small streams, of which nothing
    /// is cut off by retention (`firsts`).
    mutating func addMerged(
        _ runs: inout [SegmentRuns], _ streams: [Labels], _ firsts: [Int64],
        _ segments: [OpenSegment]
    ) throws {
        guard runs.reduce(0, { $0 + $1.places.count }) >= JoinedRuns.fewStreams else { return }
        var isSmall = firsts.map { $0 <= first }
        for part in runs {
            let reader = part.segment.reader
            for place in part.places
            where reader.summary.streams[place.index].bytes > SharedFrame.smallStream
                || !reader.rises(stream: place.index)
            { isSmall[place.stream] = false }
        }
        ask(streams.allSatisfy(lacksNames) && segments.allSatisfy(lacksNames))
        let (question, chunkQuestion) = (question, chunkQuestion)
        let before = runs
        let joined = try JoinedRuns.take(from: &runs, alone: isSmall, times: first...last) {
            segment, frame in
            // An explanation tells of every frame.
            guard selection.trace == nil else { return true }
            return try segment.reader.mayHold(chunkQuestion, frame: frame)
        }
        let bytes = joined.reduce(0) { $0 + $1.bytes(within: first...last) }
        guard selection.projection != .minuteCounts || bytes <= Self.mostCountedBytes else {
            runs = before
            return
        }
        let left = try joined.filter { run in
            guard let trace = selection.trace else { return true }
            let mayHold = try run.segment.reader.mayHold(chunkQuestion, frame: run.frame)
            let slices = Array(run.slices)
            trace.note(run.segment.reader, inTime: slices, left: mayHold ? slices : [])
            return mayHold
        }
        for part in MergedRuns.of(left, streams, within: first...last) {
            units.append(
                ScanUnit(
                    streams: part.streams, first: part.times.lowerBound,
                    last: part.times.upperBound, bytes: part.bytes, place: part.place,
                    minutes: nil
                ) { projection, times in
                    guard times.overlaps(part.times) else { return Entries() }
                    return try part.load(
                        projection, question, within: times.clamped(to: part.times))
                })
        }
    }
}
