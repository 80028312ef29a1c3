import LogQL

/// `fill(v, n)`, an addition to Loki's language.
extension Fill {
    /// A value at every step of every series; one series when there is none.
    func apply(to rows: [SeriesRow], steps: Int) -> [SeriesRow] {
        let rows = rows.isEmpty ? [SeriesRow(labels: .empty, steps: steps)] : rows
        return rows.map { row in
            var row = row
            for step in 0..<steps where !row.present[step] { row.set(step, value) }
            return row
        }
    }
}
