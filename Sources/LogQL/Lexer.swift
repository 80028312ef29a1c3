import LogModel

/// A piece of a query.
struct Token: Equatable {
    enum Kind: Equatable {
        /// Names and keywords; keywords are told by the parser, where they are allowed.
        case identifier(String)
        case string(String)
        /// As written.
        case number(String)
        /// Nanoseconds.
        case duration(Int64)
        case bytes(UInt64)
        /// `[5m]`, in nanoseconds.
        case range(Int64)
        /// `[1h:5m]`, `[1h:]`.
        case subrange(Int64, step: Int64?)
        case symbol(String)
        /// `--strict`, `--keep-empty`.
        case flag(String)
        case end
    }
    var kind: Kind
    var position: SourcePosition
    var length: Int

    /// How Loki's messages name a token.
    var name: String {
        switch kind {
        case .identifier(let text):
            Parser.reserved.contains(text.lowercased()) ? text.lowercased() : "IDENTIFIER"
        case .string: "STRING"
        case .number: "NUMBER"
        case .duration: "DURATION"
        case .bytes: "BYTES"
        case .range, .subrange: "RANGE"
        case .symbol(let text): text
        case .flag: "PARSER_FLAG"
        case .end: "$end"
        }
    }
}

/// Cuts a query into tokens: Go's lexical rules for strings, numbers and comments, LogQL's for the
/// rest.
struct Lexer {
    private let text: [Unicode.Scalar]
    private var at = 0
    private var offset = 0
    private var line = 1
    private var column = 1

    private static let symbols = [
        "|=", "|~", "|>", "!=", "!~", "!>", "=~", "==", "<=", ">=", "=", "<", ">", "|", "{", "}",
        "(", ")", ",", "+", "-", "*", "/", "%", "^", ".", "@",
    ].map { (text: $0, scalars: Array($0.unicodeScalars)) }

    static func tokens(of text: String) throws(SyntaxError) -> [Token] {
        var lexer = Lexer(text: Array(text.unicodeScalars))
        var tokens: [Token] = []
        repeat { tokens.append(try lexer.next()) } while tokens.last?.kind != .end
        return tokens
    }

    private init(text: [Unicode.Scalar]) { self.text = text }

    private var position: SourcePosition {
        SourcePosition(offset: offset, line: line, column: column)
    }

    private func peek(_ ahead: Int = 0) -> Unicode.Scalar? {
        at + ahead < text.count ? text[at + ahead] : nil
    }

    private mutating func advance() {
        if text[at] == "\n" {
            line += 1
            column = 1
        } else {
            column += 1
        }
        offset += UTF8.width(text[at])
        at += 1
    }

    private mutating func skipBlanks() throws(SyntaxError) {
        while let scalar = peek() {
            if scalar == " " || scalar == "\t" || scalar == "\n" || scalar == "\r" {
                advance()
            } else if scalar == "#" || (scalar == "/" && peek(1) == "/") {
                while let scalar = peek(), scalar != "\n" {
                    _ = scalar
                    advance()
                }
            } else if scalar == "/", peek(1) == "*" {
                let start = position
                advance()
                advance()
                while !(peek() == "*" && peek(1) == "/") {
                    guard peek() != nil else {
                        throw .syntax("comment not terminated", at: start)
                    }
                    advance()
                }
                advance()
                advance()
            } else {
                return
            }
        }
    }

    private mutating func next() throws(SyntaxError) -> Token {
        try skipBlanks()
        let start = position
        let from = at
        guard let scalar = peek() else { return Token(kind: .end, position: start, length: 1) }
        let kind: Token.Kind
        switch scalar {
        case "\"": kind = .string(try quotedString(start))
        case "`": kind = .string(try rawString(start))
        case "'": throw .syntax("invalid char literal", at: start)
        case "[": kind = try rangeLiteral(start)
        case _ where scalar.isDigit || (scalar == "." && peek(1)?.isDigit == true):
            kind = try quantity(start)
        case _ where scalar.isIdentifierStart:
            kind = .identifier(word { $0.isIdentifierPart })
        case "-" where peek(1) == "-" && peek(2)?.isIdentifierStart == true:
            advance()
            advance()
            kind = .flag(word { $0.isIdentifierPart || $0 == "-" })
        default: kind = try symbol(start)
        }
        return Token(kind: kind, position: start, length: at - from)
    }

    private mutating func word(_ belongs: (Unicode.Scalar) -> Bool) -> String {
        var out = String.UnicodeScalarView()
        while let scalar = peek(), belongs(scalar) {
            out.append(scalar)
            advance()
        }
        return String(out)
    }

    private mutating func symbol(_ start: SourcePosition) throws(SyntaxError) -> Token.Kind {
        for candidate in Self.symbols where text[at...].starts(with: candidate.scalars) {
            for _ in candidate.scalars { advance() }
            return .symbol(candidate.text)
        }
        throw .syntax("syntax error: unexpected \(quoted(String(Character(text[at]))))", at: start)
    }

