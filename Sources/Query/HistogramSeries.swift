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
        if place <= -Self.farthest { return Self.lowest }
        guard !place.isNaN, place < Self.farthest else { return Self.unbounded }
        return Int(place)
    }

    /// The `le` of a bucket.
    func upperBound(of bucket: Int) -> Double {
        if bucket == Self.unbounded { return .infinity }
        switch self {
        case .linear(let width):
            return bucket == Self.lowest ? -.infinity : Double(bucket) * width
        case .log(let base): return bucket == Self.lowest ? 0 : pow(base, Double(bucket))
        }
    }
}

/// A histogram as Prometheus shows it: a series per bucket, each counting what lies at or below its
/// `le`, the last one `+Inf`.
struct HistogramSeries {
    /// Ascending.
    private let buckets: [Int]
    private(set) var rows: [SeriesRow]

    /// `used`: every bucket that any window may hold.
    init(_ cut: HistogramBuckets, _ used: Set<Int>, labels: Labels, steps: Int) {
        buckets = used.union([cut.bucket(of: .infinity)]).sorted()
        let others = labels.without(["le"])
        rows = buckets.map { bucket in
            let bound = cut.upperBound(of: bucket)
            return SeriesRow(
                labels: others.setting("le", bound == .infinity ? "+Inf" : Self.text(bound)),
                steps: steps)
        }
    }

    mutating func set(_ counts: [Int: Int], at step: Int) {
        var below = 0
        for (index, bucket) in buckets.enumerated() {
            below += counts[bucket] ?? 0
            rows[index].set(step, Double(below))
        }
    }

    private static func text(_ bound: Double) -> String {
        if bound == -.infinity { return "-Inf" }
        let text = "\(bound)"
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }
}
