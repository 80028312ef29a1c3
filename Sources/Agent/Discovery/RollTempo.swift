/// How fast files are rolled, as the latest rolls of one family tell.
struct RollTempo: Sendable {
    /// A rolled file as it was seen last.
    struct Roll: Sendable, Equatable {
        /// Seconds since the epoch.
        var modified: Int64
        var bytes: Int64

        init(_ status: FileIdentity.Status) { (modified, bytes) = (status.modified, status.size) }
    }
    /// By path, without the suffix of a packed file.
    private var rolls: [String: Roll] = [:]
    /// Of so many a mean tells today's rate.
    private static let most = 32

    mutating func add(_ path: String, _ roll: Roll) {
        rolls[RolledName.unpacked(path)] = roll
        if rolls.count > Self.most,
            let oldest = rolls.min(by: { $0.value.modified < $1.value.modified })
        {
            rolls[oldest.key] = nil
        }
    }

    /// Seconds from one roll to the next; nil for less than two, and for copies that tell no times.
    var interval: Double? {
        let times = rolls.values.map { Double($0.modified) }
        guard times.count > 1, let first = times.min(), let last = times.max(), last > first else {
            return nil
        }
        return (last - first) / Double(times.count - 1)
    }

    /// The mean of a roll.
    var bytes: Double? {
        guard !rolls.isEmpty else { return nil }
        return rolls.values.reduce(0) { $0 + Double($1.bytes) } / Double(rolls.count)
    }
}
