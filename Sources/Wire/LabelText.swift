import LogModel

/// The text of a label set, `{a="b", c="d"}`, as protobuf pushes carry it: Prometheus' metric
/// syntax with its error texts.
package enum LabelText {
    /// Sorted by name, without empty values; repeated names stay.
    ///
    /// Errors: 400 `couldn't parse labels: 1:4: parse error: …`.
    package static func parse(_ text: String) throws(WireError) -> [Label] {
        var parser = LabelTextParser(Array(text.utf8))
        return sorted(try parser.parse())
    }

    static func sorted(_ labels: [Label]) -> [Label] {
        labels.filter { !$0.value.isEmpty }.sorted()
    }

    /// True for names that Prometheus and LogQL can write.
    package static func isName(_ text: some Collection<UInt8>) -> Bool {
        guard let first = text.first, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first)
        else { return false }
        return text.allSatisfy(isNameByte)
    }

    static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    /// How Loki would write the set before it parses it: the text that errors of JSON pushes cite.
    package static func print(_ labels: [Label]) -> String {
        "{" + labels.map { "\($0.name)=\(quoted($0.value))" }.joined(separator: ", ") + "}"
    }
}

/// One pass over the text; made for one call of `LabelText.parse`.
private struct LabelTextParser {
    private enum Token {
        case name(String)
        case string(String)
        case symbol(UInt8)
        case end

        /// The way Prometheus names a token in its errors.
        var description: String {
            switch self {
            case .name(let text): "identifier \(quoted(text))"
            case .string(let text): "string \(quoted(text))"
            case .symbol(let byte): "\"\(Character(Unicode.Scalar(byte)))\""
            case .end: "end of input"
            }
        }
    }

    private let bytes: [UInt8]
    private var offset = 0
    private var tokenStart = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    private func wrong(_ what: String, at place: Int) -> WireError {
        var line = 1
        var column = 1
        for byte in bytes[..<min(place, bytes.count)] {
            if byte == 0x0a {
                line += 1
                column = 1
            } else {
                column += 1
            }
        }
        return .badRequest("couldn't parse labels: \(line):\(column): parse error: \(what)")
    }

    private func unexpected(_ token: Token, expected: String) -> WireError {
        wrong(
            "unexpected \(token.description) in label set, expected \(expected)", at: tokenStart)
    }

    mutating func parse() throws(WireError) -> [Label] {
        var labels: [Label] = []
        skipSpace()
        let metric = takeName()
        if !metric.isEmpty { labels.append(Label("__name__", metric)) }
        skipSpace()
        if metric.isEmpty || offset < bytes.count {
            guard offset < bytes.count, bytes[offset] == UInt8(ascii: "{") else {
                throw wrong(
                    offset < bytes.count
                        ? "unexpected character: \(quotedCharacter(at: offset))"
                        : "unexpected end of input", at: offset)
            }
            offset += 1
            try braces(into: &labels)
        }
        skipSpace()
        guard offset == bytes.count else {
            throw wrong("unexpected character: \(quotedCharacter(at: offset))", at: offset)
        }
        return labels
    }

    private mutating func braces(into labels: inout [Label]) throws(WireError) {
        while true {
            let name: String
            switch try next() {
            case .symbol(UInt8(ascii: "}")): return
            case .string(let text) where text.utf8.contains(0x22):
                // Texts of label sets must read as one set only.
                throw wrong("the label name \(quoted(text)) has a quotation mark", at: tokenStart)
            case .name(let text), .string(let text): name = text
            case let other: throw unexpected(other, expected: "identifier or \"}\"")
            }
            let equals = try next()
            guard case .symbol(UInt8(ascii: "=")) = equals else {
                throw unexpected(equals, expected: "\"=\"")
            }
            let value = try next()
            guard case .string(let text) = value else {
                throw unexpected(value, expected: "string")
            }
            labels.append(Label(name, text))
            switch try next() {
            case .symbol(UInt8(ascii: ",")): break
            case .symbol(UInt8(ascii: "}")): return
            case let other: throw unexpected(other, expected: "\",\" or \"}\"")
            }
        }
    }

