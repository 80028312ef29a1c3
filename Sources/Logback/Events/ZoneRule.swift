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

/// Remembers the offsets of the hours that are being read: a log file stays in them for long.
struct ZoneCache {
    /// A quarter of an hour of local time, in which no zone changes its offset.
    private struct Quarter {
        var number: Int64 = .min
        var offset: Int64 = 0
    }

    let zone: ZoneRule
    private var ofStamp = Quarter()
    private var ofReference = Quarter()

    init(_ zone: ZoneRule) { self.zone = zone }

    mutating func utc(ofLocal seconds: Int64) -> Int64 {
        seconds - Self.offset(at: seconds, zone, &ofStamp)
    }

    private static func offset(
        at seconds: Int64, _ zone: ZoneRule, _ quarter: inout Quarter
    ) -> Int64 {
        let number = seconds / 900
        if number != quarter.number {
            quarter = Quarter(number: number, offset: zone.offset(atLocal: seconds))
        }
        return quarter.offset
    }

    /// Local seconds of a moment in nanoseconds, to within the change of an offset.
    private mutating func local(_ moment: Int64) -> Int64 {
        let seconds = moment / Nanoseconds.second
        return seconds + Self.offset(at: seconds, zone, &ofReference)
    }

    /// Clocks of two machines differ by so much at most, in seconds.
    private static let slack: Int64 = 3600

    /// The local seconds of a stamp without a year or a date: the latest that is not in the future of
    /// a moment, in nanoseconds, but for clocks that differ.
    mutating func completed(_ stamp: ParsedTimestamp, notAfter moment: Int64) -> Int64 {
        completed(stamp, notAfterLocal: local(moment) + Self.slack)
    }

    func completed(_ stamp: ParsedTimestamp, notAfterLocal latest: Int64) -> Int64 {
        if stamp.lacks == .date {
            let time = Self.timeOfDay(latest) - Self.timeOfDay(stamp.seconds)
            return latest - (time < 0 ? time + 86_400 : time)
        }
        let year = CivilTime(seconds: latest, nanosecond: 0).year
        let seconds = Self.completed(stamp, year: year)
        return seconds <= latest ? seconds : Self.completed(stamp, year: year - 1)
    }

    /// The local seconds of a stamp behind another event of its file: the first that is no further
    /// before that one's time, in nanoseconds, than stamps go back.
    mutating func completed(_ stamp: ParsedTimestamp, following reference: Int64) -> Int64 {
        let earliest = local(reference) - DatelessStamps.backstep
        if stamp.lacks == .date {
            let time = Self.timeOfDay(stamp.seconds) - Self.timeOfDay(earliest)
            return earliest + (time < 0 ? time + 86_400 : time)
        }
        let year = CivilTime(seconds: earliest, nanosecond: 0).year
        let seconds = Self.completed(stamp, year: year)
        return seconds >= earliest ? seconds : Self.completed(stamp, year: year + 1)
    }

    /// Seconds since midnight.
    static func timeOfDay(_ seconds: Int64) -> Int64 { (seconds % 86_400 + 86_400) % 86_400 }

    /// Leap days are counted by the calendar.
    static func completed(_ stamp: ParsedTimestamp, year: Int) -> Int64 {
        let date = CivilTime(seconds: stamp.seconds, nanosecond: 0)
        let days = CivilTime.days(year: year, month: date.month, day: date.day)
        return Int64(days) * 86_400 + timeOfDay(stamp.seconds)
    }
}
