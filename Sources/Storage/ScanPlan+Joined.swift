import LogModel
import Segment

// Many small streams at once.
extension ScanPlan {
    /// Takes what can be counted or read for many streams at once from the runs of a selection. `alone`:
    /// the streams of which nothing overlaps.
    mutating func addJoined(
        _ runs: inout [SegmentRuns], _ alone: [Bool], _ streams: [Labels],
        _ segments: [OpenSegment], _ cut: RetentionCut
    ) throws {
        if selection.projection == .minuteCounts {
            for counted in CountedRuns.take(from: &runs, alone: alone, isCountable: isCountable) {
                add(counted, streams, segments, cut)
            }
        }
        let areAllNarrow = streams.allSatisfy(lacksNames)
        let joined = try JoinedRuns.take(
            from: &runs, alone: alone, times: first...last
        ) { segment, frame in
            // An explanation tells of every frame.
            guard selection.trace == nil else { return true }
            let isNarrow = areAllNarrow && lacksNames(segment)
            return try segment.reader.mayHold(isNarrow ? narrow : common, frame: frame)
        }
        for part in joined {
            let isNarrow = areAllNarrow || part.streams.allSatisfy(lacksNames)
            ask(isNarrow && lacksNames(part.segment))
            try add(part)
        }
    }

    /// Adds whole minutes of many streams of which no run overlaps another: what is to be counted is then
    /// the same for every time, and kept with the list. False where it is not.
    mutating func addCounted(
        _ list: StreamList, _ segments: [OpenSegment], _ cut: RetentionCut
    ) -> Bool {
        guard selection.projection == .minuteCounts, selection.joinsStreams,
            list.streams.count >= JoinedRuns.fewStreams, selection.trace == nil,
            first > .min, (first - 1) % Nanoseconds.minute == 0, last % Nanoseconds.minute == 0,
            cut.latest <= first
        else { return false }
        let counted = list.counted(in: segments) {
            var runs = segments.enumerated().map { order, segment in
                SegmentRuns(
                    segment: segment, order: order, numbers: list.numbers(in: segment),
                    within: .min ... .max)
            }
            let always = [Int64](repeating: .min, count: list.streams.count)
            let alone = runs.alone(always, start: .min)
            let counted = CountedRuns.take(from: &runs, alone: alone) { _ in true }
            return runs.allSatisfy(\.places.isEmpty) ? counted : nil
        }
        guard let counted else { return false }
        for part in counted { add(part, list.streams, segments, cut) }
        return true
    }

    /// A frame's part of the selection as one unit: what lies side by side is read at once.
    private mutating func add(_ joined: JoinedRuns) throws {
        let reader = joined.segment.reader
        let slices = joined.slices
        let mayHold = try reader.mayHold(chunkQuestion, frame: joined.frame)
        selection.trace?.note(
            reader, inTime: Array(slices), left: mayHold ? Array(slices) : [])
        guard mayHold else { return }
        let range = joined.times.clamped(to: first...last)
        let question = question
        units.append(
            ScanUnit(
                streams: joined.streams, first: range.lowerBound, last: range.upperBound,
                bytes: joined.bytes, place: joined.place,
                minutes: nil,
                readFields: { fields, times in
                    guard times.overlaps(range) else { return }
                    try reader.readFields(
                        Array(slices), holding: question, within: times.clamped(to: range),
                        into: fields)
                },
                load: { projection, times in
                    var entries = Entries()
                    guard times.overlaps(range) else { return entries }
                    try reader.load(
                        Array(slices), projection: projection, holding: question,
                        within: times.clamped(to: range), into: &entries)
                    return entries
                }))
    }

    /// Streams whose counts tell all, or what they have as entries where those do not.
    private mutating func add(
        _ counted: CountedRuns, _ streams: [Labels], _ segments: [OpenSegment], _ cut: RetentionCut
    ) {
        guard let times = counted.times, times.overlaps(first...last) else { return }
        let range = times.clamped(to: first...last)
        let labels = counted.streams.map { streams[$0] }
        var instead = selection
        instead.projection = .timestamps
        instead.start = Timestamp(nanoseconds: first)
        instead.end = Timestamp(nanoseconds: last).advanced(byNanoseconds: 1)
        units.append(
            ScanUnit(
                streams: labels, first: range.lowerBound, last: range.upperBound,
                bytes: counted.bytes,
                minutes: UnitMinutes { [wantedMinutes] places in
                    try counted.runs(of: places, in: segments).map {
                        try wantedMinutes.run($0.reader, $0.streams)
                    }
                },
                metadataNames: counted.metadataNames(in: segments),
                parts: { [instead, overlaps] in
                    try Self.units(
                        instead, StreamList(labels), segments: segments, overlaps: overlaps,
                        cut: cut)
                }))
    }
}
