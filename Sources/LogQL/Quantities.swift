import LogModel

/// Durations as Prometheus and Go write them.
package enum DurationText {
    private static let prometheusUnits: [(String, Int64)] = [
        ("y", 365 * Nanoseconds.day), ("w", 7 * Nanoseconds.day), ("d", Nanoseconds.day),
        ("h", Nanoseconds.hour), ("m", Nanoseconds.minute), ("s", Nanoseconds.second),
        ("ms", Nanoseconds.millisecond),
    ]
    private static let goUnits: [String: Double] = [
        "ns": 1, "us": 1e3, "µs": 1e3, "μs": 1e3, "ms": 1e6, "s": 1e9, "m": 60e9, "h": 3600e9,
    ]

    /// Prometheus' syntax, else Go's; nanoseconds.
    package static func parse(_ text: String) -> Int64? { parsePrometheus(text) ?? parseGo(text) }

    /// `1y2w3d4h5m6s7ms`: whole numbers, each unit once, larger ones first.
    package static func parsePrometheus(_ text: String) -> Int64? {
        if text == "0" { return 0 }
        var total: Int64 = 0
        var rest = Substring(text)
        var nextUnit = 0
        guard !rest.isEmpty else { return nil }
        while !rest.isEmpty {
            let digits = rest.prefix { ("0"..."9").contains($0) }
            guard let count = Int64(digits) else { return nil }
            rest = rest.dropFirst(digits.count)
            let unit = rest.prefix { !("0"..."9").contains($0) }
            guard
                let index = prometheusUnits.firstIndex(where: { $0.0 == unit }), index >= nextUnit
            else { return nil }
            rest = rest.dropFirst(unit.count)
            nextUnit = index + 1
            let (span, tooLong) = count.multipliedReportingOverflow(by: prometheusUnits[index].1)
            let (sum, overflow) = total.addingReportingOverflow(span)
            if tooLong || overflow { return nil }
            total = sum
        }
        return total
    }

    /// Go's `time.ParseDuration`: signs, fractions, `h m s ms us ns`.
    package static func parseGo(_ text: String) -> Int64? {
        var rest = Substring(text)
        var sign = 1.0
        if let first = rest.first, first == "-" || first == "+" {
            sign = first == "-" ? -1 : 1
            rest = rest.dropFirst()
        }
        if rest == "0" { return 0 }
        guard !rest.isEmpty else { return nil }
        var total = 0.0
        var exact: Int64? = 0
        while !rest.isEmpty {
            let digits = rest.prefix { ("0"..."9").contains($0) || $0 == "." }
            guard !digits.isEmpty, let count = Double(digits.hasSuffix(".") ? digits + "0" : digits)
            else { return nil }
            rest = rest.dropFirst(digits.count)
            let unit = rest.prefix { !("0"..."9").contains($0) && $0 != "." }
            guard let size = goUnits[String(unit)] else { return nil }
            rest = rest.dropFirst(unit.count)
            total += count * size
            // Whole numbers stay whole beyond the 53 bits of a Double.
            exact = exact.flatMap { sum in
                guard let whole = Int64(digits) else { return nil }
                let (span, tooLong) = whole.multipliedReportingOverflow(by: Int64(size))
                let (next, overflow) = sum.addingReportingOverflow(span)
                return tooLong || overflow ? nil : next
            }
        }
        if let exact { return sign < 0 ? -exact : exact }
        guard abs(total) < 9.2e18 else { return nil }
        return Int64((sign * total).rounded(.towardZero))
    }

    /// The way Go prints a duration: `1h0m0s`, `1.5s`, `10ms`.
    package static func goText(_ nanoseconds: Int64) -> String {
        if nanoseconds == 0 { return "0s" }
        let sign = nanoseconds < 0 ? "-" : ""
        let span = nanoseconds.magnitude
        func decimal(_ value: UInt64, _ unit: UInt64, _ name: String) -> String {
            var text = "\(value / unit)"
            var fraction = String(value % unit + unit).dropFirst()
            while fraction.hasSuffix("0") { fraction = fraction.dropLast() }
            if !fraction.isEmpty { text += "." + fraction }
            return text + name
        }
        if span < 1_000 { return sign + "\(span)ns" }
        if span < 1_000_000 { return sign + decimal(span, 1_000, "µs") }
        if span < 1_000_000_000 { return sign + decimal(span, 1_000_000, "ms") }
        let seconds = decimal(span % 60_000_000_000, 1_000_000_000, "s")
        let minutes = span / 60_000_000_000
        if minutes == 0 { return sign + seconds }
        if minutes < 60 { return sign + "\(minutes)m" + seconds }
        return sign + "\(minutes / 60)h\(minutes % 60)m" + seconds
    }

    /// As Prometheus where its units reach, as Go below a millisecond.
    static func offsetText(_ nanoseconds: Int64) -> String {
        nanoseconds % Nanoseconds.millisecond == 0
            ? prometheusText(nanoseconds) : goText(nanoseconds)
    }

    /// The way Prometheus prints one: `1d`, `5m`, `1h30m`.
    package static func prometheusText(_ nanoseconds: Int64) -> String {
        if nanoseconds == 0 { return "0s" }
        var rest = nanoseconds.magnitude
        var text = nanoseconds < 0 ? "-" : ""
        for (name, size) in prometheusUnits {
            let unit = UInt64(size)
            // Years and weeks are printed only when nothing is left over.
            if (name == "y" || name == "w") && rest % unit != 0 { continue }
            if rest >= unit {
                text += "\(rest / unit)\(name)"
                rest %= unit
            }
        }
        return text
    }
}

