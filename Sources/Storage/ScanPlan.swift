import Dispatch
import LogModel
import Segment
import Synchronization

/// Cuts what a selection asks for into units that never overlap in time within a stream.
struct ScanPlan {
    let selection: Selection
    let overlaps: KnownOverlaps
    /// What is asked of every line, and of one whose entry lacks the names of `selection.parsed`.
    let common: LineQuestion
    let narrow: LineQuestion
    /// That of them which is put to the lines of the stream at hand, and to its chunks.
    var question: LineQuestion
    var chunkQuestion: LineQuestion
    /// Nanoseconds, both inclusive. `first` is the stream's own: retention may hide its beginning.
    var first: Int64
    var last: Int64
    var units: [ScanUnit] = []
    /// Of segments, by their objects: a segment may have a part in many stretches.
    private var numbers: [String: [Int32]] = [:]

    static func units(
        _ selection: Selection, _ list: StreamList, segments: [OpenSegment],
        overlaps: KnownOverlaps, cut: RetentionCut
    ) throws -> [ScanUnit] {
        var plan = ScanPlan(selection: selection, overlaps: overlaps)
        let mayHold = try plan.mayHold(segments, list.streams)
        let segments = zip(segments, mayHold).filter(\.1).map(\.0).sorted {
            $0.record.arrivedBefore($1.record)
        }
        for stretch in plan.stretches(list, segments, cut) {
            (plan.first, plan.last) = (stretch.lowerBound, stretch.upperBound)
            try plan.add(list, segments.filter { $0.reader.summary.meets(stretch) }, cut)
        }
        return plan.sortedUnits
    }

    /// What lies between `first` and `last`, which are as before then. Segments stand in the order of their
    /// arrival.
    private mutating func add(
        _ list: StreamList, _ segments: [OpenSegment], _ cut: RetentionCut
    ) throws {
        let whole = first...last
        defer { (first, last) = (whole.lowerBound, whole.upperBound) }
        if addCounted(list, segments, cut) { return }
        let streams = list.streams
        selection.trace?.note(opened: segments, streams: Set(streams))
        let needed = needed(of: segments, list, cut)
        var runs = needed.enumerated().map { order, segment in
            SegmentRuns(
                segment: segment, order: order, numbers: numbers(of: list, in: segment),
                within: first...last)
        }
        var firsts = streams.map { max(first, cut.first(of: $0)) }
        let isJoined = selection.joinsStreams && streams.count >= JoinedRuns.fewStreams
        if isJoined || selection.enough != nil {
            let alone = runs.alone(firsts, start: first)
            cutTimes(runs, alone: alone, firsts)
            for stream in firsts.indices { firsts[stream] = max(firsts[stream], first) }
            if isJoined {
                try addJoined(&runs, alone, streams, needed, cut)
                try addMerged(&runs, streams, firsts, needed)
            }
        }
        for (number, runs) in Self.byStream(runs, streams.count) {
            first = firsts[number]
            // Retention may leave nothing of a stream in the times that are asked for.
            guard first <= last else { continue }
            let labels = streams[number]
            ask(lacksNames(labels) && runs.allSatisfy { lacksNames($0.segment) })
            let inTime = runs.filter { $0.summary.last >= first && $0.summary.first <= last }
            try add(labels, inTime)
        }
    }

    /// Of each stream of a segment its number in a list, or -1.
    private mutating func numbers(of list: StreamList, in segment: OpenSegment) -> [Int32] {
        if let known = numbers[segment.record.object] { return known }
        let found = list.numbers(in: segment)
        numbers[segment.record.object] = found
        return found
    }

    /// `isNarrow`: entries cannot have the names of `selection.parsed` but from their lines.
    mutating func ask(_ isNarrow: Bool) {
        chunkQuestion = isNarrow ? narrow : common
        question = isNarrow && selection.parsed?.isSelective ?? false ? narrow : common
    }

