import LogModel
import LogQL
import Pipeline
import Synchronization

/// One range aggregation at all steps. The units of the scan are dealt out to workers, each with a
/// pipeline and a table of its own; what the tables hold is merged, and windows are made of it.
struct RangeEvaluation: Sendable {
    private let range: RangeAggregation
    private let grouping: Grouping?
    private let windows: RangeWindows
    private let kind: Accumulator.Kind
    private let scan: Scan

    init(_ range: RangeAggregation, pushedGrouping: Grouping?, steps: [Int64], _ scan: Scan) {
        self.range = range
        self.scan = scan
        // absent_over_time asks whether there is anything at all.
        grouping =
            range.function == .absentOverTime
            ? Grouping(without: false, labels: []) : pushedGrouping ?? range.grouping
        windows = RangeWindows(
            steps: steps, range: range.rangeNanoseconds, offset: range.offsetNanoseconds,
            at: range.at, scan.request)
        kind = range.function.kind(range.buckets)
    }

    func run() throws(QueryError) -> [SeriesRow] {
        try scan.checkRange(range.rangeNanoseconds)
        let (table, bytes) = try gather()
        // What follows in the query may use the room again.
        defer { scan.budget.giveBack(bytes) }
        if range.function == .absentOverTime { return [try absent(table)] }
        if case .buckets(let cut) = kind { return try histograms(table, cut) }
        return try rows(table)
    }

    private var extraction: Extraction {
        if let unwrap = range.unwrap {
            return Extraction(value: .unwrap(unwrap), grouping: grouping)
        }
        if let label = range.label {
            return Extraction(value: .hash(label: label), grouping: grouping)
        }
        switch range.function {
        case .bytesRate, .bytesOverTime: return Extraction(value: .bytes, grouping: grouping)
        default: return Extraction(value: .count, grouping: grouping)
        }
    }

    // Reading.

    /// Values of labels that are shorter are compared in their columns: only ids rule out chunks.
    private static let shortestLiteral = 8

    /// What is read, and what runs on it.
    private struct Reading {
        var pipeline: LogPipeline
        var condition: LineCondition
        var parsed: ParsedCondition?
        var projection: Selection.Projection
        /// Every row counts, whatever its line.
        var countsAll: Bool
    }

    private func reading() throws(QueryError) -> Reading {
        let whole = try scan.pipeline(range.log.stages, extraction)
        // Filters that the source applies exactly need not run again, and leave no need for lines.
        let pipeline = (scan.source.filtersExactly ? whole.behindFilters : nil) ?? whole
        let withoutLines: Selection.Projection =
            pipeline.needsLengths ? .timestampsAndLengths : .timestamps
        return Reading(
            pipeline: pipeline, condition: whole.condition,
            parsed: whole.parsedCondition(shortest: Self.shortestLiteral),
            projection: pipeline.needsLines ? .lines : withoutLines,
            countsAll: whole.isPassThrough)
    }

    private func gather() throws(QueryError) -> (table: SampleTable, bytes: Int) {
        // Once more by each worker; a faulty stage is told of even when nothing is read.
        let reading = try reading()
        var table = SampleTable(kind)
        guard let first = windows.edges.first, let last = windows.edges.last else {
            return (table, 0)
        }
        // Minutes answer windows whose edges all lie on minutes, when only labels matter.
        let countsMinutes =
            reading.countsAll && windows.edges.allSatisfy { $0 % Nanoseconds.minute == 0 }
        var selection = Selection(
            tenant: scan.request.tenant, matchers: range.log.matchers,
            start: Timestamp(nanoseconds: first).advanced(byNanoseconds: 1),
            end: Timestamp(nanoseconds: last).advanced(byNanoseconds: 1),
            projection: countsMinutes ? .minuteCounts : reading.projection)
        selection.condition = reading.condition
        selection.parsed = reading.parsed
        selection.joinsStreams = kind.ignoresOrder
        let units = try tellable(try scan.plan(selection), reading.pipeline)
        let workers = Scan.workers(for: units.count)
        let parts = Mutex([Worker?](repeating: nil, count: workers))
        try Scan.inParallel(units.indices, workers: workers) { (index, item) throws(QueryError) in
            let worker: Worker
            if let known = parts.withLock({ $0[index] }) {
                worker = known
            } else {
                worker = try Worker(self)
                parts.withLock { $0[index] = worker }
            }
            try worker.take(units[item], rank: item)
        }
        var bytes = 0
        for case let part? in parts.withLock({ $0 }) {
            let found = part.takeTable()
            bytes += found.bytes
            if table.labels.isEmpty { table = found } else { table.merge(found) }
        }
        return (table, bytes)
    }