/// Amounts of bytes, in literals (`5KB`) and in label values (`1,000 KB`).
package enum ByteText {
    private static let units: [String: Double] = [
        "": 1, "b": 1, "kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12, "pb": 1e15, "eb": 1e18,
        "k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12, "p": 1e15, "e": 1e18, "kib": 1024,
        "mib": 1_048_576, "gib": 1_073_741_824, "tib": 1_099_511_627_776,
        "pib": 1_125_899_906_842_624, "eib": 1_152_921_504_606_846_976, "ki": 1024,
        "mi": 1_048_576, "gi": 1_073_741_824, "ti": 1_099_511_627_776,
        "pi": 1_125_899_906_842_624, "ei": 1_152_921_504_606_846_976,
    ]

    /// `1.5kB`, `20MB`: two digits at most, powers of 1000, as Loki prints amounts in queries.
    static func lokiText(_ amount: UInt64) -> String {
        if amount < 10 { return "\(amount)B" }
        var power = 0
        var size = 1.0
        while power < 6, Double(amount) / size >= 1000 {
            size *= 1000
            power += 1
        }
        let value = (Double(amount) / size * 10 + 0.5).rounded(.down) / 10
        let unit = ["B", "kB", "MB", "GB", "TB", "PB", "EB"][power]
        return String(format: value < 10 ? "%.1f" : "%.0f", value) + unit
    }

    /// What Loki compares with: its front end prints a query anew before it runs it, so that
    /// `1.5KiB` becomes `1.5kB`, 1500 bytes.
    static func roundedAsLoki(_ amount: UInt64) -> UInt64 { parse(lokiText(amount)) ?? amount }

    static func parseLiteral(_ digits: String, _ unit: String) -> UInt64? {
        guard unit.allSatisfy({ "BikKMGTP".contains($0) }) else { return nil }
        return parse(digits + unit)
    }

    /// Digits with commas, perhaps a space, perhaps a unit in either case.
    package static func parse(_ text: String) -> UInt64? {
        let digits = text.prefix { ("0"..."9").contains($0) || $0 == "." || $0 == "," }
        guard let value = Double(digits.filter { $0 != "," }), !digits.isEmpty else { return nil }
        let unit = text.dropFirst(digits.count).filter { $0 != " " }.lowercased()
        guard let size = units[unit], value * size < 18.4e18 else { return nil }
        return UInt64(value * size)
    }
}
