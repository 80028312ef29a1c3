/// Text of strangers on its way to a terminal.
enum TerminalText {
    /// Makes control characters and bidirectional overrides visible: none of them reaches the
    /// terminal, which would obey it.
    static func safe(_ text: String, keepingNewlines: Bool = false) -> String {
        var out = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x0a where keepingNewlines, 0x09: out.append(scalar)
            case 0..<0x20, 0x7f, 0x80..<0xa0: out += visible(scalar, width: 2, "\\x")
            case 0x200e, 0x200f, 0x202a...0x202e, 0x2066...0x2069:
                out += visible(scalar, width: 4, "\\u")
            default: out.append(scalar)
            }
        }
        return String(out)
    }

    private static func visible(
        _ scalar: Unicode.Scalar, width: Int, _ prefix: String
    ) -> String.UnicodeScalarView {
        let hex = String(scalar.value, radix: 16)
        return (prefix + String(repeating: "0", count: max(0, width - hex.count)) + hex)
            .unicodeScalars
    }
}