    /// Large units of which minutes cannot tell enough, as their names show, are dealt out in parts.
    private func tellable(
        _ units: [ScanUnit], _ pipeline: LogPipeline
    ) throws(QueryError) -> [ScanUnit] {
        var dealt: [ScanUnit] = []
        for unit in units {
            guard let parts = unit.parts,
                !MinuteTally.areTold(unit, names: pipeline.groupingNames)
            else {
                dealt.append(unit)
                continue
            }
            do { dealt += try parts() } catch {
                throw QueryError(.source, "reading the catalog: \(error)")
            }
        }
        return dealt
    }

    /// What one thread needs and finds. Unchecked, because no two threads ever use one at a time.
    private final class Worker: @unchecked Sendable {
        private let evaluation: RangeEvaluation
        private let pipeline: LogPipeline
        private let projection: Selection.Projection
        private let programs = FieldPrograms()
        private let filterPrograms = FieldPrograms()
        /// Label sets that a pipeline keeps from one unit to the next.
        private static let mostLabels = 65_536
        /// Series by the number of the pipeline's label set, and whose numbers these are.
        @exclusivity(unchecked) private var ids: [Int] = []
        private var generation = -1
        private var result = PipelineResult()
        @exclusivity(unchecked) private var table: SampleTable
        @exclusivity(unchecked) private var tally: MinuteTally

        init(_ evaluation: RangeEvaluation) throws(QueryError) {
            self.evaluation = evaluation
            let reading = try evaluation.reading()
            pipeline = reading.pipeline
            projection = reading.projection
            table = SampleTable(evaluation.kind)
            tally = MinuteTally(evaluation.windows)
        }

        func take(_ unit: ScanUnit, rank: Int) throws(QueryError) {
            if try count(unit) { return try take() }
            guard let parts = unit.parts else { return try read(unit, rank: rank) }
            let units: [ScanUnit]
            do { units = try parts() } catch {
                throw QueryError(.source, "reading the catalog: \(error)")
            }
            for unit in units { try take(unit, rank: rank) }
        }

        private func read(_ unit: ScanUnit, rank: Int) throws(QueryError) {
            let scan = evaluation.scan
            if try addFields(of: unit, rank: rank) { return try take() }
            let entries =
                projection == .lines
                ? try scan.candidates(unit, for: pipeline, filterPrograms)
                : try scan.load(unit, projection)
            if pipeline.countsRows { return try tally(unit, entries) }
            try scan.run(pipeline, unit, entries, in: &result) { (found) throws(QueryError) in
                try add(found, rank: rank)
            }
        }

        /// Takes a unit from its columns; false where lines must be read.
        private func addFields(of unit: ScanUnit, rank: Int) throws(QueryError) -> Bool {
            guard evaluation.kind.ignoresOrder, let read = unit.readFields,
                let fields = FieldPipeline(pipeline, streams: unit.streams, programs: programs)
            else { return false }
            if pipeline.labels.count > Self.mostLabels { pipeline.forgetLabels() }
            try evaluation.scan.readFields(of: unit, read, into: fields)
            let found: PipelineResult
            do throws(PipelineError) { found = try fields.take() } catch {
                throw QueryError(error, in: evaluation.scan.request.text)
            }
            try add(found, rank: rank)
            let rows = fields.rows
            evaluation.scan.note {
                $0.lines += rows
                $0.linesKept += found.rows.count
            }
            return true
        }

        /// What was gathered, and leaves nothing: it need not be copied when others are added.
        func takeTable() -> SampleTable {
            defer { table = SampleTable(evaluation.kind) }
            return table
        }

        private func take() throws(QueryError) {
            try evaluation.scan.budget.take(
                table.takeGrowth(), for: "\(table.labels.count) series")
        }

        /// Rows that count as they are, whatever their lines.
        private func tally(_ unit: ScanUnit, _ entries: Entries) throws(QueryError) {
            let began = ContinuousClock.now
            pipeline.forgetLabels()
            let tallies = pipeline.tally(
                streams: unit.streams, entries: entries, span: evaluation.windows.span)
            noteSeries()
            let ofBytes = pipeline.needsLengths
            for tally in tallies {
                table.add(
                    count: tally.rows, sum: Double(ofBytes ? tally.bytes : tally.rows),
                    series: ids[tally.label], stretch: tally.stretch)
            }
            try take()
            let spent = (ContinuousClock.now - began).inSeconds
            evaluation.scan.note {
                $0.linesKept += entries.count
                $0.pipelineSeconds += spent
            }
        }

