/// A moment in nanoseconds since the Unix epoch, UTC: the one time unit of the whole project.
package struct Timestamp: Hashable, Comparable, Sendable {
    package var nanoseconds: Int64

    package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    package static let distantPast = Timestamp(nanoseconds: .min)
    package static let distantFuture = Timestamp(nanoseconds: .max)

    package static func < (a: Timestamp, b: Timestamp) -> Bool { a.nanoseconds < b.nanoseconds }

    /// Moves by a span of nanoseconds; sticks at the ends of the Int64 range instead of trapping,
    /// because spans come from remote queries.
    package func advanced(byNanoseconds span: Int64) -> Timestamp {
        let (sum, overflow) = nanoseconds.addingReportingOverflow(span)
        guard overflow else { return Timestamp(nanoseconds: sum) }
        return span > 0 ? .distantFuture : .distantPast
    }
}

/// Spans of time in nanoseconds.
package enum Nanoseconds {
    package static let microsecond: Int64 = 1_000
    package static let millisecond: Int64 = 1_000_000
    package static let second: Int64 = 1_000_000_000
    package static let minute: Int64 = 60 * second
    package static let hour: Int64 = 60 * minute
    package static let day: Int64 = 24 * hour
}

extension Duration {
    package var inSeconds: Double {
        Double(components.seconds) + Double(components.attoseconds) / 1e18
    }
}
