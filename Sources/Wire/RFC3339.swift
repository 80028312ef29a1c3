import LogModel

/// Times as Go's RFC3339Nano layout reads them: `2026-11-01T00:00:37.924+09:00`.
package enum RFC3339 {
    /// Nanoseconds since the epoch; nil when the text is no time or lies outside Int64.
    package static func parse(_ text: String) -> Int64? {
        var scan = Scanner(bytes: Array(text.utf8))
        guard let year = scan.digits(4), scan.take("-"), let month = scan.digits(2),
            scan.take("-"), let day = scan.digits(2), scan.take("T") || scan.take("t"),
            let hour = scan.digits(2), scan.take(":"), let minute = scan.digits(2),
            scan.take(":"), let second = scan.digits(2),
            (1...12).contains(month), (1...days(in: month, of: year)).contains(day),
            hour < 24, minute < 60, second < 60,
            let fraction = scan.fraction(), let offset = scan.zone(), scan.isAtEnd
        else { return nil }
        let date = CivilTime.days(year: year, month: month, day: day)
        let seconds = Int64(date) * 86_400 + Int64(hour * 3600 + minute * 60 + second - offset)
        let (nanoseconds, overflow) = seconds.multipliedReportingOverflow(by: Nanoseconds.second)
        let (sum, beyond) = nanoseconds.addingReportingOverflow(fraction)
        return overflow || beyond ? nil : sum
    }

    private static func days(in month: Int, of year: Int) -> Int {
        switch month {
        case 4, 6, 9, 11: 30
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        default: 31
        }
    }

    private struct Scanner {
        let bytes: [UInt8]
        var at = 0

        var isAtEnd: Bool { at == bytes.count }

        mutating func take(_ character: Unicode.Scalar) -> Bool {
            guard at < bytes.count, UInt32(bytes[at]) == character.value else { return false }
            at += 1
            return true
        }

        mutating func digits(_ count: Int) -> Int? {
            guard at + count <= bytes.count else { return nil }
            var value = 0
            for byte in bytes[at..<at + count] {
                guard (48...57).contains(byte) else { return nil }
                value = value * 10 + Int(byte) - 48
            }
            at += count
            return value
        }

        /// Nanoseconds behind the dot, 0 without one; digits beyond the ninth are dropped.
        mutating func fraction() -> Int64? {
            guard take(".") || take(",") else { return 0 }
            var value: Int64 = 0
            var count = 0
            while at < bytes.count, (48...57).contains(bytes[at]) {
                if count < 9 { value = value * 10 + Int64(bytes[at]) - 48 }
                count += 1
                at += 1
            }
            guard count > 0 else { return nil }
            for _ in 0..<max(0, 9 - count) { value *= 10 }
            return value
        }

        /// Seconds east of Greenwich.
        mutating func zone() -> Int? {
            if take("Z") || take("z") { return 0 }
            let sign = take("+") ? 1 : take("-") ? -1 : 0
            guard sign != 0, let hours = digits(2), take(":"), let minutes = digits(2),
                hours < 24, minutes < 60
            else { return nil }
            return sign * (hours * 3600 + minutes * 60)
        }
    }
}
