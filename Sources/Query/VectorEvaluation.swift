import LogModel
import LogQL

/// Aggregates series into groups, step by step.
struct VectorEvaluation {
    let aggregation: VectorAggregation
    let steps: Int
    let scan: Scan

    func run(_ rows: [SeriesRow]) throws(QueryError) -> [SeriesRow] {
        switch aggregation.function {
        case .sort, .sortDesc: return rows
        case .topk, .bottomk, .approxTopk: return try selected(rows)
        case .countDistinct: return distinct(rows)
        default: return folded(rows)
        }
    }

    private func group(_ labels: Labels) -> Labels {
        guard let grouping = aggregation.grouping else { return .empty }
        return grouping.without
            ? labels.without(grouping.labels) : labels.keeping(grouping.labels)
    }

    private func grouped(_ rows: [SeriesRow]) -> [(labels: Labels, members: [Int])] {
        var ids: [Labels: Int] = [:]
        var groups: [(labels: Labels, members: [Int])] = []
        for (index, row) in rows.enumerated() {
            let labels = group(row.labels)
            if let id = ids[labels] {
                groups[id].members.append(index)
            } else {
                ids[labels] = groups.count
                groups.append((labels, [index]))
            }
        }
        return groups
    }

    private func folded(_ rows: [SeriesRow]) -> [SeriesRow] {
        grouped(rows).map { labels, members in
            var out = SeriesRow(labels: labels, steps: steps)
            for step in 0..<steps {
                var values: [Double] = []
                for member in members where rows[member].present[step] {
                    values.append(rows[member].values[step])
                }
                if !values.isEmpty { out.set(step, fold(values)) }
            }
            return out
        }
    }

    /// How many values a label has among the series that are present.
    private func distinct(_ rows: [SeriesRow]) -> [SeriesRow] {
        let label = aggregation.label ?? ""
        return grouped(rows).map { labels, members in
            var out = SeriesRow(labels: labels, steps: steps)
            for step in 0..<steps {
                let present = members.filter { rows[$0].present[step] }
                let values = Set(present.compactMap { rows[$0].labels[label] })
                if !present.isEmpty { out.set(step, Double(values.count)) }
            }
            return out
        }
    }

    private func fold(_ values: [Double]) -> Double {
        let count = Double(values.count)
        switch aggregation.function {
        case .sum: return values.reduce(0, +)
        case .count: return count
        case .min: return values.reduce(values[0]) { $1 < $0 || $0.isNaN ? $1 : $0 }
        case .max: return values.reduce(values[0]) { $1 > $0 || $0.isNaN ? $1 : $0 }
        case .avg: return values.reduce(0, +) / count
        case .stddev, .stdvar:
            let mean = values.reduce(0, +) / count
            let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count
            return aggregation.function == .stdvar ? variance : variance.squareRoot()
        default: return .nan
        }
    }

    /// `topk` and `bottomk` keep series as they are, each at the steps where it is among the k.
    private func selected(_ rows: [SeriesRow]) throws(QueryError) -> [SeriesRow] {
        let k = aggregation.parameter ?? 0
        let largest = aggregation.function != .bottomk
        var out = rows.map { SeriesRow(labels: $0.labels, steps: steps) }
        // Equal values stand in the order of their labels.
        let texts = rows.map(\.labels.description)
        var rank = [Int](repeating: 0, count: rows.count)
        for (place, row) in rows.indices.sorted(by: { texts[$0] < texts[$1] }).enumerated() {
            rank[row] = place
        }
        for (_, members) in grouped(rows) {
            for step in 0..<steps {
                try scan.checkpoint()
                let present = members.filter { rows[$0].present[step] }
                let best = present.sorted { a, b in
                    let x = rows[a].values[step]
                    let y = rows[b].values[step]
                    if x.isNaN || y.isNaN { return !x.isNaN && y.isNaN }
                    if x == y { return rank[a] < rank[b] }
                    return largest ? x > y : x < y
                }
                for member in best.prefix(k) { out[member].set(step, rows[member].values[step]) }
            }
        }
        return out
    }
}
