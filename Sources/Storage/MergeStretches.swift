import Segment

/// Cuts time where about the same bytes lie between two cuts.
package struct MergeStretches {
    /// Lines that begin to come at a time, in bytes per nanosecond, or that all come then.
    private struct Change {
        /// Nanoseconds since the first of all.
        var time: UInt64
        var rate = 0.0
        var bytes = 0.0
    }

    private let low: Int64
    private let high: UInt64
    private let count: Int
    private let share: Double
    private var sum = 0.0
    /// The cut that comes next, from 1.
    private var next = 1
    private var start = Int64.min
    private var ranges: [ClosedRange<Int64>] = []

    /// Ranges of nanoseconds that cover all of time, of about `bytes` of lines each; no more than `most`, or
    /// one where there is too little for two. Inside of a slice lines are taken to lie evenly.
    package static func of(_ slices: [Slice], most: Int, bytes: Double) -> [ClosedRange<Int64>] {
        let total = Double(slices.reduce(0) { $0 + $1.bytes })
        let count = min(Double(most), (total / bytes).rounded(.up))
        guard count > 1, let low = slices.map(\.first).min(), let high = slices.map(\.last).max()
        else { return [.min ... .max] }
        var cut = MergeStretches(
            low: low, high: UInt64(bitPattern: high &- low), count: Int(count),
            share: total / count)
        cut.sweep(cut.changes(slices))
        return cut.ranges + [cut.start ... .max]
    }

    private init(low: Int64, high: UInt64, count: Int, share: Double) {
        (self.low, self.high, self.count, self.share) = (low, high, count, share)
    }

    /// Times as differences: those since the epoch are too large for what is a nanosecond apart to be two
    /// numbers of `Double`.
    private func changes(_ slices: [Slice]) -> [Change] {
        var changes: [Change] = []
        for slice in slices {
            let first = UInt64(bitPattern: slice.first &- low)
            let last = UInt64(bitPattern: slice.last &- low)
            if first >= last {
                changes.append(Change(time: first, bytes: Double(slice.bytes)))
                continue
            }
            let rate = Double(slice.bytes) / Double(last - first)
            changes.append(Change(time: first, rate: rate))
            changes.append(Change(time: last, rate: -rate))
        }
        return changes.sorted { $0.time < $1.time }
    }

    private mutating func sweep(_ changes: [Change]) {
        var time: UInt64 = 0
        var rate = 0.0
        for change in changes {
            let span = change.time - time
            // What is left of rates that have ended is next to nothing, and may be less.
            let more = max(0, rate) * Double(span)
            while span > 0, next < count, sum + more >= share * Double(next) {
                let part = more > 0 ? (share * Double(next) - sum) / more : 1
                let far = Double(span) * min(max(part, 0), 1)
                place(time + (far >= Double(span) ? span - 1 : UInt64(far)))
            }
            sum += more + change.bytes
            time = change.time
            rate += change.rate
            while next < count, sum >= share * Double(next) { place(time) }
        }
    }

    /// A stretch ends with a time, if it has not ended there already.
    private mutating func place(_ time: UInt64) {
        next += 1
        let end = low &+ Int64(bitPattern: time)
        guard time < high, end >= start else { return }
        ranges.append(start...end)
        start = end + 1
    }
}