    private mutating func skipSpace() {
        while offset < bytes.count, [0x20, 0x09, 0x0a, 0x0d].contains(bytes[offset]) { offset += 1 }
    }

    private mutating func takeName() -> String {
        let start = offset
        guard offset < bytes.count, LabelText.isNameByte(bytes[offset]),
            !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[offset])
        else { return "" }
        while offset < bytes.count, LabelText.isNameByte(bytes[offset]) { offset += 1 }
        return String(decoding: bytes[start..<offset], as: UTF8.self)
    }

    private mutating func next() throws(WireError) -> Token {
        skipSpace()
        tokenStart = offset
        guard offset < bytes.count else { return .end }
        switch bytes[offset] {
        case UInt8(ascii: "}"), UInt8(ascii: ","), UInt8(ascii: "="):
            offset += 1
            return .symbol(bytes[offset - 1])
        case UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "`"):
            return .string(try string(quote: bytes[offset]))
        default:
            let name = takeName()
            guard !name.isEmpty else {
                throw wrong(
                    "unexpected character inside braces: \(quotedCharacter(at: offset))", at: offset
                )
            }
            return .name(name)
        }
    }

    private func quotedCharacter(at place: Int) -> String {
        let text = String(decoding: bytes[place..<min(place + 4, bytes.count)], as: UTF8.self)
        return "'\(text.unicodeScalars.first.map(Character.init) ?? "?")'"
    }

    private mutating func string(quote: UInt8) throws(WireError) -> String {
        let start = offset
        offset += 1
        var out: [UInt8] = []
        while offset < bytes.count {
            let byte = bytes[offset]
            offset += 1
            if byte == quote { return String(decoding: out, as: UTF8.self) }
            if quote == UInt8(ascii: "`") || byte != UInt8(ascii: "\\") {
                if byte == 0x0a, quote != UInt8(ascii: "`") { break }
                out.append(byte)
            } else {
                try escape(into: &out, quote: quote)
            }
        }
        throw wrong("unterminated quoted string", at: start)
    }

    /// The escapes of Go: one letter, `\ooo`, `\xhh`, `\uhhhh`, `\Uhhhhhhhh`.
    private mutating func escape(into out: inout [UInt8], quote: UInt8) throws(WireError) {
        let start = offset - 1
        guard offset < bytes.count else {
            throw wrong("escape sequence not terminated", at: start)
        }
        let letter = bytes[offset]
        offset += 1
        switch letter {
        case UInt8(ascii: "a"): out.append(0x07)
        case UInt8(ascii: "b"): out.append(0x08)
        case UInt8(ascii: "f"): out.append(0x0c)
        case UInt8(ascii: "n"): out.append(0x0a)
        case UInt8(ascii: "r"): out.append(0x0d)
        case UInt8(ascii: "t"): out.append(0x09)
        case UInt8(ascii: "v"): out.append(0x0b)
        case UInt8(ascii: "\\"), quote: out.append(letter)
        case UInt8(ascii: "0")...UInt8(ascii: "7"):
            offset -= 1
            out.append(UInt8(truncatingIfNeeded: try digits(3, radix: 8, from: start, most: 255)))
        case UInt8(ascii: "x"):
            out.append(UInt8(truncatingIfNeeded: try digits(2, radix: 16, from: start, most: 255)))
        case UInt8(ascii: "u"), UInt8(ascii: "U"):
            let count = letter == UInt8(ascii: "u") ? 4 : 8
            let value = try digits(count, radix: 16, from: start, most: 0x10FFFF)
            guard let scalar = Unicode.Scalar(value) else {
                throw wrong("escape sequence is an invalid Unicode code point", at: start)
            }
            out.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
        default:
            throw wrong("unknown escape sequence \(quotedCharacter(at: offset - 1))", at: start)
        }
    }

    private mutating func digits(
        _ count: Int, radix: Int, from start: Int, most: UInt32
    ) throws(WireError) -> UInt32 {
        guard offset + count <= bytes.count,
            let value = UInt32(
                String(decoding: bytes[offset..<offset + count], as: UTF8.self), radix: radix),
            bytes[offset] != UInt8(ascii: "+"), value <= most
        else { throw wrong("illegal escape sequence", at: start) }
        offset += count
        return value
    }
}
