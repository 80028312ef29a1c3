import LogModel
import Wire

/// Spans and sizes as Loki's configuration writes them.
package enum QuantityText {
    /// Seconds of `7d`, `1h30m`, `90s`, `500ms`; `0` and `0s` are 0. nil for anything else.
    package static func seconds(_ text: String) -> Double? {
        guard case .success(let nanoseconds) = TimeText.prometheusDuration(text) else { return nil }
        return Double(nanoseconds) / Double(Nanoseconds.second)
    }

    /// Bytes of `262144`, `256KB`, `64KiB`, `1.5MB`. As in Loki's flags a KB has 1024 bytes.
    package static func bytes(_ text: String) -> Int? {
        let digits = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        let unit = text.dropFirst(digits.count).drop { $0 == " " }.uppercased()
        guard let value = Double(digits), value.isFinite, value >= 0 else { return nil }
        let powers = ["", "K", "M", "G", "T"]
        guard
            let power = powers.firstIndex(where: {
                unit == $0 || unit == $0 + "B" || (!$0.isEmpty && unit == $0 + "IB")
            })
        else { return nil }
        let bytes = value * Double(1 << (10 * power))
        return bytes < 9e15 ? Int(bytes) : nil
    }

    /// Loki prints limits the way Go's Prometheus library prints durations: `30d1h`.
    package static func print(seconds: Int) -> String { print(milliseconds: seconds * 1000) }

    /// Parts of a second as `1s500ms`.
    package static func print(seconds: Double) -> String {
        print(milliseconds: Int((seconds * 1000).rounded()))
    }

    private static func print(milliseconds: Int) -> String {
        guard milliseconds > 0 else { return "0s" }
        var rest = milliseconds
        var out = ""
        for (name, seconds) in [
            ("y", 31_536_000), ("w", 604_800), ("d", 86_400), ("h", 3600), ("m", 60), ("s", 1),
        ] {
            let span = seconds * 1000
            // Years and weeks only when they come out even.
            if seconds >= 604_800, rest % span != 0 { continue }
            if rest >= span {
                out += "\(rest / span)\(name)"
                rest %= span
            }
        }
        return rest > 0 ? out + "\(rest)ms" : out
    }

    /// The way Go prints a `time.Duration` of whole seconds: `800h0m0s`.
    package static func printGo(nanoseconds: Int64) -> String {
        let total = nanoseconds / Nanoseconds.second
        let fraction = nanoseconds % Nanoseconds.second
        var tail = "\(total % 60)"
        if fraction > 0 {
            var digits = String(fraction)
            digits = String(repeating: "0", count: 9 - digits.count) + digits
            while digits.hasSuffix("0") { digits.removeLast() }
            tail += "." + digits
        }
        if total >= 3600 { return "\(total / 3600)h\(total / 60 % 60)m\(tail)s" }
        return total >= 60 ? "\(total / 60)m\(tail)s" : "\(tail)s"
    }
}
