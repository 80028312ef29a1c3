import LogModel
import LogQL
import Pipeline

/// Answers LogQL over a source of entries. Runs on the caller's thread, which must be one that may
/// block; memory follows the answer.
package struct QueryEngine: Sendable {
    private let source: any LogSource
    private let limits: Limits

    package init(source: any LogSource, limits: Limits) {
        self.source = source
        self.limits = limits
    }

    package func run(
        _ request: QueryRequest, cancellation: Cancellation = Cancellation()
    ) throws(QueryError) -> (value: QueryValue, stats: QueryStats) {
        let began = ContinuousClock.now
        let tree: QueryTree
        do { tree = try LogQLParser.parse(request.text, maxBytes: limits.maxQueryTextBytes) } catch
        {
            throw QueryError(.invalid, error.report(in: request.text))
        }
        var scan = Scan(
            source: source, limits: limits, request: request, cancellation: cancellation,
            deadline: began + .seconds(limits.queryTimeoutSeconds))
        let value: QueryValue
        switch tree {
        case .log(let log):
            guard !request.isInstant else {
                throw QueryError(
                    .invalid,
                    "log queries are not supported as an instant query type, please change your "
                        + "query to a range query type")
            }
            value = .streams(try LogEvaluation.run(log, &scan))
        case .metric(let metric):
            value = try MetricEvaluation.run(metric, &scan)
        }
        let spent = ContinuousClock.now - began
        scan.stats.seconds =
            Double(spent.components.seconds) + Double(spent.components.attoseconds) / 1e18
        return (value, scan.stats)
    }
}

/// What the parts of one evaluation share: the source, the bounds, the count of what was read.
struct Scan {
    let source: any LogSource
    let limits: Limits
    let request: QueryRequest
    let cancellation: Cancellation
    let deadline: ContinuousClock.Instant
    var stats = QueryStats()

    /// Called between units.
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
        do { return try source.plan(selection) } catch {
            throw QueryError(.source, "reading the catalog: \(error)")
        }
    }

    mutating func load(
        _ unit: ScanUnit, _ projection: Selection.Projection
    ) throws(QueryError) -> Entries {
        do {
            let entries = try unit.load(projection)
            stats.units += 1
            stats.lines += entries.count
            stats.bytes += Int(entries.lineEnds.last ?? 0)
            return entries
        } catch {
            throw QueryError(.source, "reading entries of \(unit.labels): \(error)")
        }
    }
}

extension QueryError {
    init(_ error: PipelineError) { self.init(.invalid, error.message) }
}
