import LogModel
import LogQL

/// A range aggregation over the values of an expression: the expression is evaluated at all inner
/// steps that any window needs, once.
struct SubqueryEvaluation {
    private let subquery: Subquery
    private let windows: RangeWindows
    private let scan: Scan

    init(_ subquery: Subquery, steps: [Int64], _ scan: Scan) {
        self.subquery = subquery
        self.scan = scan
        windows = RangeWindows(
            steps: steps, range: subquery.rangeNanoseconds, offset: subquery.offsetNanoseconds,
            at: subquery.at, scan.request)
    }

    func run() throws(QueryError) -> [SeriesRow] {
        try scan.checkRange(subquery.rangeNanoseconds)
        let steps = try innerSteps()
        var inner = MetricEvaluation(steps: steps)
        let operands: [SeriesRow]
        switch try inner.evaluate(subquery.operand, scan) {
        case .vector(let rows): operands = rows
        case .scalar(let value):
            var row = SeriesRow(labels: .empty, steps: steps.count)
            for step in steps.indices { row.set(step, value) }
            operands = [row]
        }
        if subquery.function == .absentOverTime { return [try absent(operands, steps)] }
        var rows: [SeriesRow] = []
        for operand in operands {
            var row = SeriesRow(labels: operand.labels, steps: windows.windows.count)
            try windows.forEachWindow(cells(operand, steps), scan) { step, merged in
                let window = windows.windows[step]
                if let value = merged.value(
                    subquery.function, window, parameter: subquery.parameter)
                {
                    row.set(step, value)
                }
            }
            if row.present.contains(true) { rows.append(row) }
        }
        return rows
    }

    /// Multiples of the inner step inside the windows, so that a moment has one value whichever
    /// window looks at it.
    private func innerSteps() throws(QueryError) -> [Int64] {
        let step = subquery.stepNanoseconds ?? scan.request.stepNanoseconds
        guard step > 0 else {
            throw QueryError(
                .invalid,
                "a subquery without a step takes the query's, and an instant query has none: "
                    + "write [1h:1m]")
        }
        let most = Int64(scan.limits.maxPointsPerSeries)
        var steps: [Int64] = []
        var behind = Int64.min
        for window in windows.windows.sorted(by: { $0.end < $1.end }) {
            let count = (window.end - window.start) / step
            var at = MetricEvaluation.multiple(of: step, atOrBefore: max(window.start, behind))
            while count <= most, Int64(steps.count) <= most {
                let (next, overflow) = at.addingReportingOverflow(step)
                guard !overflow, next <= window.end else { break }
                at = next
                steps.append(at)
            }
            guard count <= most, Int64(steps.count) <= most else {
                throw QueryError(
                    .invalid,
                    "the subquery needs more than \(most) steps of "
                        + "\(DurationText.prometheusText(step)): lengthen its step")
            }
            behind = max(behind, at)
        }
        return steps
    }

    private func cells(
        _ row: SeriesRow, _ steps: [Int64]
    ) -> [(stretch: Int, accumulator: Accumulator)] {
        let kind = subquery.function.kind(nil)
        var cells: [(stretch: Int, accumulator: Accumulator)] = []
        var near = 0
        for (index, time) in steps.enumerated() where row.present[index] {
            guard let stretch = windows.stretch(of: time, near: near) else { continue }
            near = stretch
            if cells.last?.stretch != stretch { cells.append((stretch, Accumulator())) }
            _ = cells[cells.count - 1].accumulator.add(
                Accumulator.Sample(time: time, rank: 0, value: row.values[index]), kind)
        }
        return cells
    }

    private func absent(_ rows: [SeriesRow], _ steps: [Int64]) throws(QueryError) -> SeriesRow {
        var out = SeriesRow(labels: .empty, steps: windows.windows.count)
        var found = out.present
        for row in rows {
            try windows.forEachWindow(cells(row, steps), scan) { step, _ in found[step] = true }
        }
        for step in found.indices where !found[step] { out.set(step, 1) }
        return out
    }
}
