import LogModel
import LogQL

/// Arithmetic, comparison and set operators between vectors and scalars.
struct BinaryEvaluation {
    let operation: BinaryOperation
    let steps: Int

    private var op: BinaryOperation.Operator { operation.op }

    func run(_ left: Operand, _ right: Operand) throws(QueryError) -> Operand {
        switch (left, right) {
        case (.scalar(let a), .scalar(let b)): return .scalar(op.apply(a, b))
        case (.vector(let rows), .scalar(let b)):
            return .vector(rows.map { row in mapped(row) { (op.apply($0, b), $0) } })
        case (.scalar(let a), .vector(let rows)):
            return .vector(rows.map { row in mapped(row) { (op.apply(a, $0), $0) } })
        case (.vector(let a), .vector(let b)):
            return .vector(op.isSetOperator ? set(a, b) : try matched(a, b))
        }
    }

    /// What a pair of values gives: a comparison without `bool` keeps the vector's value or nothing.
    private func outcome(_ applied: Double, kept: Double) -> Double? {
        guard op.isComparison, !operation.returnsBool else { return applied }
        return applied == 1 ? kept : nil
    }

    private func mapped(_ row: SeriesRow, _ apply: (Double) -> (Double, Double)) -> SeriesRow {
        var out = SeriesRow(labels: row.labels, steps: steps)
        for step in 0..<steps where row.present[step] {
            let (applied, kept) = apply(row.values[step])
            if let value = outcome(applied, kept: kept) { out.set(step, value) }
        }
        return out
    }

    /// The labels by which series of both sides meet.
    private func signature(_ labels: Labels) -> Labels {
        guard let matching = operation.matching else { return labels }
        return matching.on ? labels.keeping(matching.labels) : labels.without(matching.labels)
    }

    private func set(_ left: [SeriesRow], _ right: [SeriesRow]) -> [SeriesRow] {
        func presence(_ rows: [SeriesRow]) -> [Labels: [Bool]] {
            var out: [Labels: [Bool]] = [:]
            for row in rows {
                let key = signature(row.labels)
                var bits = out[key] ?? Array(repeating: false, count: steps)
                for step in 0..<steps where row.present[step] { bits[step] = true }
                out[key] = bits
            }
            return out
        }
        func filtered(_ rows: [SeriesRow], by other: [Labels: [Bool]], wanted: Bool) -> [SeriesRow]
        {
            rows.map { row in
                var out = SeriesRow(labels: row.labels, steps: steps)
                let bits = other[signature(row.labels)]
                for step in 0..<steps where row.present[step] && (bits?[step] ?? false) == wanted {
                    out.set(step, row.values[step])
                }
                return out
            }
        }
        switch op {
        case .and: return filtered(left, by: presence(right), wanted: true)
        case .unless: return filtered(left, by: presence(right), wanted: false)
        default: return merged(left + filtered(right, by: presence(left), wanted: false))
        }
    }

    /// Series of equal labels become one.
    private func merged(_ rows: [SeriesRow]) -> [SeriesRow] {
        var ids: [Labels: Int] = [:]
        var out: [SeriesRow] = []
        for row in rows {
            if let id = ids[row.labels] {
                for step in 0..<steps where row.present[step] {
                    out[id].set(step, row.values[step])
                }
            } else {
                ids[row.labels] = out.count
                out.append(row)
            }
        }
        return out
    }

    private func matched(
        _ left: [SeriesRow], _ right: [SeriesRow]
    ) throws(QueryError) -> [SeriesRow] {
        var isRightMany = false
        if case .right = operation.matching?.group { isRightMany = true }
        let many = isRightMany ? right : left
        let one = isRightMany ? left : right
        var ones: [Labels: [Int]] = [:]
        for (index, row) in one.enumerated() {
            ones[signature(row.labels), default: []].append(index)
        }
        var out: [SeriesRow] = []
        var ids: [Labels: Int] = [:]
        /// Which series of the many side has filled a result at a step.
        var filledBy: [[Int: Int]] = []
        for (index, row) in many.enumerated() {
            guard let partners = ones[signature(row.labels)] else { continue }
            for step in 0..<steps where row.present[step] {
                let present = partners.filter { one[$0].present[step] }
                guard let partner = present.first else { continue }
                guard present.count == 1 else {
                    throw QueryError(
                        .matching,
                        "found duplicate series on the \(isRightMany ? "left" : "right") hand-side;"
                            + "many-to-many matching not allowed: matching labels must be unique on "
                            + "one side")
                }
                let other = one[partner].values[step]
                let (a, b) = isRightMany ? (other, row.values[step]) : (row.values[step], other)
                guard let value = outcome(op.apply(a, b), kept: a) else { continue }
                let labels = resultLabels(row.labels, one[partner].labels)
                let id = ids[labels] ?? out.count
                if id == out.count {
                    ids[labels] = id
                    out.append(SeriesRow(labels: labels, steps: steps))
                    filledBy.append([:])
                }
                if let before = filledBy[id][step], before != index { throw ambiguous }
                filledBy[id][step] = index
                out[id].set(step, value)
            }
        }
        return out
    }

    private var ambiguous: QueryError {
        QueryError(
            .matching,
            operation.matching?.group == nil
                ? "multiple matches for labels: many-to-one matching must be explicit "
                    + "(group_left/group_right)"
                : "multiple matches for labels: grouping labels must ensure unique matches")
    }

    private func resultLabels(_ many: Labels, _ one: Labels) -> Labels {
        guard let matching = operation.matching else { return many }
        let included: [String]
        switch matching.group {
        case .left(let labels), .right(let labels): included = labels
        case nil: return signature(many)
        }
        var pairs = many.pairs.filter { !included.contains($0.name) }
        pairs += one.pairs.filter { included.contains($0.name) }
        return Labels(pairs)
    }
}
