import Foundation
import LogModel

/// The time zone of stamps that name none: a fixed offset or a place with its history of offsets.
/// A local time that occurs twice (clocks set back) means the first of the two; one that does not
/// occur is read with the offset before the gap.
package final class ZoneRule: Sendable {
    private enum Rule {
        case fixed(Int64)
        case place(TimeZone)
    }
    private let rule: Rule

    package static let utc = ZoneRule(.fixed(0))

    private init(_ rule: Rule) { self.rule = rule }

    /// `UTC`, `+09:00`, `Asia/Seoul`; nil for a zone that this machine does not know.
    package convenience init?(_ name: String) {
        if name == "UTC" || name == "Z" {
            self.init(.fixed(0))
            return
        }
        if let first = name.first, first == "+" || first == "-" {
            let digits = name.dropFirst().filter { $0 != ":" }
            guard digits.count == 4, let value = Int64(digits) else { return nil }
            let seconds = value / 100 * 3600 + value % 100 * 60
            self.init(.fixed(first == "-" ? -seconds : seconds))
            return
        }
        guard let zone = TimeZone(identifier: name) else { return nil }
        self.init(.place(zone))
    }

    /// The zone of this machine.
    package static var local: ZoneRule { ZoneRule(.place(TimeZone.current)) }

    /// Seconds to add to UTC to get the local time that is given as seconds since the epoch.
    package func offset(atLocal seconds: Int64) -> Int64 {
        switch rule {
        case .fixed(let offset): return offset
        case .place(let zone):
            // The offset of the day before decides which side of a change is asked for.
            let before = Int64(
                zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(seconds - 86_400))))
            let first = Int64(
                zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(seconds - before))))
            if first == before { return before }
            let after = Int64(
                zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(seconds - first))))
            return after == first ? first : before
        }
    }
}

/// Remembers the offset of the hour that is being read: a log file stays in it for long.
struct ZoneCache {
    let zone: ZoneRule
    private var hour: Int64 = .min
    private var offset: Int64 = 0

    init(_ zone: ZoneRule) { self.zone = zone }

    mutating func utc(ofLocal seconds: Int64) -> Int64 {
        let hour = seconds / 900
        if hour != self.hour {
            self.hour = hour
            offset = zone.offset(atLocal: seconds)
        }
        return seconds - offset
    }

    /// The local seconds of a stamp without a year or a date: the latest that is not in the future of
    /// the time of reading, but for an hour of clocks that differ.
    mutating func completed(_ stamp: ParsedTimestamp, now: Int64) -> Int64 {
        let read = now / Nanoseconds.second
        let local = read + zone.offset(atLocal: read)
        let latest = local + 3600
        if stamp.lacks == .date {
            let day = local - local % 86_400
            let time = (stamp.seconds % 86_400 + 86_400) % 86_400
            return day + time <= latest ? day + time : day + time - 86_400
        }
        // 1970 is the year of such a stamp; leap days are counted by the calendar.
        let inYear = stamp.seconds
        let date = CivilTime(seconds: inYear, nanosecond: 0)
        let today = CivilTime(seconds: local, nanosecond: 0)
        for year in [today.year, today.year - 1] {
            let days = CivilTime.days(year: year, month: date.month, day: date.day)
            let seconds = Int64(days) * 86_400 + inYear % 86_400
            if seconds <= latest { return seconds }
        }
        return local
    }
}