    /// The runs of each stream that has any.
    private static func byStream(
        _ runs: [SegmentRuns], _ count: Int
    ) -> [(number: Int, runs: [StreamRun])] {
        var lists = [[StreamRun]](repeating: [], count: count)
        for part in runs {
            for place in part.places { lists[place.stream].append(part.run(place)) }
        }
        return lists.enumerated().filter { !$0.element.isEmpty }.map { ($0.offset, $0.element) }
    }

    /// Whether a segment may hold what is asked for. Thousands of streams need not be looked at one by one
    /// to find none; an explanation tells of each.
    private func mayHold(_ segments: [OpenSegment], _ streams: [Labels]) throws -> [Bool] {
        let isNarrow = streams.allSatisfy(lacksNames)
        let questions = segments.map { isNarrow && lacksNames($0) ? narrow : common }
        guard selection.trace == nil, questions.contains(where: { !$0.isEmpty }) else {
            return Array(repeating: true, count: segments.count)
        }
        let results = Mutex(
            [Result<Bool, any Error>](repeating: .success(true), count: segments.count))
        DispatchQueue.concurrentPerform(iterations: segments.count) { index in
            let result = Result { try segments[index].reader.mayHold(questions[index]) }
            results.withLock { $0[index] = result }
        }
        return try results.withLock { try $0.map { try $0.get() } }
    }

    /// True when labels of these names can only come from the lines of a stream.
    func lacksNames(_ labels: Labels) -> Bool {
        selection.parsed?.names.allSatisfy { labels[$0] == nil } ?? true
    }

    func lacksNames(_ segment: OpenSegment) -> Bool {
        guard let names = selection.parsed?.names else { return true }
        return segment.reader.metadataNames.map { $0.isDisjoint(with: names) } ?? false
    }

    /// In the order in which they are read: moving a unit costs more than comparing two.
    var sortedUnits: [ScanUnit] {
        let backward = selection.direction == .backward
        let times = units.map { backward ? $0.last : $0.first }
        let order = units.indices.sorted { (a: Int, b: Int) -> Bool in
            if times[a] == times[b] { return a < b }
            return backward ? times[a] > times[b] : times[a] < times[b]
        }
        return order.map { units[$0] }
    }

    private init(selection: Selection, overlaps: KnownOverlaps) {
        self.selection = selection
        self.overlaps = overlaps
        common = LineQuestion(selection.condition, trace: selection.trace)
        narrow =
            selection.parsed.map {
                LineQuestion(selection.condition.and($0.condition), trace: selection.trace)
            } ?? common
        question = common
        chunkQuestion = common
        first = selection.start.nanoseconds
        last = selection.end.nanoseconds - 1
    }

    /// Splits a stream's runs into groups that do not overlap; a run that stands alone can be
    /// answered from its roll-up.
    private mutating func add(_ labels: Labels, _ runs: [StreamRun]) throws {
        let sorted = runs.sorted { $0.summary.first < $1.summary.first }
        var group: [StreamRun] = []
        var end = Int64.min
        for run in sorted {
            if !group.isEmpty, run.summary.first > end {
                try addGroup(labels, group)
                group = []
            }
            group.append(run)
            end = max(end, run.summary.last)
        }
        if !group.isEmpty { try addGroup(labels, group) }
    }

    private mutating func addGroup(_ labels: Labels, _ runs: [StreamRun]) throws {
        let runs = runs.sorted { $0.order < $1.order }
        if selection.projection == .minuteCounts, runs.allSatisfy(isCountable) {
            return try addCounted(labels, runs)
        }
        try addPieces(labels, runs)
    }

    mutating func addPieces(_ labels: Labels, _ runs: [StreamRun]) throws {
        let slices = try runs.map { try self.slices(of: $0) }
        if runs.count == 1, runs[0].segment.reader.rises(stream: runs[0].stream),
            zip(slices[0], slices[0].dropFirst()).allSatisfy({ $0.last < $1.first })
        {
            // Slices of one run that share no time are a unit each.
            for slice in slices[0] {
                addUnit(
                    labels, [runs[0].segment.reader], [[slice]], slice.first...slice.last,
                    bytes: slice.bytes, place: slice.place(inSegment: runs[0].order))
            }
            return
        }
        var pieces: [UnitCut.Piece] = []
        for (index, slices) in slices.enumerated() {
            for slice in slices { pieces.append(UnitCut.Piece(run: index, slice: slice)) }
        }
        pieces.sort { $0.slice.first < $1.slice.first }
        for unit in UnitCut.units(pieces) {
            addUnit(labels, runs, unit, unit.pieces.map { pieces[$0] })
        }
    }

