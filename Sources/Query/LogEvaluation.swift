import LogModel
import LogQL
import Pipeline

/// Log queries: the first `limit` entries in the direction asked for, over all streams.
enum LogEvaluation {
    private struct Candidate {
        var timestamp: Int64
        var stream: Int
        /// Order of arrival inside the stream.
        var sequence: Int
        var labelID: Int
        var line: [UInt8]
    }

    static func run(_ log: LogExpression, _ scan: inout Scan) throws(QueryError) -> [LogRow] {
        let request = scan.request
        let pipeline: LogPipeline
        do { pipeline = try LogPipeline(stages: log.stages) } catch { throw QueryError(error) }
        var selection = Selection(
            tenant: request.tenant, matchers: log.matchers, start: request.start, end: request.end,
            direction: request.direction, projection: .lines)
        selection.requiredLiterals = pipeline.requiredLiterals
        // Loki answers the entries exactly at `start` even of an empty range.
        if selection.end <= selection.start {
            selection.end = selection.start.advanced(byNanoseconds: 1)
        }
        let units = try scan.plan(selection)
        let backward = request.direction == .backward
        // With an interval entries are thinned out at the end, so none may be cut off before.
        let limit = request.limit == 0 || request.intervalNanoseconds > 0 ? Int.max : request.limit
        var streams: [Labels: Int] = [:]
        var kept: [Candidate] = []
        var worst: Int64?
        var result = PipelineResult()
        for unit in units {
            try scan.checkpoint()
            if let worst, backward ? unit.last < worst : unit.first > worst { break }
            let entries = try scan.load(unit, .lines)
            result.removeAll()
            do throws(PipelineError) {
                try pipeline.run(stream: unit.labels, entries: entries, into: &result)
            } catch { throw QueryError(error) }
            let stream = streams[unit.labels] ?? streams.count
            streams[unit.labels] = stream
            for i in result.rows.indices {
                if let worst, backward ? result.timestamps[i] < worst : result.timestamps[i] > worst
                {
                    continue
                }
                kept.append(
                    Candidate(
                        timestamp: result.timestamps[i], stream: stream, sequence: result.rows[i],
                        labelID: result.labelIDs[i], line: result.lines[i]))
            }
            if limit != .max, kept.count >= limit {
                sort(&kept, backward)
                kept.removeLast(kept.count - limit)
                worst = kept.last?.timestamp
            }
        }
        sort(&kept, backward)
        scan.stats.linesKept = kept.count
        return thinned(kept, request).map {
            LogRow(timestamp: $0.timestamp, line: $0.line, labels: pipeline.labels[$0.labelID])
        }
    }

    /// Equal times: in order of arrival within a stream, or against it backward. A stream's rows of
    /// one time lie in one unit, so the row number tells the order.
    private static func sort(_ rows: inout [Candidate], _ backward: Bool) {
        rows.sort { a, b in
            if a.timestamp != b.timestamp {
                return backward ? a.timestamp > b.timestamp : a.timestamp < b.timestamp
            }
            if a.stream != b.stream { return a.stream < b.stream }
            return backward ? a.sequence > b.sequence : a.sequence < b.sequence
        }
    }

    private static func thinned(_ rows: [Candidate], _ request: QueryRequest) -> [Candidate] {
        guard request.intervalNanoseconds > 0 else { return rows }
        var out: [Candidate] = []
        for row in rows {
            if let last = out.last,
                abs(row.timestamp - last.timestamp) < request.intervalNanoseconds
            {
                continue
            }
            out.append(row)
            if out.count == request.limit { break }
        }
        return out
    }
}
