import Foundation

/// Numbers as Go reads and writes them (strconv).
enum GoNumber {
    /// `strconv.ParseInt(text, 0, 64)`: prefixes 0x, 0o, 0b and 0, underscores between digits.
    static func parseInt(_ text: String) -> Int64? {
        var digits = Substring(text)
        let negative = digits.first == "-"
        if negative || digits.first == "+" { digits = digits.dropFirst() }
        var radix = 10
        let lower = digits.lowercased()
        for (prefix, value) in [("0x", 16), ("0o", 8), ("0b", 2)] where lower.hasPrefix(prefix) {
            radix = value
            digits = digits.dropFirst(2)
        }
        if radix == 10, digits.count > 1, digits.first == "0" {
            radix = 8
            digits = digits.dropFirst()
        }
        if digits.contains("_") {
            guard !digits.hasSuffix("_"), !digits.contains("__") else { return nil }
            digits = Substring(digits.filter { $0 != "_" })
        }
        guard let first = digits.first, first != "-", first != "+" else { return nil }
        return Int64((negative ? "-" : "") + digits, radix: radix)
    }

    /// `%v` and `%g`: the shortest digits that give the number again, with an exponent below 1e-4
    /// and from 1e+06 on.
    static func text(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        if value == 0 { return value.sign == .minus ? "-0" : "0" }
        let sign = value < 0 ? "-" : ""
        let (digits, exponent) = decimal(abs(value))
        if exponent < -4 || exponent >= 6 {
            var text = sign + String(digits.prefix(1))
            if digits.count > 1 { text += "." + digits.dropFirst() }
            let power = abs(exponent)
            return text + (exponent < 0 ? "e-" : "e+") + (power < 10 ? "0" : "") + String(power)
        }
        if exponent < 0 {
            return sign + "0." + String(repeating: "0", count: -exponent - 1) + digits
        }
        if digits.count <= exponent + 1 {
            return sign + digits + String(repeating: "0", count: exponent + 1 - digits.count)
        }
        return sign + digits.prefix(exponent + 1) + "." + digits.dropFirst(exponent + 1)
    }

    /// The shortest digits of a positive number and the exponent of the first of them.
    private static func decimal(_ value: Double) -> (digits: String, exponent: Int) {
        let parts = value.description.split(separator: "e")
        var exponent = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
        let halves = parts[0].split(separator: ".", omittingEmptySubsequences: false)
        let whole = halves[0]
        let fraction = halves.count > 1 ? halves[1] : ""
        var digits = Substring(whole + fraction)
        exponent += whole.count - 1
        while digits.first == "0", digits.count > 1 {
            digits = digits.dropFirst()
            exponent -= 1
        }
        while digits.last == "0", digits.count > 1 { digits = digits.dropLast() }
        return (String(digits), exponent)
    }
}
