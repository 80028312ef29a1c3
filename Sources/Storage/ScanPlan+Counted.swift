import LogModel
import Segment

// Whole minutes of streams, counted and not read.
extension ScanPlan {
    /// Adds runs of a stream that are all countable, in the order of their arrival.
    mutating func addCounted(_ labels: Labels, _ runs: [StreamRun]) throws {
        guard runs.count > 1 else { return try addCounted(labels, runs[0], without: []) }
        guard overlaps.areApart(runs, within: first...last) != false else {
            return try addSharedMinutes(labels, runs)
        }
        addSums(labels, runs)
    }

    /// Minutes of runs of which no entry is in two, or of which that is to be found out. What is read where
    /// they do not tell enough is planned then.
    private mutating func addSums(_ labels: Labels, _ runs: [StreamRun]) {
        let range = first...last
        for run in runs {
            let reader = run.segment.reader
            guard let trace = selection.trace else { break }
            let slices = reader.wideSlices(ofStream: run.stream).filter { $0.meets(range) }
            trace.note(reader, inTime: slices, left: slices)
        }
        var instead = self
        instead.units = []
        units.append(
            ScanUnit(
                streams: [labels], first: max(first, runs.map(\.summary.first).min() ?? first),
                last: min(last, runs.map(\.summary.last).max() ?? last),
                bytes: runs.reduce(0) { $0 + $1.summary.bytes },
                minutes: UnitMinutes { [wantedMinutes, overlaps, question] _ in
                    guard try overlaps.compare(runs, within: range, question) else { return nil }
                    return try runs.map { try wantedMinutes.run($0.segment.reader, [$0.stream]) }
                },
                metadataNames: Self.metadataNames(of: runs),
                parts: { [instead] in
                    var plan = instead
                    if plan.overlaps.areApart(runs, within: range) == false {
                        try plan.addSharedMinutes(labels, runs)
                    } else {
                        try plan.addPieces(labels, runs)
                    }
                    return plan.sortedUnits
                }))
    }

    /// Names of metadata that entries may have; nil where a segment does not tell.
    private static func metadataNames(of runs: [StreamRun]) -> Set<String>? {
        var names: Set<String> = []
        for run in runs {
            guard let more = run.segment.reader.metadataNames else { return nil }
            names.formUnion(more)
        }
        return names
    }

    /// Minutes of which one run alone has entries are counted; the others are read.
    private mutating func addSharedMinutes(_ labels: Labels, _ runs: [StreamRun]) throws {
        var starts: [Int64] = []
        for run in runs {
            var last: Int64?
            for minute in try run.segment.reader.minutes(ofStream: run.stream)
            where minute.start != last {
                starts.append(minute.start)
                last = minute.start
            }
        }
        starts.sort()
        let shared = Set(zip(starts, starts.dropFirst()).filter { $0 == $1 }.map(\.0))
        var ranges: [(start: Int64, end: Int64)] = []
        for start in shared.sorted() {
            let end = Timestamp(nanoseconds: start).advanced(byNanoseconds: Nanoseconds.minute)
            if let range = ranges.last, range.end == start {
                ranges[ranges.count - 1].end = end.nanoseconds
            } else {
                ranges.append((start, end.nanoseconds))
            }
        }
        guard ranges.count <= Self.mostSharedRanges else { return try addPieces(labels, runs) }
        for run in runs { try addCounted(labels, run, without: shared) }
        let (whole, end) = (first, last)
        defer { (first, last) = (whole, end) }
        for range in ranges {
            // Minutes are open on the left.
            first = max(
                whole, Timestamp(nanoseconds: range.start).advanced(byNanoseconds: 1).nanoseconds)
            last = min(end, range.end)
            if first <= last { try addPieces(labels, runs) }
        }
    }

    /// Each of them may read the same slices anew.
    private static let mostSharedRanges = 16

    func isCountable(_ run: StreamRun) -> Bool {
        isCountable(run.summary.first...run.summary.last)
    }

    /// True when whole minutes of a run between two times are what the selection asks for.
    func isCountable(_ times: ClosedRange<Int64>) -> Bool {
        // Minutes are closed on the right: a selection of whole ones begins behind a minute's end.
        let beginsWhole = times.lowerBound >= first || (first - 1) % Nanoseconds.minute == 0
        let endsWhole = times.upperBound <= last || last % Nanoseconds.minute == 0
        return beginsWhole && endsWhole
    }

    /// Without the units: what is kept with each of them must not hold all that were there before it.
    var wantedMinutes: WantedMinutes {
        WantedMinutes(first: first, last: last, trace: selection.trace)
    }

    /// `shared`: minutes that are left out.
    private mutating func addCounted(
        _ labels: Labels, _ run: StreamRun, without shared: Set<Int64>
    ) throws {
        let reader = run.segment.reader
        let stream = run.stream
        let (low, high) = (max(first, run.summary.first), min(last, run.summary.last))
        guard low <= high else { return }
        // Minutes are only asked for without a condition, and mostly tell enough: slices can wait.
        let slices: @Sendable () -> [Slice] = {
            reader.wideSlices(ofStream: stream).filter { $0.meets(low...high) }
        }
        selection.trace?.note(reader, inTime: slices(), left: slices())
        units.append(
            ScanUnit(
                streams: [labels], first: low, last: high, bytes: run.summary.bytes,
                minutes: UnitMinutes { [wantedMinutes] _ in
                    [try wantedMinutes.run(reader, [stream], without: shared)]
                },
                metadataNames: reader.metadataNames,
                load: { [question] projection, times in
                    guard times.overlaps(low...high) else { return Entries() }
                    let entries = try Self.load(
                        [reader], [slices()], times.clamped(to: low...high), projection, question)
                    return shared.isEmpty ? entries : entries.without(minutes: shared)
                }))
    }
}

extension Entries {
    /// The rows outside of some minutes, which are open on the left.
    fileprivate func without(minutes: Set<Int64>) -> Entries {
        var out = Entries()
        var start = 0
        func flush(_ out: inout Entries, _ end: Int) {
            if start < end { out.append(self, rows: start..<end) }
        }
        for row in 0..<count where minutes.contains(minuteStart(timestamps[row])) {
            flush(&out, row)
            start = row + 1
        }
        flush(&out, count)
        return out
    }
}
