import LogModel
import Segment

/// Cuts time where segments begin and end to overlap. What many agents send arrives in no order, so that a
/// segment mostly begins some seconds before the one before it ends: these seconds need their rows
/// compared, all others do not.
package enum OverlapCut {
    /// More would cost more to plan than reading them together does.
    private static let mostStretches = 64

    /// Stretches of whole minutes, in ascending order, that cover `times`: of those in which several `spans`
    /// have a part all have one neighbour in which at most one has.
    package static func stretches(
        of spans: [ClosedRange<Int64>], within times: ClosedRange<Int64>
    ) -> [ClosedRange<Int64>] {
        var shared = windows(of: spans, within: times)
        // Those close to each other become one, until they are few.
        var gap = Nanoseconds.minute
        while shared.count * 2 + 1 > mostStretches {
            shared = joined(shared, gap)
            gap = gap > Int64.max / 2 ? .max : gap * 2
        }
        var stretches: [ClosedRange<Int64>] = []
        var next = times.lowerBound
        for window in shared {
            if window.lowerBound > next { stretches.append(next...window.lowerBound - 1) }
            stretches.append(window)
            guard window.upperBound < times.upperBound else { return stretches }
            next = window.upperBound + 1
        }
        return stretches + [next...times.upperBound]
    }

    /// Where two spans or more meet, in ascending order.
    private static func windows(
        of spans: [ClosedRange<Int64>], within times: ClosedRange<Int64>
    ) -> [ClosedRange<Int64>] {
        var windows: [ClosedRange<Int64>] = []
        var reach: Int64?
        for span in spans.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let reach, span.lowerBound <= reach {
                let window = wholeMinutes(span.lowerBound...min(reach, span.upperBound))
                if window.overlaps(times) { windows.append(window.clamped(to: times)) }
            }
            reach = max(reach ?? span.upperBound, span.upperBound)
        }
        return joined(windows, 1)
    }

    /// Windows that are no further from each other than `gap` as one.
    private static func joined(
        _ windows: [ClosedRange<Int64>], _ gap: Int64
    ) -> [ClosedRange<Int64>] {
        var out: [ClosedRange<Int64>] = []
        for window in windows {
            if let last = out.last, isNear(window, last, gap) {
                out[out.count - 1] = last.lowerBound...max(last.upperBound, window.upperBound)
            } else {
                out.append(window)
            }
        }
        return out
    }

    /// `window` begins no earlier than `last`.
    private static func isNear(
        _ window: ClosedRange<Int64>, _ last: ClosedRange<Int64>, _ gap: Int64
    ) -> Bool {
        guard window.lowerBound > last.upperBound else { return true }
        let (distance, isFar) = window.lowerBound.subtractingReportingOverflow(last.upperBound)
        return !isFar && distance <= gap
    }

    /// Minutes are open on the left, as those of roll-ups.
    private static func wholeMinutes(_ times: ClosedRange<Int64>) -> ClosedRange<Int64> {
        let start = Timestamp(nanoseconds: minuteStart(times.lowerBound))
        let end = Timestamp(nanoseconds: minuteStart(times.upperBound))
        return min(
            times.lowerBound, start.advanced(byNanoseconds: 1).nanoseconds)...max(
                times.upperBound, end.advanced(byNanoseconds: Nanoseconds.minute).nanoseconds)
    }
}
