import LogModel

/// From when on entries are kept, at one moment. Queries hide what is older, merges leave it out, and
/// retention removes segments that hold nothing else: all three by this rule.
struct RetentionCut: Sendable {
    private let options: StoreOptions
    private let now: Int64

    init(_ options: StoreOptions) {
        self.options = options
        now = options.now()
    }

    /// The first nanosecond whose entries are kept for a stream. Whole minutes are kept or not: then
    /// roll-ups can answer right up to the cut. They are closed on the right, as those of roll-ups.
    func first(of labels: Labels) -> Int64 {
        // The rule of highest priority counts.
        let rule = options.retention.filter { $0.matchers.accept(labels) }
            .max { $0.priority < $1.priority }
        return first(period: rule?.periodSeconds ?? options.limits.retentionPeriodSeconds)
    }

    /// The first nanosecond that any stream may keep.
    var earliest: Int64 { ofAllRules.min() ?? .min }

    /// From here on every stream keeps everything.
    var latest: Int64 { ofAllRules.max() ?? .min }

    private var ofAllRules: [Int64] {
        let periods =
            options.retention.map(\.periodSeconds) + [options.limits.retentionPeriodSeconds]
        return periods.map(first(period:))
    }

    /// `period`: seconds; 0 = for ever.
    private func first(period: Int) -> Int64 {
        guard period > 0 else { return .min }
        let (nanoseconds, over) = (now - Int64(period)).multipliedReportingOverflow(
            by: Nanoseconds.second)
        if over { return .min }
        // An entry of just that age is still kept.
        let part = (nanoseconds - 1) % Nanoseconds.minute
        return nanoseconds - (part < 0 ? part + Nanoseconds.minute : part)
    }
}
