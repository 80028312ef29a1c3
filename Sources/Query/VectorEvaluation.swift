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

    /// `topk` and `bottomk` keep series as they are, each at the steps where it is among the k; those that
    /// never are go.
    private func selected(_ rows: [SeriesRow]) throws(QueryError) -> [SeriesRow] {
        let k = aggregation.parameter ?? 0
        let largest = aggregation.function != .bottomk
        var out: [Int: SeriesRow] = [:]
        // Equal values stand in the order of their labels.
        var texts = [String?](repeating: nil, count: rows.count)
        func text(_ row: Int) -> String {
            let text = texts[row] ?? rows[row].labels.description
            texts[row] = text
            return text
        }
        for (_, members) in grouped(rows) {
            for step in 0..<steps {
                try scan.checkpoint()
                let present = members.filter { rows[$0].present[step] }
                let best = Self.first(k, of: present) { a, b in
                    let x = rows[a].values[step]
                    let y = rows[b].values[step]
                    if x.isNaN || y.isNaN { return !x.isNaN && y.isNaN }
                    if x == y { return text(a) < text(b) }
                    return largest ? x > y : x < y
                }
                for member in best {
                    out[member, default: SeriesRow(labels: rows[member].labels, steps: steps)]
                        .set(step, rows[member].values[step])
                }
            }
        }
        return out.keys.sorted().compactMap { out[$0] }
    }

    /// The first `k` of a list in an order, in that order.
    private static func first(
        _ k: Int, of list: [Int], by precedes: (Int, Int) -> Bool
    ) -> [Int] {
        // Few of many: most are left out by one comparison.
        guard k < list.count / 16 else { return Array(list.sorted(by: precedes).prefix(k)) }
        var best: [Int] = []
        for element in list {
            if best.count == k {
                guard let last = best.last, precedes(element, last) else { continue }
                best.removeLast()
            }
            best.insert(element, at: best.partition { precedes($0, element) })
        }
        return best
    }
}
