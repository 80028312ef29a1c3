import LogModel

/// Times and spans as Loki's parameters write them.
package enum TimeText {
    package struct Failure: Error, Equatable, Sendable {
        /// Loki's text.
        package let text: String

        package init(text: String) { self.text = text }
    }

    /// A moment: with a dot, seconds rounded to milliseconds; a whole number of up to ten
    /// characters, seconds; a longer one, nanoseconds; else RFC 3339. Empty gives the default.
    package static func timestamp(
        _ text: String, default fallback: Timestamp
    ) -> Result<Timestamp, Failure> {
        if text.isEmpty { return .success(fallback) }
        if text.utf8.contains(UInt8(ascii: ".")), let seconds = float(text) {
            return .success(Timestamp(nanoseconds: fromSeconds(seconds)))
        }
        if let number = Int64(text) {
            guard text.utf8.count <= 10 else { return .success(Timestamp(nanoseconds: number)) }
            let (scaled, overflow) = number.multipliedReportingOverflow(by: Nanoseconds.second)
            return .success(overflow ? .distantFuture : Timestamp(nanoseconds: scaled))
        }
        if let time = RFC3339.parse(text) { return .success(Timestamp(nanoseconds: time)) }
        let isSigned = text.hasPrefix("-") || text.hasPrefix("+")
        let digits = text.utf8.dropFirst(isSigned ? 1 : 0)
        let isNumber = !digits.isEmpty && digits.allSatisfy { (48...57).contains($0) }
        let why = isNumber ? "value out of range" : "invalid syntax"
        return .failure(Failure(text: "strconv.ParseInt: parsing \(quoted(text)): \(why)"))
    }

    /// Nanoseconds of seconds rounded to milliseconds; sticks at the ends of Int64.
    private static func fromSeconds(_ seconds: Double) -> Int64 {
        guard seconds.isFinite, abs(seconds) < 9_223_372_036 else {
            return seconds > 0 ? .max : .min
        }
        let whole = seconds.rounded(.down)
        let milliseconds = ((seconds - whole) * 1000).rounded()
        return Int64(whole) * Nanoseconds.second + Int64(milliseconds) * Nanoseconds.millisecond
    }

    /// Go's ParseFloat, as far as a parameter needs it.
    private static func float(_ text: String) -> Double? {
        guard let first = text.utf8.first, first != 0x20, !text.utf8.contains(UInt8(ascii: "_"))
        else { return nil }
        return Double(text)
    }

    /// A step or an interval: a number of seconds, or a duration of Prometheus.
    package static func secondsOrDuration(_ text: String) -> Result<Int64, Failure> {
        if let seconds = float(text) {
            let nanoseconds = seconds * 1e9
            guard nanoseconds > -9.2e18, nanoseconds < 9.2e18 else {
                return .failure(
                    Failure(
                        text: "cannot parse \(quoted(text)) to a valid duration. "
                            + "It overflows int64"))
            }
            return .success(Int64(nanoseconds))
        }
        return prometheusDuration(text).mapError { _ in
            Failure(text: "cannot parse \(quoted(text)) to a valid duration")
        }
    }

    /// `1h30m`: whole numbers, units from years to milliseconds, each once and in falling order.
    package static func prometheusDuration(_ text: String) -> Result<Int64, Failure> {
        let wrong = Failure(text: "not a valid duration string: \(quoted(text))")
        if text == "0" { return .success(0) }
        if text.isEmpty { return .failure(Failure(text: "empty duration string")) }
        let units: [(name: String, span: Int64)] = [
            ("y", 365 * Nanoseconds.day), ("w", 7 * Nanoseconds.day), ("d", Nanoseconds.day),
            ("h", Nanoseconds.hour), ("m", Nanoseconds.minute), ("s", Nanoseconds.second),
            ("ms", Nanoseconds.millisecond),
        ]
        var rest = Substring(text)
        var lastUnit = -1
        var total: Int64 = 0
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            let name = rest.dropFirst(digits.count).prefix { $0.isASCII && $0.isLetter }
            guard !digits.isEmpty, let unit = units.firstIndex(where: { $0.name == name }),
                unit > lastUnit
            else { return .failure(wrong) }
            lastUnit = unit
            rest = rest.dropFirst(digits.count + name.count)
            let (part, over) = (Int64(digits) ?? .max).multipliedReportingOverflow(
                by: units[unit].span)
            let (sum, beyond) = total.addingReportingOverflow(part)
            guard !over, !beyond else { return .failure(Failure(text: "duration out of range")) }
            total = sum
        }
        return .success(total)
    }
}
