import Dispatch
import Foundation
import LogModel
import LogQL
import Pipeline
import Synchronization

/// What the parts of one evaluation share: the source, the bounds, the count of what was read.
final class Scan: Sendable {
    let source: any LogSource
    let limits: Limits
    let request: QueryRequest
    let budget: MemoryBudget
    private let cancellation: Cancellation
    private let deadline: ContinuousClock.Instant
    private let counted = Mutex(QueryStats())
    /// Nil for all but requests that are to be explained.
    private let trace: QueryTrace?

    init(
        source: any LogSource, limits: Limits, request: QueryRequest, cancellation: Cancellation,
        deadline: ContinuousClock.Instant
    ) {
        self.source = source
        self.limits = limits
        self.request = request
        self.cancellation = cancellation
        self.deadline = deadline
        trace = request.explain ? QueryTrace() : nil
        budget = MemoryBudget(allowed: limits.maxQueryMemory)
    }

    var stats: QueryStats {
        var stats = counted.withLock { $0 }
        stats.explanation = trace?.explanation
        return stats
    }

    func note(_ change: (inout QueryStats) -> Void) { counted.withLock { change(&$0) } }

    /// Called between units, so that a query ends soon after its client has left.
    ///
    /// Errors: `.cancelled`, `.timeout`.
    func checkpoint() throws(QueryError) {
        if cancellation.isCancelled {
            throw QueryError(.cancelled, "the request was cancelled by the client")
        }
        if ContinuousClock.now > deadline {
            throw QueryError(
                .timeout,
                "request timed out, decrease the duration of the request or add more label matchers "
                    + "(prefer exact match over regex match) to reduce the amount of data processed"
            )
        }
    }

    func plan(_ selection: Selection) throws(QueryError) -> [ScanUnit] {
        try checkpoint()
        let began = ContinuousClock.now
        var selection = selection
        selection.trace = trace?.begin(selection)
        do {
            let units = try source.plan(selection)
            let spent = (ContinuousClock.now - began).inSeconds
            note { $0.planSeconds += spent }
            return units
        } catch {
            throw QueryError(.source, "reading the catalog: \(error)")
        }
    }

    func load(
        _ unit: ScanUnit, _ projection: Selection.Projection,
        within times: ClosedRange<Int64>? = nil
    ) throws(QueryError) -> Entries {
        try checkpoint()
        let began = ContinuousClock.now
        do {
            let entries = try unit.load(projection, within: times)
            let spent = (ContinuousClock.now - began).inSeconds
            note {
                $0.units += 1
                $0.lines += entries.count
                $0.bytes += Int(entries.lineEnds.last ?? 0)
                $0.loadSeconds += spent
            }
            return entries
        } catch {
            throw QueryError(.source, "reading entries of \(unit.name): \(error)")
        }
    }

    /// Errors: `.source` when the unit cannot be read.
    func readFields(
        of unit: ScanUnit,
        _ read: @Sendable (any FieldReader, ClosedRange<Int64>) throws -> Void,
        into reader: any FieldReader, within times: ClosedRange<Int64>? = nil
    ) throws(QueryError) {
        try checkpoint()
        let began = ContinuousClock.now
        do { try read(reader, times ?? unit.first...unit.last) } catch {
            throw QueryError(.source, "reading entries of \(unit.name): \(error)")
        }
        let spent = (ContinuousClock.now - began).inSeconds
        note {
            $0.units += 1
            $0.bytes += unit.bytes
            $0.loadSeconds += spent
        }
    }

    /// The entries of a unit with their lines, but for those that label filters of the pipeline drop, as
    /// far as columns tell. `programs` are those of filters of the same pipeline.
    func candidates(
        _ unit: ScanUnit, for pipeline: LogPipeline, _ programs: FieldPrograms,
        within times: ClosedRange<Int64>? = nil
    ) throws(QueryError) -> Entries {
        guard let read = unit.readFields,
            let filter = FieldFilter(pipeline, streams: unit.streams, programs: programs)
        else { return try load(unit, .lines, within: times) }
        try readFields(of: unit, read, into: filter, within: times)
        let entries = filter.entries
        note { $0.lines += entries.count }
        return entries
    }