    private func slices(of run: StreamRun) throws -> [Slice] {
        // The newest lines need not unpack more than their page; a search looks at chunks whole.
        let reader = run.segment.reader
        let isNarrow = selection.projection == .lines && question.isEmpty
        let slices =
            isNarrow
            ? Array(reader.slices(ofStream: run.stream)) : reader.wideSlices(ofStream: run.stream)
        let inTime = slices.filter { $0.meets(first...last) }
        let left =
            chunkQuestion.isEmpty ? inTime : try reader.slices(inTime, mayHold: chunkQuestion)
        selection.trace?.note(reader, inTime: inTime, left: left)
        return left
    }

    private mutating func addUnit(
        _ labels: Labels, _ runs: [StreamRun], _ unit: UnitCut.Unit, _ pieces: [UnitCut.Piece]
    ) {
        var byRun: [[Slice]] = []
        var readers: [SegmentReader] = []
        for run in Set(pieces.map(\.run)).sorted() {
            byRun.append(pieces.filter { $0.run == run }.map(\.slice))
            readers.append(runs[run].segment.reader)
        }
        addUnit(
            labels, readers, byRun, unit.low...unit.high, bytes: unit.bytes,
            place: pieces[0].slice.place(inSegment: runs[pieces[0].run].order))
    }

    /// `slices`: those of each source.
    private mutating func addUnit(
        _ labels: Labels, _ sources: [SegmentReader], _ slices: [[Slice]],
        _ times: ClosedRange<Int64>, bytes: Int, place: UInt64
    ) {
        guard times.overlaps(first...last) else { return }
        let range = times.clamped(to: first...last)
        let question = question
        var readFields: (@Sendable (any FieldReader, ClosedRange<Int64>) throws -> Void)?
        if sources.count == 1 {
            readFields = { reader, times in
                guard times.overlaps(range) else { return }
                let times = times.clamped(to: range)
                for slice in slices[0] where slice.meets(times) {
                    try sources[0].readFields(
                        [slice], holding: question, within: times, into: reader)
                }
            }
        }
        units.append(
            ScanUnit(
                streams: [labels], first: range.lowerBound, last: range.upperBound,
                bytes: bytes, place: place, minutes: nil,
                readFields: readFields,
                load: { projection, times in
                    guard times.overlaps(range) else { return Entries() }
                    return try Self.load(
                        sources, slices, times.clamped(to: range), projection, question)
                }))
    }

    static func load(
        _ readers: [SegmentReader], _ slices: [[Slice]], _ range: ClosedRange<Int64>,
        _ projection: Selection.Projection, _ question: LineQuestion
    ) throws -> Entries {
        var runs = try Self.runs(of: readers, slices, range, projection, question)
        guard runs.count > 1 else { return runs[0] }
        guard projection != .lines else { return try EntriesMerge.merge(runs) }
        if let merged = EntriesMerge.interleaved(runs) { return merged }
        // Repeated entries are told by their lines.
        runs = try Self.runs(of: readers, slices, range, .lines, question)
        var merged = try EntriesMerge.merge(runs)
        if !question.isEmpty { return question.filtered(merged) }
        merged.lineBytes = []
        return merged
    }

    /// The rows of each reader's slices.
    static func runs(
        of readers: [SegmentReader], _ slices: [[Slice]], _ range: ClosedRange<Int64>,
        _ projection: Selection.Projection, _ question: LineQuestion
    ) throws -> [Entries] {
        try zip(readers, slices).map { reader, slices in
            var run = Entries()
            for slice in slices where slice.meets(range) {
                try reader.load(
                    slice, projection: projection, holding: question, within: range, into: &run)
            }
            return run
        }
    }
}
