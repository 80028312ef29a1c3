/// Numbers as Go's `FormatFloat(value, 'f', -1, 64)` writes them: the shortest digits that read
/// back the same, never with an exponent.
package enum FloatText {
    static func append(_ value: Double, to out: inout [UInt8]) {
        if value.isNaN { return out.append(contentsOf: "NaN".utf8) }
        if value.isInfinite { return out.append(contentsOf: (value > 0 ? "+Inf" : "-Inf").utf8) }
        if let whole = Int64(exactly: value), !(whole == 0 && value.sign == .minus) {
            return out.append(contentsOf: String(whole).utf8)
        }
        // Swift's description has the same shortest digits, with an exponent at both ends.
        let text = value.description
        guard let e = text.utf8.firstIndex(of: UInt8(ascii: "e")) else {
            return out.append(
                contentsOf: (text.hasSuffix(".0") ? text.dropLast(2) : text[...]).utf8)
        }
        let exponent = Int(text[text.index(after: e)...]) ?? 0
        let isNegative = text.hasPrefix("-")
        let mantissa = text[..<e].drop { $0 == "-" }
        let whole = mantissa.prefix { $0 != "." }
        var fraction = mantissa.dropFirst(whole.count + 1)
        if fraction == "0" { fraction = "" }
        let digits = Array((whole + fraction).utf8)
        let point = whole.utf8.count + exponent
        if isNegative { out.append(UInt8(ascii: "-")) }
        if point <= 0 {
            out.append(contentsOf: "0.".utf8)
            out.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: -point))
            out.append(contentsOf: digits)
        } else if point >= digits.count {
            out.append(contentsOf: digits)
            out.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: point - digits.count))
        } else {
            out.append(contentsOf: digits[..<point])
            out.append(UInt8(ascii: "."))
            out.append(contentsOf: digits[point...])
        }
    }

    package static func text(_ value: Double) -> String {
        var out: [UInt8] = []
        append(value, to: &out)
        return String(decoding: out, as: UTF8.self)
    }

    /// Milliseconds as seconds with as many decimals as there are.
    package static func appendSeconds(milliseconds: Int64, to out: inout [UInt8]) {
        if milliseconds < 0 { out.append(UInt8(ascii: "-")) }
        let magnitude = milliseconds.magnitude
        out.append(contentsOf: String(magnitude / 1000).utf8)
        var rest = magnitude % 1000
        guard rest > 0 else { return }
        out.append(UInt8(ascii: "."))
        var unit: UInt64 = 100
        while rest > 0 {
            out.append(UInt8(ascii: "0") + UInt8(rest / unit))
            rest %= unit
            unit /= 10
        }
    }
}