    /// The timestamps of a unit's entries, which count nowhere: their lines will be read.
    func times(
        _ unit: ScanUnit, within times: ClosedRange<Int64>
    ) throws(QueryError) -> [Int64] {
        try checkpoint()
        do { return try unit.load(.timestamps, within: times).timestamps } catch {
            throw QueryError(.source, "reading entries of \(unit.name): \(error)")
        }
    }

    /// Errors: `.invalid` for a range beyond `max_query_range`.
    func checkRange(_ range: Int64) throws(QueryError) {
        let most = Int64(limits.maxQueryRangeSeconds) * Nanoseconds.second
        guard most > 0, range > most else { return }
        throw QueryError(
            .invalid,
            "[interval] value exceeds limit: [\(DurationText.prometheusText(range))] > "
                + "[\(DurationText.prometheusText(most))]")
    }

    func pipeline(
        _ stages: [Stage], _ extraction: Extraction? = nil
    ) throws(QueryError) -> LogPipeline {
        do { return try LogPipeline(stages: stages, extraction: extraction) } catch {
            throw QueryError(error, in: request.text)
        }
    }

    /// Runs a pipeline over a unit and gives what passes to `body`, piece by piece: the pipeline's
    /// label IDs are good for one piece. `result` is a place to work in.
    func run(
        _ pipeline: LogPipeline, _ unit: ScanUnit, _ entries: Entries,
        in result: inout PipelineResult,
        _ body: (PipelineResult) throws(QueryError) -> Void
    ) throws(QueryError) {
        var next = 0
        repeat {
            try checkpoint()
            let began = ContinuousClock.now
            result.removeAll()
            pipeline.forgetLabels()
            do throws(PipelineError) {
                next = try pipeline.run(
                    streams: unit.streams, entries: entries, from: next, into: &result)
            } catch { throw QueryError(error, in: request.text) }
            try body(result)
            let kept = result.rows.count
            let spent = (ContinuousClock.now - began).inSeconds
            note {
                $0.linesKept += kept
                $0.pipelineSeconds += spent
            }
        } while next < entries.count
    }
}

/// Work that is dealt out to threads.
extension Scan {
    /// Threads that one query may use: every core, as long as there is work for it.
    static func workers(for items: Int) -> Int { max(1, min(cores, items)) }

    /// Asked for once: to find out, files of the system are read.
    private static let cores = ProcessInfo.processInfo.activeProcessorCount

    enum Dealing {
        /// Worker w of n takes the items w, w + n, …, so what each worker meets, and with it every rounding
        /// of a sum, does not depend on how fast the others are.
        case byTurns
        /// Whoever is free takes the next.
        case asFree
    }

    /// Runs `work(worker, item)` for every item.
    ///
    /// Errors: that of the first item, in their order, that failed; later items are left out.
    static func inParallel(
        _ items: Range<Int>, workers: Int, dealt dealing: Dealing = .byTurns,
        _ work: @Sendable (_ worker: Int, _ item: Int) throws(QueryError) -> Void
    ) throws(QueryError) {
        let failure = Mutex<(item: Int, error: QueryError)?>(nil)
        let next = Atomic(items.lowerBound)
        DispatchQueue.concurrentPerform(iterations: workers) { worker in
            var turn = items.lowerBound + worker
            while true {
                let item: Int
                switch dealing {
                case .byTurns:
                    item = turn
                    turn += workers
                case .asFree: item = next.wrappingAdd(1, ordering: .relaxed).oldValue
                }
                guard item < items.upperBound else { return }
                if failure.withLock({ $0.map { $0.item < item } ?? false }) { return }
                do throws(QueryError) { try work(worker, item) } catch {
                    failure.withLock {
                        if $0.map({ item < $0.item }) ?? true { $0 = (item, error) }
                    }
                    return
                }
            }
        }
        if let failed = failure.withLock({ $0 }) { throw failed.error }
    }
}

extension QueryError {
    /// With the line of the query and a caret under the stage that is meant.
    init(_ error: PipelineError, in query: String) {
        self.init(
            .invalid, SyntaxError(error.message, at: error.position).report(in: query))
    }
}
