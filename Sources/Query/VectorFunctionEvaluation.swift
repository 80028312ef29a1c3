import Foundation
import LogQL

/// Functions of each value by itself, as Prometheus has them.
extension VectorFunction {
    func apply(to rows: [SeriesRow]) -> [SeriesRow] {
        rows.map { row in
            var row = row
            for step in row.values.indices where row.present[step] {
                row.values[step] = of(row.values[step])
            }
            return row
        }
    }

    private func of(_ value: Double) -> Double {
        switch name {
        case .abs: return Swift.abs(value)
        case .ceil: return value.rounded(.up)
        case .floor: return value.rounded(.down)
        case .round:
            // Halves go up; dividing by the inverse keeps 0.1 exact.
            let inverse = 1 / (argument ?? 1)
            return (value * inverse + 0.5).rounded(.down) / inverse
        case .clampMin: return value.isNaN ? value : max(value, argument ?? value)
        case .clampMax: return value.isNaN ? value : min(value, argument ?? value)
        case .ln: return Foundation.log(value)
        case .log2: return Foundation.log2(value)
        case .log10: return Foundation.log10(value)
        case .exp: return Foundation.exp(value)
        case .sqrt: return value.squareRoot()
        }
    }
}
