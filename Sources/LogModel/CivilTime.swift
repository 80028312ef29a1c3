/// A moment as people write it, UTC, proleptic Gregorian. The day count is Howard Hinnant's
/// `civil_from_days` (chrono-compatible low-level date algorithms).
package struct CivilTime: Sendable {
    package let year: Int
    package let month: Int
    package let day: Int
    package let hour: Int
    package let minute: Int
    package let second: Int
    package let nanosecond: Int

    package init(_ nanoseconds: Int64) {
        var seconds = nanoseconds / Nanoseconds.second
        var rest = nanoseconds % Nanoseconds.second
        if rest < 0 {
            rest += Nanoseconds.second
            seconds -= 1
        }
        self.init(seconds: seconds, nanosecond: Int(rest))
    }

    /// Seconds since the epoch may lie far beyond what Int64 holds in nanoseconds.
    package init(seconds: Int64, nanosecond: Int) {
        var days = seconds / 86_400
        var rest = seconds % 86_400
        if rest < 0 {
            rest += 86_400
            days -= 1
        }
        hour = Int(rest / 3600)
        minute = Int(rest / 60 % 60)
        second = Int(rest % 60)
        self.nanosecond = nanosecond
        let shifted = Int(days) + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * marchMonth + 2) / 5 + 1
        month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    /// Days since the epoch of a date.
    package static func days(year: Int, month: Int, day: Int) -> Int {
        let y = month <= 2 ? year - 1 : year
        let era = (y >= 0 ? y : y - 399) / 400
        let yearOfEra = y - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
            - 719_468
    }

    private static func pad(_ value: Int, _ width: Int = 2) -> String {
        let text = String(value)
        return String(repeating: "0", count: max(0, width - text.count)) + text
    }

    /// `2026-11-01`.
    package var date: String { "\(Self.pad(year, 4))-\(Self.pad(month))-\(Self.pad(day))" }

    /// `09:05:00`.
    package var clock: String { "\(Self.pad(hour)):\(Self.pad(minute)):\(Self.pad(second))" }

    /// RFC 3339 with as many digits of the second as there are.
    package var rfc3339: String {
        var fraction = nanosecond == 0 ? "" : "." + Self.pad(nanosecond, 9)
        while fraction.hasSuffix("0") { fraction.removeLast() }
        return "\(date)T\(clock)\(fraction)Z"
    }
}
