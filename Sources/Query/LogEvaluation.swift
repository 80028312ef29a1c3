import LogModel
import LogQL
import Pipeline
import Synchronization

/// Log queries: the first `limit` entries in the direction asked for, over all streams.
///
/// Units are read in the order of the answer, in waves that all cores share; a wave begins only while it may
/// still hold an entry of the answer, and is as long as the waves before let expect it must be.
struct LogEvaluation: Sendable {
    /// Shorter values of labels are in too many lines to be looked for before lines are parsed.
    private static let shortestLiteral = 3

    private let legs: [LogExpression]
    private let scan: Scan

    /// A unit and the alternative of the query that reads it.
    private struct Task: Sendable {
        var unit: ScanUnit
        var leg: Int
    }

    init(_ log: LogExpression, _ scan: Scan) {
        legs = [log] + log.alternatives
        self.scan = scan
    }

    func run() throws(QueryError) -> [LogRow] {
        let request = scan.request
        let isBackward = request.direction == .backward
        // Compiled once more by each worker.
        var tasks: [Task] = []
        for (leg, log) in legs.enumerated() {
            tasks += try plan(log).map { Task(unit: $0, leg: leg) }
        }
        if legs.count > 1 {
            tasks.sort { isBackward ? $0.unit.last > $1.unit.last : $0.unit.first < $1.unit.first }
        }
        var none = LogCandidates(request, distinct: legs.count > 1)
        let keepsAll = legs.count == 1 ? try scan.pipeline(legs[0].stages).keepsAll : false
        var dealing = Scan.Dealing.asFree
        if keepsAll {
            // Only lines of the answer are worth reading.
            try none.bound(tasks.lazy.map(\.unit)) { (unit, times) throws(QueryError) in
                try scan.times(unit, within: times)
            }
            (tasks, dealing) = sideBySide(tasks.filter { none.mayTake($0.unit) })
        }
        var found = try matches(tasks, none, areAllWanted: keepsAll, dealing)
        found.thin(to: request)
        guard request.context.isWanted else { return found.rows.map(\.row) }
        return try LogContext(scan).around(found.rows)
    }

    /// Units that all belong to the answer, in an order in which every worker gets neighbours: pages that
    /// hold lines of many streams are unpacked once. Where units hold all that is wanted of such pages, the
    /// largest come first instead, for whoever is free.
    private func sideBySide(_ tasks: [Task]) -> ([Task], Scan.Dealing) {
        let areWhole = tasks.allSatisfy { $0.unit.streams.count > 1 }
        if areWhole { return (tasks.sorted { $0.unit.bytes > $1.unit.bytes }, .asFree) }
        let sorted = tasks.sorted { $0.unit.place < $1.unit.place }
        let workers = Scan.workers(for: tasks.count)
        let share = (tasks.count + workers - 1) / workers
        let dealt = (0..<share).flatMap { at in
            stride(from: at, to: sorted.count, by: share).map { sorted[$0] }
        }
        return (dealt, .byTurns)
    }

    private func plan(_ log: LogExpression) throws(QueryError) -> [ScanUnit] {
        let request = scan.request
        let pipeline = try scan.pipeline(log.stages)
        var selection = Selection(
            tenant: request.tenant, matchers: log.matchers, start: request.start, end: request.end,
            direction: request.direction, projection: .lines)
        // An entry that several alternatives find must have one place in its unit for all of them.
        if legs.count == 1 {
            selection.condition = pipeline.condition
            selection.parsed = pipeline.parsedCondition(shortest: Self.shortestLiteral)
            if pipeline.keepsAll { selection.enough = LogCandidates(request, distinct: false).most }
            // Neighbours of an entry are those in its own stream.
            selection.joinsStreams = !request.context.isWanted
        }
        // Loki answers the entries exactly at `start` even of an empty range.
        if selection.end <= selection.start {
            selection.end = selection.start.advanced(byNanoseconds: 1)
        }
        return try scan.plan(selection)
    }

    /// `areAllWanted`: then there is no need for waves.
    private func matches(
        _ tasks: [Task], _ none: LogCandidates, areAllWanted: Bool, _ dealing: Scan.Dealing
    ) throws(QueryError) -> LogCandidates {
        let workers = Scan.workers(for: tasks.count)
        let slots = Mutex([Worker?](repeating: nil, count: workers))
        var found = none
        var next = 0
        // A small wave first, as a few units often are enough.
        var size = areAllWanted ? tasks.count : workers
        while next < tasks.count, found.mayTake(tasks[next].unit) {
            let wave = next..<min(next + size, tasks.count)
            let known = found.withoutRows
            for case let worker? in slots.withLock({ $0 }) { worker.begin(known) }
            try Scan.inParallel(wave, workers: workers, dealt: dealing) {
                (index, item) throws(QueryError) in
                let worker = slots.withLock { $0[index] } ?? Worker(self, known)
                try worker.take(tasks[item])
                slots.withLock { $0[index] = worker }
            }
            for case let worker? in slots.withLock({ $0 }) {
                scan.budget.giveBack(found.take(worker.give()))
            }
            next = wave.upperBound
            // The first units tell little of the others.
            let most = min(next * 3, workers * 32)
            size = min(max(found.unitsWanted(after: next), workers), most)
        }
        found.sort()
        return found
    }

    /// What one thread needs and finds. Unchecked, because no two threads ever use one at a time.
    private final class Worker: @unchecked Sendable {
        private let evaluation: LogEvaluation
        private var pipelines: [LogPipeline?]
        private let programs = FieldPrograms()
        private var result = PipelineResult()
        private var found: LogCandidates

        init(_ evaluation: LogEvaluation, _ known: LogCandidates) {
            self.evaluation = evaluation
            pipelines = Array(repeating: nil, count: evaluation.legs.count)
            found = known
        }

        /// A wave begins; what was found before it tells what is too late for the answer.
        func begin(_ known: LogCandidates) { found = known }

        func give() -> LogCandidates {
            defer { found = found.withoutRows }
            return found
        }

        func take(_ task: Task) throws(QueryError) {
            guard let times = found.times(of: task.unit) else { return }
            let scan = evaluation.scan
            let pipeline: LogPipeline
            if let known = pipelines[task.leg] {
                pipeline = known
            } else {
                pipeline = try scan.pipeline(evaluation.legs[task.leg].stages)
                pipelines[task.leg] = pipeline
            }
            // Where alternatives meet, all must see the same entries, at the same places.
            let entries =
                evaluation.legs.count == 1
                ? try scan.candidates(task.unit, for: pipeline, programs, within: times)
                : try scan.load(task.unit, .lines)
            try scan.run(pipeline, task.unit, entries, in: &result) { (result) throws(QueryError) in
                let grown = found.add(
                    result, of: entries, task.unit.streams, leg: task.leg
                ) { pipeline.labels[$0] }
                try scan.budget.take(grown, for: "\(found.rows.count) entries")
            }
        }
    }
}
