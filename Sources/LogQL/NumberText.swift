/// Numbers in label values, read as Loki reads them: Go's `strconv.ParseFloat`.
package enum NumberText {
    /// Nil for anything that Go refuses: other than Swift it takes underscores between digits, wants
    /// an exponent behind hexadecimal digits, knows no sign or payload of NaN, and calls it an error
    /// when a number is too large.
    package static func parse(_ text: String) -> Double? {
        var isPlain = true
        for byte in text.utf8 {
            let isDigit = (0x30...0x39).contains(byte)
            if !isDigit, byte != 0x2e, byte != 0x2d { isPlain = false }
        }
        if isPlain { return finite(Double(text)) }
        let lower = text.lowercased()
        let unsigned = lower.drop { $0 == "+" || $0 == "-" }
        switch unsigned {
        case "nan": return lower == "nan" ? .nan : nil
        case "inf", "infinity": return Double(text)
        default: break
        }
        guard !unsigned.hasPrefix("n"), !unsigned.hasPrefix("i") else { return nil }
        let isHexadecimal = unsigned.hasPrefix("0x")
        if isHexadecimal, !unsigned.contains("p") { return nil }
        guard text.contains("_") else { return finite(Double(text)) }
        guard underscoresStandBetweenDigits(unsigned.utf8, isHexadecimal) else { return nil }
        return finite(Double(text.filter { $0 != "_" }))
    }

    private static func finite(_ value: Double?) -> Double? {
        guard let value, value.isFinite else { return nil }
        return value
    }

    private static func underscoresStandBetweenDigits(
        _ text: Substring.UTF8View, _ isHexadecimal: Bool
    ) -> Bool {
        var wasDigit = false
        var wasUnderscore = false
        for (place, byte) in text.enumerated() {
            // The `x` of `0x` counts as a digit.
            let isDigit =
                (0x30...0x39).contains(byte)
                || (isHexadecimal && ((0x61...0x66).contains(byte) || place == 1))
            if byte == UInt8(ascii: "_"), !wasDigit { return false }
            if wasUnderscore, !isDigit { return false }
            wasUnderscore = byte == UInt8(ascii: "_")
            wasDigit = isDigit
        }
        return !wasUnderscore
    }
}
