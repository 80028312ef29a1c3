import Bytes
import LogModel
import LogQL

/// The rows that passed, as columns; reused from unit to unit.
package struct PipelineResult {
    /// Index of each row in the entries.
    package var rows: [Int] = []
    package var timestamps: [Int64] = []
    /// Index into the pipeline's `labels`.
    package var labelIDs: [Int] = []
    /// Lines of a log query; empty for a metric query.
    package var lines: [[UInt8]] = []
    /// Values of a metric query.
    package var values: [Double] = []
    /// Of lines and label sets, about.
    package var bytes = 0

    package init() {}

    mutating func add(line: UnsafeRawBufferPointer) {
        lines.append(Array(line))
        bytes += line.count
    }

    package mutating func removeAll() {
        rows.removeAll(keepingCapacity: true)
        timestamps.removeAll(keepingCapacity: true)
        labelIDs.removeAll(keepingCapacity: true)
        lines.removeAll(keepingCapacity: true)
        values.removeAll(keepingCapacity: true)
        bytes = 0
    }
}

/// The stages of one query, compiled once and run over the entries of one unit after the other.
/// Owned by one thread. Label sets are numbered, mostly once each: `labels` grows with what the query finds.
package final class LogPipeline {
    let stages: [CompiledStage]
    let value: SampleValue?
    let grouping: Grouping?
    let demand: ParserDemand
    /// A parser whose labels the filters behind it look at first; only rows that pass are parsed
    /// again for all their labels.
    private let early: EarlyFilters?
    /// What must occur, searched over a whole buffer before any row is looked at.
    private let prefilter: RowSearch?
    /// The same for rows that come without certain labels.
    private let wanted: WantedMatch?
    /// Labels that a grouping keeps, sorted.
    let kept: [String]

    package internal(set) var labels: [ResultLabels] = []
    var ids: [ResultLabels: Int] = [:]
    var stems: [StemGroups] = []
    var stemIDs: [Stem: Int] = [:]
    /// How often label sets were let go of.
    package private(set) var generation = 0

    package init(stages: [Stage], extraction: Extraction? = nil) throws(PipelineError) {
        var compiled: [CompiledStage] = []
        for stage in stages { compiled.append(try CompiledStage(stage)) }
        grouping = extraction?.grouping
        value = if let extraction { try SampleValue(extraction.value) } else { nil }
        let needed = Self.neededLabels(compiled, value, grouping)
        demand = needed.map { ParserDemand($0, stops: true) } ?? .everything
        // A parser whose labels nobody needs does not run, as in Loki.
        self.stages = needed?.isEmpty == true ? compiled.filter { !$0.isParser } : compiled
        early = needed == nil ? EarlyFilters(compiled) : nil
        var first: RowSearch?
        for case .lineFilter(let filter) in compiled.prefix(1) { first = filter.search }
        prefilter = first
        wanted = first == nil ? WantedMatch(compiled) : nil
        kept = Set(grouping?.labels ?? []).sorted()
    }

    private static func neededLabels(
        _ stages: [CompiledStage], _ value: SampleValue?, _ grouping: Grouping?
    ) -> Set<String>? {
        guard let value, let grouping, !grouping.without else { return nil }
        var names = Set(grouping.labels + value.names)
        for stage in stages {
            guard let looked = stage.names else { return nil }
            names.formUnion(looked)
        }
        return names
    }

    /// False when lines matter by their number and lengths alone.
    package var needsLines: Bool { value == nil || stages.contains { $0.needsLine } }

    /// True when every row passes as it is and only the labels of its stream matter.
    package var isPassThrough: Bool {
        // Structured metadata makes series of its own unless the grouping leaves it out, which is
        // only known for names: `by ()` or names that the caller finds among the stream's labels.
        countsRows && grouping.map { !$0.without } ?? false
    }

    /// Names by which a pass-through groups; a stream that lacks one may have it as metadata.
    package var groupingNames: [String] { grouping?.labels ?? [] }

    /// What every line which passes fulfils, as the filters in front tell.
    package var condition: LineCondition {
        leadingFilters.reduce(.anything) { $0.and($1.condition.0) }
    }

    var leadingFilters: [LineFilterStage] {
        stages.prefix { if case .lineFilter = $0 { true } else { false } }.compactMap {
            if case .lineFilter(let filter) = $0 { filter } else { nil }
        }
    }

    /// The same without filters in front, for entries that fulfil the condition already; nil where
    /// that is not enough, or lines are needed all the same.
    package var behindFilters: LogPipeline? {
        let filters = leadingFilters
        let rest = stages.dropFirst(filters.count)
        guard value != nil, !filters.isEmpty, filters.allSatisfy(\.condition.isExact),
            !rest.contains(where: \.needsLine)
        else { return nil }
        return LogPipeline(self, stages: Array(rest))
    }

    private init(_ other: LogPipeline, stages: [CompiledStage]) {
        self.stages = stages
        value = other.value
        grouping = other.grouping
        demand = other.demand
        early = nil
        prefilter = nil
        wanted = nil
        kept = other.kept
    }

    /// True when no stage drops a row.
    package var keepsAll: Bool { stages.allSatisfy(\.keepsAll) }

    /// True when the lengths of lines matter.
    package var needsLengths: Bool { if case .bytes = value { true } else { value == nil } }

    /// Rows after which `run` looks at the clock: looking costs as much as a cheap row.
    private static let rowsBetweenLooks = 32
    /// How long `run` goes on at most: templates and expressions can make a row cost milliseconds.
    private static let patience: Duration = .milliseconds(20)
    /// Bytes of results after which it returns: templates may make much of little.
    private static let batchBytes = 4 * 1024 * 1024

    /// Runs the stages over entries of some streams, from a row on, and appends what passes. Returns
    /// the row to go on with, or the number of rows: between two calls the caller may look whether
    /// anybody still waits, and put the result away.
    package func run(
        streams: [Labels], entries: Entries, from first: Int = 0,
        into result: inout PipelineResult
    ) throws(PipelineError) -> Int {
        var streamIDs = StreamIDs()
        var failure: PipelineError?
        let began = ContinuousClock.now
        var rows = 0
        var next = entries.count
        entries.lineBytes.withUnsafeBytes { lines in
            forEachCandidate(streams, entries, lines, from: first) { row in
                do throws(PipelineError) {
                    try one(row, streams, entries, lines, &streamIDs, &result)
                } catch { failure = error }
                rows += 1
                if failure == nil, result.bytes < Self.batchBytes,
                    rows % Self.rowsBetweenLooks != 0
                        || ContinuousClock.now - began < Self.patience
                {
                    return true
                }
                next = row + 1
                return false
            }
        }
        if let failure { throw failure }
        return next
    }

    /// True when a row needs no more than its labels: `tally` counts such rows.
    package var countsRows: Bool {
        stages.isEmpty && value?.ofLine(bytes: 0) != nil
    }

    /// Lets go of the label sets that were found; IDs begin anew.
    package func forgetLabels() {
        labels.removeAll(keepingCapacity: true)
        ids.removeAll(keepingCapacity: true)
        stems.removeAll()
        stemIDs.removeAll()
        generation += 1
    }

    /// Sets that are kept as labels: several streams have more of them that come again.
    private static func mostKept(_ entries: Entries) -> Int {
        entries.setStreams.isEmpty ? 256 : 4096
    }

    /// What rows of one unit share, by their metadata set.
    struct StreamIDs {
        /// IDs of rows whose labels no stage has touched.
        var byMetadata: [UInt32: Int] = [:]
        var labels: [UInt32: RowLabels] = [:]
        private var last: (set: UInt32, id: Int)?

        /// Neighbours mostly have the same set.
        mutating func id(of set: UInt32) -> Int? {
            if let last, last.set == set { return last.id }
            guard let known = byMetadata[set] else { return nil }
            last = (set, known)
            return known
        }
    }

    /// Calls `body` for each row that may pass, until it says stop. With something that must occur the whole
    /// buffer is searched at once, and only rows with a hit are called.
    private func forEachCandidate(
        _ streams: [Labels], _ entries: Entries, _ bytes: UnsafeRawBufferPointer, from first: Int,
        _ body: (Int) -> Bool
    ) {
        guard first < entries.count else { return }
        let prefilter = self.prefilter ?? wanted?.search(streams, entries).map { .literal($0) }
        guard let prefilter, !bytes.isEmpty else {
            if prefilter != nil, needsLines { return }
            for row in first..<entries.count where !body(row) { return }
            return
        }
        var row = first
        var from = entries.lineRange(first).lowerBound
        while let hit = prefilter.find(in: bytes, from: from) {
            row = Self.row(at: hit, entries.lineEnds, from: row)
            guard row < entries.count else { return }
            let range = entries.lineRange(row)
            if hit + prefilter.length <= range.upperBound {
                if !body(row) { return }
                from = range.upperBound
                row += 1
            } else {
                // The hit lies across two lines.
                from = hit + 1
            }
        }
    }

    /// The row whose line holds a byte: the first that ends behind it. Gallops, because hits are
    /// either dense or far apart.
    private static func row(at byte: Int, _ ends: [UInt32], from: Int) -> Int {
        var step = 1
        var low = from
        while low + step < ends.count, Int(ends[low + step]) <= byte {
            low += step
            step *= 2
        }
        var high = min(ends.count, low + step + 1)
        while low < high {
            let middle = (low + high) / 2
            if Int(ends[middle]) <= byte { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private func one(
        _ index: Int, _ streams: [Labels], _ entries: Entries, _ bytes: UnsafeRawBufferPointer,
        _ streamIDs: inout StreamIDs, _ result: inout PipelineResult
    ) throws(PipelineError) {
        let range = entries.lineRange(index)
        let stored = UnsafeRawBufferPointer(rebasing: bytes.isEmpty ? bytes[0..<0] : bytes[range])
        // Line filters in front need no labels: most rows end here.
        var next = 0
        while next < stages.count, case .lineFilter(let filter) = stages[next] {
            if !filter.passes(stored) { return }
            next += 1
        }
        let metadataID = entries.metadataIDs.isEmpty ? 0 : entries.metadataIDs[index]
        // Behind filters alone rows of one set of labels differ by their lines.
        if next == stages.count, let id = streamIDs.id(of: metadataID) {
            let sample = value?.ofLine(bytes: range.count)
            if value == nil || sample != nil {
                if let sample { result.values.append(sample) } else { result.add(line: stored) }
                result.rows.append(index)
                result.timestamps.append(entries.timestamps[index])
                return result.labelIDs.append(id)
            }
        }
        let labels =
            streamIDs.labels[metadataID]
            ?? RowLabels(index, entries, of: streams)
        // Sets that are all different are not worth keeping.
        if entries.metadataSets.count <= Self.mostKept(entries), streamIDs.labels[metadataID] == nil
        {
            streamIDs.labels[metadataID] = labels
        }
        var row = Row(timestamp: entries.timestamps[index], newLine: nil, labels: labels)
        if let early, next == early.first, !early.pass(row, stored) { return }
        for stage in stages[next...] {
            let passed: Bool
            if let line = row.newLine {
                passed = line.withUnsafeBytes { stage.run(&row, $0, demand) }
            } else {
                passed = stage.run(&row, stored, demand)
            }
            if !passed { return }
        }
        let lineBytes = row.newLine?.count ?? range.count
        if let value {
            guard let sample = value.of(&row.labels, lineBytes: lineBytes) else { return }
            try check(row.labels)
            result.values.append(sample)
        } else {
            result.lines.append(row.newLine ?? Array(stored))
            result.bytes += lineBytes
        }
        result.rows.append(index)
        result.timestamps.append(row.timestamp)
        result.labelIDs.append(id(of: row.labels, metadataID, &streamIDs, &result))
    }

    /// An error that no filter has taken away ends a metric query, unless it is asked for by name.
    func check(_ labels: RowLabels) throws(PipelineError) {
        guard let error = labels.error else { return }
        if let grouping, !grouping.without, grouping.labels.contains(RowLabels.error) { return }
        throw PipelineError(
            """
            pipeline error: '\(error)' for series: '\(labels.result.merged)'.
            Use a label filter to intentionally skip this error. (e.g | __error__!="\(error)").
            To skip all potential errors you can match empty errors.(e.g __error__="")
            The label filter can also be specified after unwrap. (e.g | unwrap latency | __error__="" )

            """)
    }
}
