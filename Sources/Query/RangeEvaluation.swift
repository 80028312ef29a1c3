import LogModel
import LogQL
import Pipeline

/// One range aggregation at all steps. Time is cut at every edge of every window; each series has
/// an accumulator per stretch that holds samples, and windows are merged from stretches.
struct RangeEvaluation {
    private let range: RangeAggregation
    private let grouping: Grouping?
    private let steps: [Int64]
    /// Edges of windows, ascending and unique; stretch i is (edges[i], edges[i + 1]].
    private let edges: [Int64]
    private let keepsValues: Bool

    private var series: [SeriesState] = []
    private var seriesIDs: [Labels: Int] = [:]
    private var cells = 0

    private struct SeriesState {
        var labels: Labels
        var stretches: [Int: Accumulator] = [:]
    }

    init(_ range: RangeAggregation, pushedGrouping: Grouping?, steps: [Int64]) {
        self.range = range
        // absent_over_time asks whether there is anything at all.
        grouping =
            range.function == .absentOverTime
            ? Grouping(without: false, labels: []) : pushedGrouping ?? range.grouping
        self.steps = steps
        keepsValues = range.function == .quantileOverTime
        var edges: Set<Int64> = []
        for step in steps {
            let end = Timestamp(nanoseconds: step).advanced(byNanoseconds: -range.offsetNanoseconds)
            edges.insert(end.nanoseconds)
            edges.insert(end.advanced(byNanoseconds: -range.rangeNanoseconds).nanoseconds)
        }
        self.edges = edges.sorted()
    }

    private var extraction: Extraction {
        if let unwrap = range.unwrap {
            return Extraction(value: .unwrap(unwrap), grouping: grouping)
        }
        switch range.function {
        case .bytesRate, .bytesOverTime: return Extraction(value: .bytes, grouping: grouping)
        default: return Extraction(value: .count, grouping: grouping)
        }
    }

    func run(_ scan: inout Scan) throws(QueryError) -> [SeriesRow] {
        var work = self
        try work.read(&scan)
        return range.function == .absentOverTime ? [work.absent()] : work.rows()
    }

    private mutating func read(_ scan: inout Scan) throws(QueryError) {
        let limit = scan.limits.maxQueryRangeSeconds
        if limit > 0, range.rangeNanoseconds > Int64(limit) * Nanoseconds.second {
            throw QueryError(
                .invalid,
                "[interval] value exceeds limit: "
                    + "[\(DurationText.prometheusText(range.rangeNanoseconds))] > "
                    + "[\(DurationText.prometheusText(Int64(limit) * Nanoseconds.second))]")
        }
        let pipeline: LogPipeline
        do { pipeline = try LogPipeline(stages: range.log.stages, extraction: extraction) } catch {
            throw QueryError(error)
        }
        guard let first = edges.first, let last = edges.last else { return }
        // Minutes answer windows whose edges all lie on minutes, when only labels matter.
        let countsMinutes =
            pipeline.isPassThrough && edges.allSatisfy { $0 % Nanoseconds.minute == 0 }
        let projection: Selection.Projection =
            countsMinutes ? .minuteCounts : pipeline.needsLines ? .lines : .timestampsAndLengths
        var selection = Selection(
            tenant: scan.request.tenant, matchers: range.log.matchers,
            start: Timestamp(nanoseconds: first).advanced(byNanoseconds: 1),
            end: Timestamp(nanoseconds: last).advanced(byNanoseconds: 1), projection: projection)
        selection.requiredLiterals = pipeline.requiredLiterals
        var result = PipelineResult()
        var ids: [Int] = []
        for unit in try scan.plan(selection) {
            try scan.checkpoint()
            if try count(unit, pipeline, &scan) { continue }
            let entries = try scan.load(unit, projection)
            result.removeAll()
            do throws(PipelineError) {
                try pipeline.run(stream: unit.labels, entries: entries, into: &result)
            } catch { throw QueryError(error) }
            while ids.count < pipeline.labels.count {
                ids.append(id(of: pipeline.labels[ids.count].merged))
            }
            scan.stats.linesKept += result.rows.count
            try add(result, ids, scan.limits)
        }
    }

    private mutating func id(of labels: Labels) -> Int {
        if let known = seriesIDs[labels] { return known }
        seriesIDs[labels] = series.count
        series.append(SeriesState(labels: labels))
        return series.count - 1
    }

    /// The stretch that holds a moment, or nil between windows' outer edges.
    private func stretch(of time: Int64, near: Int) -> Int? {
        if near + 1 < edges.count, edges[near] < time, time <= edges[near + 1] { return near }
        var low = 0
        var high = edges.count
        while low < high {
            let middle = (low + high) / 2
            if edges[middle] < time { low = middle + 1 } else { high = middle }
        }
        return low == 0 || low == edges.count ? nil : low - 1
    }

