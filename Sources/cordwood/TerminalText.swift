/// Text of strangers on its way to a terminal.
package enum TerminalText {
    /// Makes control characters and bidirectional overrides visible: none of them reaches the
    /// terminal, which would obey it.
    package static func safe(_ text: String, keepingNewlines: Bool = false) -> String {
        guard text.unicodeScalars.contains(where: isObeyed) else { return text }
        var out = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x0a where keepingNewlines, 0x09: out.append(scalar)
            case 0..<0x100 where isObeyed(scalar): out += "\\x\(hex(scalar, 2))".unicodeScalars
            default:
                if isObeyed(scalar) {
                    out += "\\u\(hex(scalar, 4))".unicodeScalars
                } else {
                    out.append(scalar)
                }
            }
        }
        return String(out)
    }

    /// A JSON document that means the same and holds nothing that a terminal obeys: such characters
    /// stand in strings only, where JSON has an escape for them.
    package static func safe(json: String) -> String {
        guard json.unicodeScalars.contains(where: isObeyed) else { return json }
        var out = String.UnicodeScalarView()
        for scalar in json.unicodeScalars {
            if isObeyed(scalar) {
                out += "\\u\(hex(scalar, 4))".unicodeScalars
            } else {
                out.append(scalar)
            }
        }
        return String(out)
    }

    /// Control characters of both sets, and what changes the direction of the text behind it.
    private static func isObeyed(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7f..<0xa0, 0x061c, 0x200e, 0x200f, 0x2028...0x202e, 0x2066...0x2069: true
        default: false
        }
    }

    private static func hex(_ scalar: Unicode.Scalar, _ width: Int) -> String {
        let digits = String(scalar.value, radix: 16)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