    /// A number, a duration or an amount of bytes, by what follows the digits.
    private mutating func quantity(_ start: SourcePosition) throws(SyntaxError) -> Token.Kind {
        var digits = word { $0.isDigit || $0 == "." }
        if let scalar = peek(), scalar == "e" || scalar == "E" {
            let sign = peek(1) == "+" || peek(1) == "-"
            if peek(sign ? 2 : 1)?.isDigit == true {
                advance()
                digits += "e"
                if sign {
                    digits += peek() == "-" ? "-" : "+"
                    advance()
                }
                digits += word { $0.isDigit }
            }
        }
        let unit = word { $0.isIdentifierPart || $0 == "." }
        if unit.isEmpty {
            guard Double(digits) != nil else {
                throw .syntax("unable to parse literal as a float: \(quoted(digits))", at: start)
            }
            return .number(digits)
        }
        if let span = DurationText.parse(digits + unit) { return .duration(span) }
        if let bytes = ByteText.parseLiteral(digits, unit) { return .bytes(bytes) }
        throw .syntax(
            "unable to parse literal as a float: strconv.ParseFloat: parsing "
                + "\(quoted(digits + unit)): invalid syntax", at: start,
            length: digits.count + unit.count)
    }

    private mutating func rangeLiteral(_ start: SourcePosition) throws(SyntaxError) -> Token.Kind {
        advance()
        let text = word { $0 != "]" && $0 != "\n" }
        guard peek() == "]" else { throw .syntax("missing closing ']' in duration", at: start) }
        advance()
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        let length = text.count + 2
        let span = try Self.span(parts[0], start, length)
        if parts.count == 1 { return .range(span) }
        guard parts.count == 2 else {
            throw .syntax("a subquery has one colon, as in [1h:5m]", at: start, length: length)
        }
        let isDefault = parts[1].allSatisfy { $0 == " " }
        let step = isDefault ? nil : try Self.span(parts[1], start, length)
        if step == 0 { throw .syntax("the step of a subquery must be greater than 0", at: start) }
        return .subrange(span, step: step)
    }

    private static func span(
        _ text: Substring, _ start: SourcePosition, _ length: Int
    ) throws(SyntaxError) -> Int64 {
        let trimmed = String(text.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
        guard let span = DurationText.parsePrometheus(trimmed) else {
            throw .syntax(
                "not a valid duration string: \(quoted(trimmed))", at: start, length: length)
        }
        return span
    }

    private mutating func rawString(_ start: SourcePosition) throws(SyntaxError) -> String {
        advance()
        let content = word { $0 != "`" }
        guard peek() != nil else { throw .syntax("literal not terminated", at: start) }
        advance()
        return content
    }

    private mutating func quotedString(_ start: SourcePosition) throws(SyntaxError) -> String {
        advance()
        var bytes: [UInt8] = []
        while true {
            guard let scalar = peek(), scalar != "\n" else {
                throw .syntax("literal not terminated", at: start)
            }
            advance()
            switch scalar {
            case "\"": return String(decoding: bytes, as: UTF8.self)
            case "\\": try escape(into: &bytes)
            default: bytes += UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter
            }
        }
    }

    private static let simpleEscapes: [Unicode.Scalar: UInt8] = [
        "a": 7, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11, "\\": 92, "\"": 34,
    ]

    private mutating func escape(into bytes: inout [UInt8]) throws(SyntaxError) {
        let place = position
        guard let scalar = peek() else { throw .syntax("literal not terminated", at: place) }
        advance()
        if let simple = Self.simpleEscapes[scalar] {
            bytes.append(simple)
            return
        }
        switch scalar {
        case "x": bytes.append(UInt8(truncatingIfNeeded: try digits(2, radix: 16, place)))
        case "u": try appendScalar(try digits(4, radix: 16, place), to: &bytes, place)
        case "U": try appendScalar(try digits(8, radix: 16, place), to: &bytes, place)
        case "0"..."7":
            let rest = try digits(2, radix: 8, place)
            let value = (scalar.value - 48) * 64 + rest
            guard value < 256 else { throw .syntax("unknown escape sequence", at: place) }
            bytes.append(UInt8(value))
        default: throw .syntax("unknown escape sequence", at: place)
        }
    }

    private mutating func digits(
        _ count: Int, radix: UInt32, _ place: SourcePosition
    ) throws(SyntaxError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<count {
            guard let scalar = peek(), let digit = Character(scalar).hexDigitValue, digit < radix
            else { throw .syntax("illegal character in escape sequence", at: place) }
            value = value << (radix == 16 ? 4 : 3) | UInt32(digit)
            advance()
        }
        return value
    }

    private func appendScalar(
        _ value: UInt32, to bytes: inout [UInt8], _ place: SourcePosition
    ) throws(SyntaxError) {
        guard let scalar = Unicode.Scalar(value), let encoded = UTF8.encode(scalar) else {
            throw .syntax("escape sequence is no Unicode code point", at: place)
        }
        bytes += encoded
    }
}

extension Unicode.Scalar {
    fileprivate var isDigit: Bool { ("0"..."9").contains(self) }
    fileprivate var isIdentifierStart: Bool {
        self == "_" || ("a"..."z").contains(self) || ("A"..."Z").contains(self)
            || (value >= 0x80 && properties.isAlphabetic)
    }
    fileprivate var isIdentifierPart: Bool {
        isIdentifierStart || isDigit || (value >= 0x80 && properties.numericType == .decimal)
    }
}