    private mutating func add(
        _ result: PipelineResult, _ ids: [Int], _ limits: Limits
    ) throws(QueryError) {
        var stretch = 0
        for i in result.rows.indices {
            let time = result.timestamps[i]
            guard let at = self.stretch(of: time, near: stretch) else { continue }
            stretch = at
            let id = ids[result.labelIDs[i]]
            let value = result.values[i]
            let keep = keepsValues
            series[id].stretches[at, default: Accumulator()].add(
                value, at: time, keepingValue: keep)
        }
        try checkCells(limits)
    }

    /// Takes a unit from its minutes, reading no entry; false where they do not tell enough.
    private mutating func count(
        _ unit: ScanUnit, _ pipeline: LogPipeline, _ scan: inout Scan
    ) throws(QueryError) -> Bool {
        guard let minutes = unit.minutes else { return false }
        // A name that the stream lacks may be in the metadata, of which minutes know the level.
        let unknown = pipeline.groupingNames.filter { unit.labels[$0] == nil }
        guard unknown.allSatisfy({ $0 == detectedLevelName }) else { return false }
        let counts: [MinuteCount]
        do { counts = try minutes() } catch {
            throw QueryError(.source, "reading the roll-up of \(unit.labels): \(error)")
        }
        if !unknown.isEmpty, counts.contains(where: { $0.level == nil }) { return false }
        let base = grouping.map { unit.labels.keeping($0.labels) } ?? unit.labels
        var ids: [String: Int] = [:]
        let ofBytes = range.function == .bytesRate || range.function == .bytesOverTime
        var stretch = 0
        for minute in counts {
            scan.stats.lines += minute.rows
            scan.stats.linesKept += minute.rows
            scan.stats.bytes += minute.bytes
            let end = Timestamp(nanoseconds: minute.start).advanced(
                byNanoseconds: Nanoseconds.minute)
            guard let at = self.stretch(of: end.nanoseconds, near: stretch) else { continue }
            stretch = at
            let level = unknown.isEmpty ? "" : minute.level ?? ""
            let id =
                ids[level]
                ?? id(of: level.isEmpty ? base : base.setting(detectedLevelName, level))
            ids[level] = id
            series[id].stretches[at, default: Accumulator()].add(
                count: minute.rows, sum: Double(ofBytes ? minute.bytes : minute.rows))
        }
        scan.stats.units += 1
        scan.stats.unitsFromRollups += 1
        try checkCells(scan.limits)
        return true
    }

    private func checkCells(_ limits: Limits) throws(QueryError) {
        var cells = 0
        for one in series { cells += max(1, one.stretches.count) }
        guard cells <= limits.maxQueryCells else {
            throw QueryError(
                .invalid,
                "the query needs \(series.count) series and more than \(limits.maxQueryCells) "
                    + "points, which is what one query may hold; aggregate with sum() by fewer "
                    + "labels, shorten the time range or lengthen the step")
        }
    }

    private func window(_ step: Int) -> Accumulator.Window {
        let end = Timestamp(nanoseconds: steps[step])
            .advanced(byNanoseconds: -range.offsetNanoseconds)
        return Accumulator.Window(
            start: end.advanced(byNanoseconds: -range.rangeNanoseconds).nanoseconds,
            end: end.nanoseconds)
    }

    private func rows() -> [SeriesRow] {
        let windows = steps.indices.map(window)
        var index: [Int64: Int] = [:]
        for (i, edge) in edges.enumerated() { index[edge] = i }
        let bounds = windows.map { (index[$0.start] ?? 0, index[$0.end] ?? 0) }
        return series.map { state in
            var row = SeriesRow(labels: state.labels, steps: steps.count)
            let present = state.stretches.keys.sorted()
            var from = 0
            for step in steps.indices {
                let (low, high) = bounds[step]
                while from < present.count, present[from] < low { from += 1 }
                var merged = Accumulator()
                var at = from
                while at < present.count, present[at] < high {
                    if let stretch = state.stretches[present[at]] { merged.merge(stretch) }
                    at += 1
                }
                if let value = merged.value(
                    range.function, windows[step], parameter: range.parameter)
                {
                    row.set(step, value)
                }
            }
            return row
        }
    }

    /// 1 wherever no window of any series has a sample; labelled by the selector's equalities.
    private func absent() -> SeriesRow {
        var seen: [String: Int] = [:]
        for matcher in range.log.matchers { seen[matcher.name, default: 0] += 1 }
        let labels = Labels(
            range.log.matchers.filter { $0.op == .equal && seen[$0.name] == 1 }.map {
                Label($0.name, $0.value)
            })
        var row = SeriesRow(labels: labels, steps: steps.count)
        let found = rows()
        for step in steps.indices where !found.contains(where: { $0.present[step] }) {
            row.set(step, 1)
        }
        return row
    }
}
