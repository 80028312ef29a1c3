import LogQL

/// What a window's value can be made from, for the samples of one series in one stretch of time.
/// Accumulators of different stretches, or of parts of one, merge: overlapping windows and parallel
/// workers share the work.
struct Accumulator: Sendable {
    /// What a function needs of its samples; nothing else is kept.
    enum Kind: Sendable {
        /// Count and sum.
        case totals
        /// Mean and variance.
        case moments
        case extremes
        /// The first and the last sample.
        case ends
        case values
        /// Values with their times.
        case samples
        case distinct
        case buckets(HistogramBuckets)

        /// True when samples of one time may come in any order.
        var ignoresOrder: Bool {
            switch self {
            case .ends, .samples: false
            default: true
            }
        }
    }

    private(set) var count = 0
    private var sum = 0.0
    /// Mean and sum of squared differences (Welford; merged as Chan, Golub and LeVeque do).
    private var mean = 0.0
    private var squares = 0.0
    /// NaN only while nothing else was seen.
    private var min = Double.nan
    private var max = Double.nan
    private var first = Sample(time: .max, rank: .max, value: 0)
    private var last = Sample(time: .min, rank: .min, value: 0)
    private var values: [Double] = []
    private var samples: [Sample] = []
    private var distinct: Set<UInt64> = []
    /// Samples by the bucket that they fall into.
    private(set) var buckets: [Int: Int] = [:]

    /// `rank` decides between samples of one time: the place of the unit that they came from.
    struct Sample: Sendable, Comparable {
        var time: Int64
        var rank: Int
        var value: Double

        static func < (a: Sample, b: Sample) -> Bool {
            a.time == b.time ? a.rank < b.rank : a.time < b.time
        }
    }

    /// Gives the bytes of memory that the sample takes, beyond the accumulator's own.
    mutating func add(_ sample: Sample, _ kind: Kind) -> Int {
        count += 1
        let value = sample.value
        switch kind {
        case .totals: sum += value
        case .moments:
            let difference = value - mean
            mean += difference / Double(count)
            squares += difference * (value - mean)
        case .extremes:
            if min.isNaN || value < min { min = value }
            if max.isNaN || value > max { max = value }
        case .ends:
            if sample < first || count == 1 { first = sample }
            if sample >= last || count == 1 { last = sample }
        case .values:
            values.append(value)
            return 8
        case .samples:
            samples.append(sample)
            return 24
        case .distinct: return distinct.insert(value.bitPattern).inserted ? 16 : 0
        case .buckets(let cut):
            let before = buckets.count
            buckets[cut.bucket(of: value), default: 0] += 1
            return (buckets.count - before) * 32
        }
        return 0
    }

    /// Adds rows that were counted before.
    mutating func add(count rows: Int, sum amount: Double) {
        count += rows
        sum += amount
    }

    mutating func merge(_ other: Accumulator) {
        guard other.count > 0 else { return }
        guard count > 0 else {
            self = other
            return
        }
        let total = Double(count + other.count)
        let difference = other.mean - mean
        squares +=
            other.squares + difference * difference * Double(count) * Double(other.count) / total
        mean += difference * Double(other.count) / total
        count += other.count
        sum += other.sum
        if min.isNaN || other.min < min { min = other.min }
        if max.isNaN || other.max > max { max = other.max }
        if other.first < first { first = other.first }
        if other.last >= last { last = other.last }
        values += other.values
        samples += other.samples
        distinct.formUnion(other.distinct)
        buckets.merge(other.buckets, uniquingKeysWith: +)
    }

    /// The value of a window; nil leaves the point out.
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
        case .firstOverTime: return first.value
        case .lastOverTime: return last.value
        case .quantileOverTime: return Quantile.of(values, parameter ?? .nan)
        case .rateCounter: return CounterRate.of(samples.sorted(), window)
        case .absentOverTime, .presentOverTime: return 1
        case .distinctOverTime: return Double(distinct.count)
        // Many series come of it: `HistogramSeries`.
        case .histogramOverTime: return nil
        }
    }

    /// True when it is a handful of numbers, however many samples it has seen.
    var isSmall: Bool {
        values.isEmpty && samples.isEmpty && distinct.isEmpty && buckets.isEmpty
    }

    struct Window: Equatable {
        /// Exclusive.
        var start: Int64
        /// Inclusive.
        var end: Int64
        var seconds: Double { Double(end - start) / 1e9 }
    }
}

extension RangeAggregation.Function {
    func kind(_ buckets: HistogramBuckets?) -> Accumulator.Kind {
        switch self {
        case .countOverTime, .rate, .bytesRate, .bytesOverTime, .sumOverTime, .absentOverTime,
            .presentOverTime:
            .totals
        case .avgOverTime, .stddevOverTime, .stdvarOverTime: .moments
        case .minOverTime, .maxOverTime: .extremes
        case .firstOverTime, .lastOverTime: .ends
        case .quantileOverTime: .values
        case .rateCounter: .samples
        case .distinctOverTime: .distinct
        case .histogramOverTime: .buckets(buckets ?? .linear(1))
        }
    }
}
