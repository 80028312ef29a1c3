import Foundation
import LogModel
import LogQL

extension HistogramBuckets {
    /// Numbers of the buckets at both ends of the scale.
    private static let lowest = Int.min
    private static let unbounded = Int.max
    /// Bucket numbers beyond it would not be told apart by a Double.
    private static let farthest = 9e15

    /// The bucket that a value falls into; its upper bound belongs to it.
    func bucket(of value: Double) -> Int {
        let place: Double
        switch self {
        case .linear(let width): place = (value / width).rounded(.up)
        case .log(let base):
            if value <= 0 { return Self.lowest }
            let near = (Foundation.log(value) / Foundation.log(base)).rounded()
            // Powers are exact where logarithms are not.
            place = near.isFinite ? (pow(base, near) >= value ? near : near + 1) : near
            if place.isFinite, pow(base, place - 1) >= value { return Int(place) - 1 }
        }
        guard !place.isNaN, abs(place) < Self.farthest else { return Self.unbounded }
        return Int(place)
    }

    /// The `le` of a bucket.
    func upperBound(of bucket: Int) -> Double {
        if bucket == Self.unbounded { return .infinity }
        switch self {
        case .linear(let width): return Double(bucket) * width
        case .log(let base): return bucket == Self.lowest ? 0 : pow(base, Double(bucket))
        }
    }
}

/// A histogram as Prometheus shows it: a series per bucket, each counting what lies at or below its
/// `le`, the last one `+Inf`.
struct HistogramSeries {
    let cut: HistogramBuckets
    let labels: Labels
    let steps: Int
    private var counts: [(step: Int, buckets: [Int: Int])] = []

    init(_ cut: HistogramBuckets, labels: Labels, steps: Int) {
        self.cut = cut
        self.labels = labels.without(["le"])
        self.steps = steps
    }

    mutating func add(_ buckets: [Int: Int], at step: Int) {
        if !buckets.isEmpty { counts.append((step, buckets)) }
    }

    var rows: [SeriesRow] {
        var used = Set(counts.flatMap(\.buckets.keys))
        used.insert(cut.bucket(of: .infinity))
        let ascending = used.sorted()
        var rows = ascending.map { bucket in
            let bound = cut.upperBound(of: bucket)
            return SeriesRow(
                labels: labels.setting("le", bound == .infinity ? "+Inf" : Self.text(bound)),
                steps: steps)
        }
        for (step, buckets) in counts {
            var below = 0
            for (index, bucket) in ascending.enumerated() {
                below += buckets[bucket] ?? 0
                rows[index].set(step, Double(below))
            }
        }
        return rows
    }

    private static func text(_ bound: Double) -> String {
        let text = "\(bound)"
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }
}
