import LogModel

/// Values of one series at the steps of a query; absent where `present` is false.
struct SeriesRow {
    var labels: Labels
    var values: [Double]
    var present: [Bool]

    init(labels: Labels, steps: Int) {
        self.labels = labels
        values = Array(repeating: 0, count: steps)
        present = Array(repeating: false, count: steps)
    }

    mutating func set(_ step: Int, _ value: Double) {
        values[step] = value
        present[step] = true
    }
}

/// What an expression is worth: one number, or series.
enum Operand {
    case scalar(Double)
    case vector([SeriesRow])
}

extension Labels {
    func keeping(_ names: [String]) -> Labels {
        Labels(sorted: pairs.filter { names.contains($0.name) })
    }

    func without(_ names: [String]) -> Labels {
        names.isEmpty ? self : Labels(sorted: pairs.filter { !names.contains($0.name) })
    }

    /// With one label more, which the set does not have yet.
    func setting(_ name: String, _ value: String) -> Labels {
        Labels(sorted: (pairs + [Label(name, value)]).sorted())
    }
}
