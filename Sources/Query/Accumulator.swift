import Foundation
import LogQL

/// Everything that a window's value can be made from, for the samples of one stretch of time.
/// Stretches that follow each other merge, so overlapping windows share the work.
struct Accumulator {
    private(set) var count = 0
    private(set) var sum = 0.0
    /// Mean and sum of squared differences (Welford; merged as Chan, Golub and LeVeque do).
    private var mean = 0.0
    private var squares = 0.0
    private var min = Double.infinity
    private var max = -Double.infinity
    private var firstTime: Int64 = 0
    private var first = 0.0
    private var lastTime: Int64 = 0
    private var last = 0.0
    /// What a counter had reached before each reset.
    private var resets = 0.0
    /// Kept for quantiles only.
    private var values: [Double] = []

    mutating func add(_ value: Double, at time: Int64, keepingValue: Bool) {
        if count == 0 {
            firstTime = time
            first = value
        } else if time < firstTime {
            firstTime = time
            first = value
        } else if time >= lastTime, value < last {
            resets += last
        }
        if count == 0 || time >= lastTime {
            lastTime = time
            last = value
        }
        count += 1
        sum += value
        let difference = value - mean
        mean += difference / Double(count)
        squares += difference * (value - mean)
        min = Swift.min(min, value)
        max = Swift.max(max, value)
        if keepingValue { values.append(value) }
    }

    /// Adds rows that were counted before: only counts and sums are right afterwards.
    mutating func add(count rows: Int, sum amount: Double) {
        count += rows
        sum += amount
    }

    /// Takes in a stretch that lies behind this one.
    mutating func merge(_ later: Accumulator) {
        guard later.count > 0 else { return }
        guard count > 0 else {
            self = later
            return
        }
        let total = Double(count + later.count)
        let difference = later.mean - mean
        squares +=
            later.squares + difference * difference * Double(count) * Double(later.count) / total
        mean += difference * Double(later.count) / total
        count += later.count
        sum += later.sum
        min = Swift.min(min, later.min)
        max = Swift.max(max, later.max)
        if later.first < last { resets += last }
        resets += later.resets
        lastTime = later.lastTime
        last = later.last
        values += later.values
    }

    /// The value of a window that ends at `end`; nil leaves the point out.
    func value(
        _ function: RangeAggregation.Function, _ window: Window, parameter: Double?
    ) -> Double? {
        guard count > 0 else { return nil }
        switch function {
        case .countOverTime: return Double(count)
        case .rate, .bytesRate: return sum / window.seconds
        case .bytesOverTime, .sumOverTime: return sum
        case .avgOverTime: return mean
        case .minOverTime: return min
        case .maxOverTime: return max
        case .stdvarOverTime: return squares / Double(count)
        case .stddevOverTime: return (squares / Double(count)).squareRoot()
        case .firstOverTime: return first
        case .lastOverTime: return last
        case .quantileOverTime: return Self.quantile(parameter ?? .nan, values)
        case .rateCounter: return counterRate(window)
        case .absentOverTime: return 1
        }
    }

    struct Window {
        /// Exclusive.
        var start: Int64
        /// Inclusive.
        var end: Int64
        var seconds: Double { Double(end - start) / 1e9 }
    }

    /// Linear interpolation between the two nearest ranks.
    static func quantile(_ q: Double, _ values: [Double]) -> Double {
        if values.isEmpty || q.isNaN { return .nan }
        if q < 0 { return -.infinity }
        if q > 1 { return .infinity }
        let sorted = values.sorted()
        let rank = q * Double(sorted.count - 1)
        let lower = Int(rank.rounded(.down))
        let upper = Swift.min(lower + 1, sorted.count - 1)
        let weight = rank - Double(lower)
        return sorted[lower] * (1 - weight) + sorted[upper] * weight
    }

    /// Prometheus' extrapolated rate: the increase that was seen, stretched to the window's edges
    /// where the samples reach near enough, but not below zero.
    private func counterRate(_ window: Window) -> Double? {
        guard count >= 2, lastTime > firstTime else { return nil }
        let increase = last - first + resets
        let sampled = Double(lastTime - firstTime) / 1e9
        let average = sampled / Double(count - 1)
        var toStart = Double(firstTime - window.start) / 1e9
        let toEnd = Double(window.end - lastTime) / 1e9
        if increase > 0, first >= 0 { toStart = Swift.min(toStart, sampled * first / increase) }
        let near = average * 1.1
        let stretched =
            sampled + (toStart < near ? toStart : average / 2)
            + (toEnd < near ? toEnd : average / 2)
        return increase * stretched / sampled / window.seconds
    }
}
