import LogModel

/// Stamps of one file that tell the time of the day alone, or no year, in the order of the file: what
/// they tell of its midnights, or turns of the year. Whoever knows when the file was last written knows
/// with it when it began.
package struct DatelessStamps: Sendable {
    private var first: ParsedTimestamp?
    private var latest: ParsedTimestamp?
    /// Midnights, or turns of the year, between the first stamp and the latest.
    private var turns: Int64 = 0

    /// Stamps go so far back, in seconds, where threads write out of turn, summer time ends or a clock
    /// is set back. What goes back further belongs to the next day: a quiet night is more usual.
    static let backstep: Int64 = 2 * 3600

    /// The seconds after which stamps come again; a year may have a leap day.
    static func period(_ lacks: ParsedTimestamp.Lacking) -> Int64 {
        lacks == .date ? 86_400 : 366 * 86_400
    }

    mutating func add(_ stamp: ParsedTimestamp) {
        guard let latest else {
            (first, self.latest) = (stamp, stamp)
            return
        }
        let ahead = stamp.seconds - latest.seconds
        if ahead < -Self.backstep {
            turns += 1
            self.latest = stamp
        } else if ahead > 0, ahead <= Self.period(stamp.lacks) - Self.backstep {
            self.latest = stamp
        }
    }

    /// When the first stamp was written, in nanoseconds since the epoch; nil when there was none.
    ///
    /// `modified`: when the file was last written, in nanoseconds. `lastDay`: the day behind which
    /// nothing was written, in days since the epoch, as the name of a rolled file tells it: a file that
    /// was copied or packed later was modified later.
    package func start(modified: Int64, lastDay: Int64?, zone: ZoneRule) -> Int64? {
        guard let first, let latest else { return nil }
        var zone = ZoneCache(zone)
        var end = zone.completed(latest, notAfter: modified)
        if let lastDay, end >= (lastDay + 1) * 86_400 {
            end = zone.completed(latest, notAfterLocal: (lastDay + 1) * 86_400 - 1)
        }
        let seconds: Int64
        if first.lacks == .date {
            let day = end - ZoneCache.timeOfDay(end)
            seconds = day - turns * 86_400 + ZoneCache.timeOfDay(first.seconds)
        } else {
            let year = CivilTime(seconds: end, nanosecond: 0).year
            seconds = ZoneCache.completed(first, year: year - Int(turns))
        }
        let utc = first.hasZone ? seconds : zone.utc(ofLocal: seconds)
        return utc * Nanoseconds.second + first.nanoseconds
    }
}