        /// Numbers the pipeline's label sets.
        private func noteSeries() {
            if generation != pipeline.generation { ids.removeAll(keepingCapacity: true) }
            generation = pipeline.generation
            for labels in pipeline.labels[ids.count...] { ids.append(table.series(labels.merged)) }
        }

        private func add(_ found: PipelineResult, rank: Int) throws(QueryError) {
            noteSeries()
            var near = 0
            for i in found.rows.indices {
                let time = found.timestamps[i]
                guard let stretch = evaluation.windows.stretch(of: time, near: near) else {
                    continue
                }
                near = stretch
                table.add(
                    Accumulator.Sample(time: time, rank: rank, value: found.values[i]),
                    series: ids[found.labelIDs[i]], stretch: stretch)
            }
            try take()
        }

        /// Takes a unit from its minutes, reading no entry; false where they do not tell enough.
        private func count(_ unit: ScanUnit) throws(QueryError) -> Bool {
            guard let minutes = unit.minutes else { return false }
            try evaluation.scan.checkpoint()
            guard
                let groups = MinuteTally.groups(
                    unit, names: pipeline.groupingNames, evaluation.grouping)
            else { return false }
            var counts: [(base: MinuteTally.Base, runs: [MinuteRun])] = []
            for (base, places) in groups {
                do {
                    guard let runs = try minutes.runs(of: places) else { return false }
                    counts.append((base, runs))
                } catch {
                    throw QueryError(.source, "reading the roll-up of \(unit.name): \(error)")
                }
            }
            let isTold = counts.allSatisfy { base, runs in
                !base.byLevel || !runs.contains(where: \.hasUntold)
            }
            guard isTold else { return false }
            let function = evaluation.range.function
            tally.ofBytes = function == .bytesRate || function == .bytesOverTime
            for (base, runs) in counts {
                for run in runs { tally.add(run, base, to: &table) }
                if tally.isFull { tally.flush(to: &table) }
            }
            tally.flush(to: &table)
            let sum = tally.takeSum()
            evaluation.scan.note { [sum] in
                $0.units += 1
                $0.unitsFromRollups += 1
                $0.lines += sum.rows
                $0.linesKept += sum.rows
                $0.bytes += sum.bytes
            }
            return true
        }
    }

    // Windows.

    private func rows(_ table: SampleTable) throws(QueryError) -> [SeriesRow] {
        let steps = windows.windows.count
        try scan.budget.take(
            table.labels.count * steps * 9, for: "\(table.labels.count) series of \(steps) points")
        var rows: [SeriesRow] = []
        for id in table.labels.indices {
            var row = SeriesRow(labels: table.labels[id], steps: steps)
            try windows.forEachWindow(table.cells(of: id), scan) { step, merged in
                let window = windows.windows[step]
                if let value = merged.value(range.function, window, parameter: range.parameter) {
                    row.set(step, value)
                }
            }
            rows.append(row)
        }
        return rows
    }

    private func histograms(
        _ table: SampleTable, _ cut: HistogramBuckets
    ) throws(QueryError) -> [SeriesRow] {
        let steps = windows.windows.count
        var rows: [SeriesRow] = []
        for id in table.labels.indices {
            let cells = table.cells(of: id)
            let used = cells.reduce(into: Set<Int>()) {
                $0.formUnion($1.accumulator.buckets.keys)
            }
            // Before they are made.
            try scan.budget.take(
                (used.count + 1) * steps * 9, for: "\(rows.count + used.count) buckets")
            var histogram = HistogramSeries(cut, used, labels: table.labels[id], steps: steps)
            try windows.forEachWindow(cells, scan) { step, merged in
                histogram.set(merged.buckets, at: step)
            }
            rows += histogram.rows
        }
        return rows
    }

    /// 1 wherever no window of any series has a sample; labelled by the selector's equalities.
    private func absent(_ table: SampleTable) throws(QueryError) -> SeriesRow {
        var seen: [String: Int] = [:]
        for matcher in range.log.matchers { seen[matcher.name, default: 0] += 1 }
        let labels = Labels(
            range.log.matchers.filter { $0.op == .equal && seen[$0.name] == 1 }.map {
                Label($0.name, $0.value)
            })
        var found = [Bool](repeating: false, count: windows.windows.count)
        for id in table.labels.indices {
            try windows.forEachWindow(table.cells(of: id), scan) { step, _ in found[step] = true }
        }
        var row = SeriesRow(labels: labels, steps: found.count)
        for step in found.indices where !found[step] { row.set(step, 1) }
        return row
    }
}
