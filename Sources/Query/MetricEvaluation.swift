import LogModel
import LogQL
import Pipeline

/// Metric queries: an expression evaluated at all steps at once.
struct MetricEvaluation {
    /// Nanoseconds, ascending.
    let steps: [Int64]
    var sortOrder: VectorAggregation.Function?

    static func run(
        _ expression: MetricExpression, _ scan: Scan
    ) throws(QueryError) -> QueryValue {
        let request = scan.request
        var evaluation = MetricEvaluation(steps: try steps(request, scan.limits))
        let operand = try evaluation.evaluate(expression, scan)
        let milliseconds = evaluation.steps.map { $0 / Nanoseconds.millisecond }
        switch operand {
        case .scalar(let value):
            if request.isInstant {
                return .scalar(Point(milliseconds: milliseconds[0], value: value))
            }
            let points = milliseconds.map { Point(milliseconds: $0, value: value) }
            return .matrix([Series(labels: .empty, points: points)])
        case .vector(let rows):
            var series = rows.compactMap { row -> Series? in
                let points = row.present.indices.filter { row.present[$0] }.map {
                    Point(milliseconds: milliseconds[$0], value: row.values[$0])
                }
                return points.isEmpty ? nil : Series(labels: row.labels, points: points)
            }
            guard series.count <= scan.limits.maxQuerySeries else {
                throw QueryError(
                    .invalid,
                    "maximum number of series (\(scan.limits.maxQuerySeries)) reached for a single "
                        + "query; consider reducing query cardinality by adding more specific stream "
                        + "selectors, reducing the time range, or aggregating results with functions "
                        + "like sum(), count() or topk()")
            }
            evaluation.sort(&series, instant: request.isInstant)
            return request.isInstant ? .vector(series) : .matrix(series)
        }
    }

    /// Range queries are widened to multiples of the step, as Loki does when it splits them.
    private static func steps(
        _ request: QueryRequest, _ limits: Limits
    ) throws(QueryError) -> [Int64] {
        if request.isInstant { return [request.end.nanoseconds] }
        let step = max(1, request.stepNanoseconds)
        let first = multiple(of: step, atOrBefore: request.start.nanoseconds)
        var last = multiple(of: step, atOrBefore: request.end.nanoseconds)
        if last < request.end.nanoseconds {
            last = Timestamp(nanoseconds: last).advanced(byNanoseconds: step).nanoseconds
        }
        let span = last.subtractingReportingOverflow(first)
        guard !span.overflow, span.partialValue / step <= Int64(limits.maxPointsPerSeries) + 1
        else {
            throw QueryError(
                .invalid,
                limits.tooManyPoints)
        }
        return Array(stride(from: first, through: last, by: Int64.Stride(step)))
    }

    /// Near the beginning of time the first multiple that Int64 has.
    static func multiple(of step: Int64, atOrBefore time: Int64) -> Int64 {
        let signed = time % step
        let rest = signed < 0 ? signed + step : signed
        let (start, overflow) = time.subtractingReportingOverflow(rest)
        return overflow ? time + (step - rest) : start
    }

    private func sort(_ series: inout [Series], instant: Bool) {
        series = series.map { (text: $0.labels.description, series: $0) }
            .sorted { $0.text < $1.text }.map(\.series)
        guard instant, let order = sortOrder else { return }
        let before: (Double, Double) -> Bool = order == .sort ? { $0 < $1 } : { $0 > $1 }
        let sorted = series.enumerated().sorted { a, b in
            let x = a.element.points[0].value
            let y = b.element.points[0].value
            if x == y || (x.isNaN && y.isNaN) { return a.offset < b.offset }
            if x.isNaN || y.isNaN { return y.isNaN }
            return before(x, y)
        }
        series = sorted.map(\.element)
    }

    mutating func evaluate(
        _ expression: MetricExpression, _ scan: Scan
    ) throws(QueryError) -> Operand {
        switch expression {
        case .literal(let value): return .scalar(value)
        case .constant(let value):
            var row = SeriesRow(labels: .empty, steps: steps.count)
            for step in steps.indices { row.set(step, value) }
            return .vector([row])
        case .range(let range):
            return .vector(
                try RangeEvaluation(range, pushedGrouping: nil, steps: steps, scan).run())
        case .vector(let aggregation): return .vector(try aggregate(aggregation, scan))
        case .binary(let operation):
            let left = try evaluate(operation.left, scan)
            let right = try evaluate(operation.right, scan)
            return try BinaryEvaluation(operation: operation, steps: steps.count).run(left, right)
        case .labelReplace(let replace):
            return .vector(try LabelReplacement.run(replace, try vector(replace.operand, scan)))
        case .subquery(let subquery):
            return .vector(try SubqueryEvaluation(subquery, steps: steps, scan).run())
        case .function(let function):
            return .vector(function.apply(to: try vector(function.operand, scan)))
        case .fill(let fill):
            return .vector(fill.apply(to: try vector(fill.operand, scan), steps: steps.count))
        }
    }

    private mutating func vector(
        _ expression: MetricExpression, _ scan: Scan
    ) throws(QueryError) -> [SeriesRow] {
        switch try evaluate(expression, scan) {
        case .vector(let rows): return rows
        case .scalar(let value):
            throw QueryError(
                .invalid, "parse error : unexpected literal \(value) where a vector is needed")
        }
    }

    private mutating func aggregate(
        _ aggregation: VectorAggregation, _ scan: Scan
    ) throws(QueryError) -> [SeriesRow] {
        if aggregation.function == .sort || aggregation.function == .sortDesc {
            sortOrder = aggregation.function
        }
        if case .range(let range) = aggregation.operand, range.grouping == nil,
            Self.commutes(aggregation.function, range)
        {
            // Grouping while reading, so that a label with many values makes no series of its own.
            let grouping = aggregation.grouping ?? Grouping(without: false, labels: [])
            return try RangeEvaluation(range, pushedGrouping: grouping, steps: steps, scan).run()
        }
        let rows = try vector(aggregation.operand, scan)
        return try VectorEvaluation(aggregation: aggregation, steps: steps.count, scan: scan)
            .run(rows)
    }

    /// True when aggregating whole groups at once gives what aggregating their series gives.
    private static func commutes(
        _ function: VectorAggregation.Function, _ range: RangeAggregation
    ) -> Bool {
        switch (function, range.function) {
        case (.sum, .countOverTime), (.sum, .rate), (.sum, .bytesOverTime), (.sum, .bytesRate),
            (.sum, .sumOverTime), (.min, .minOverTime), (.max, .maxOverTime):
            true
        default: false
        }
    }
}
