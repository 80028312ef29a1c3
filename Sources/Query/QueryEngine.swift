import LogModel
import LogQL
import Pipeline

/// Answers LogQL over a source of entries. Runs on the caller's thread, which must be one that may
/// block, and on as many more as there are cores; memory follows the answer.
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
        let scan = Scan(
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
            value = .streams(try LogEvaluation(log, scan).run())
        case .metric(let metric):
            value = try MetricEvaluation.run(metric, scan)
        }
        var stats = scan.stats
        stats.seconds = (ContinuousClock.now - began).inSeconds
        return (value, stats)
    }
}
