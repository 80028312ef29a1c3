import LogQL

/// A piece of a template.
struct TemplateToken: Equatable {
    enum Kind: Equatable {
        /// Between actions, as bytes.
        case text([UInt8])
        case open, close
        /// A function or a keyword.
        case word(String)
        /// `.name`
        case field(String)
        /// `$`, `$name`; the name with its dollar.
        case variable(String)
        case string([UInt8])
        case number(TemplateNumber)
        /// `. | ( ) , := =`
        case symbol(String)
        case end
    }
    var kind: Kind
    /// True when blanks stand before it: `(x).y` is a field of x, `(x) .y` are two operands.
    var isSpaced = false
}

/// A constant: its type is chosen where it is used, as in Go.
enum TemplateNumber: Equatable, Sendable {
    case int(Int)
    case float(Double)
}

/// Cuts a template into tokens by the rules of Go's text/template.
struct TemplateLexer {
    private let bytes: [UInt8]
    private var at = 0
    private var tokens: [TemplateToken] = []
    private var depth = 0

    static func tokens(of text: String) throws(TemplateError) -> [TemplateToken] {
        var lexer = TemplateLexer(bytes: Array(text.utf8))
        try lexer.run()
        return lexer.tokens
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private static let opening = Array("{{".utf8)
    private static let closing = Array("}}".utf8)

    private func starts(with prefix: [UInt8], at place: Int) -> Bool {
        place + prefix.count <= bytes.count && bytes[place..<place + prefix.count] == prefix[...]
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x09 || byte == 0x0d || byte == 0x0a
    }

    private mutating func run() throws(TemplateError) {
        var trims = false
        while at < bytes.count {
            var open = at
            while open < bytes.count, !starts(with: Self.opening, at: open) { open += 1 }
            let trimsBefore =
                open + 3 < bytes.count && bytes[open + 2] == UInt8(ascii: "-")
                && Self.isSpace(bytes[open + 3])
            addText(at..<open, trimFront: trims, trimBack: trimsBefore)
            trims = false
            at = open
            guard at < bytes.count else { break }
            at += trimsBefore ? 4 : 2
            if try skipComment(&trims) { continue }
            tokens.append(TemplateToken(kind: .open))
            trims = try action()
            tokens.append(TemplateToken(kind: .close))
        }
        tokens.append(TemplateToken(kind: .end))
    }

    private mutating func addText(_ range: Range<Int>, trimFront: Bool, trimBack: Bool) {
        var range = range
        while trimFront, let first = range.first, Self.isSpace(bytes[first]) {
            range = first + 1..<range.upperBound
        }
        while trimBack, let last = range.last, Self.isSpace(bytes[last]) {
            range = range.lowerBound..<last
        }
        if !range.isEmpty { tokens.append(TemplateToken(kind: .text(Array(bytes[range])))) }
    }

    private mutating func skipComment(_ trims: inout Bool) throws(TemplateError) -> Bool {
        var start = at
        while start < bytes.count, Self.isSpace(bytes[start]) { start += 1 }
        guard starts(with: Array("/*".utf8), at: start) else { return false }
        var end = start + 2
        while end < bytes.count, !starts(with: Array("*/".utf8), at: end) { end += 1 }
        guard end < bytes.count else { throw TemplateError("unclosed comment") }
        at = end + 2
        if try takeClosing(&trims) { return true }
        throw TemplateError("comment ends before closing delimiter")
    }

    /// Takes `}}` or ` -}}`.
    private mutating func takeClosing(_ trims: inout Bool) throws(TemplateError) -> Bool {
        if at + 1 < bytes.count, Self.isSpace(bytes[at]), bytes[at + 1] == UInt8(ascii: "-"),
            starts(with: Self.closing, at: at + 2)
        {
            at += 4
            trims = true
            return true
        }
        guard starts(with: Self.closing, at: at) else { return false }
        at += 2
        return true
    }

    /// Lexes up to the closing delimiter; true when what follows is trimmed.
    private mutating func action() throws(TemplateError) -> Bool {
        var trims = false
        var spaced = false
        depth = 0
        while true {
            if try takeClosing(&trims) {
                guard depth == 0 else { throw TemplateError("unclosed left paren") }
                return trims
            }
            guard at < bytes.count else { throw TemplateError("unclosed action") }
            if Self.isSpace(bytes[at]) {
                at += 1
                spaced = true
                continue
            }
            tokens.append(TemplateToken(kind: try next(), isSpaced: spaced))
            spaced = false
        }
    }

    private mutating func next() throws(TemplateError) -> TemplateToken.Kind {
        let byte = bytes[at]
        switch byte {
        case UInt8(ascii: "\""): return .string(try GoText.quotedString(bytes, &at))
        case UInt8(ascii: "`"): return .string(try rawString())
        case UInt8(ascii: "'"): return .number(.int(try GoText.quotedCharacter(bytes, &at)))
        case UInt8(ascii: ":"):
            guard starts(with: Array(":=".utf8), at: at) else { throw TemplateError("expected :=") }
            at += 2
            return .symbol(":=")
        case UInt8(ascii: "("): depth += 1
        case UInt8(ascii: ")"):
            depth -= 1
            guard depth >= 0 else { throw TemplateError("unexpected right paren") }
        case UInt8(ascii: "|"), UInt8(ascii: "="), UInt8(ascii: ","): break
        case UInt8(ascii: "$"):
            at += 1
            return .variable("$" + word())
        case UInt8(ascii: "."):
            if at + 1 < bytes.count, (0x30...0x39).contains(bytes[at + 1]) { return try number() }
            at += 1
            let name = word()
            return name.isEmpty ? .symbol(".") : .field(name)
        case UInt8(ascii: "+"), UInt8(ascii: "-"), 0x30...0x39: return try number()
        default:
            let name = word()
            guard !name.isEmpty else {
                throw TemplateError("unexpected character \(GoText.character(byte)) in command")
            }
            return .word(name)
        }
        at += 1
        return .symbol(String(UnicodeScalar(byte)))
    }

    /// Letters, digits and underscores; everything beyond ASCII counts as a letter.
    private mutating func word() -> String {
        let start = at
        while at < bytes.count, GoText.isWord(bytes[at]) || bytes[at] >= 0x80 { at += 1 }
        return String(decoding: bytes[start..<at], as: UTF8.self)
    }

    private mutating func rawString() throws(TemplateError) -> [UInt8] {
        let start = at + 1
        at = start
        while at < bytes.count, bytes[at] != UInt8(ascii: "`") { at += 1 }
        guard at < bytes.count else { throw TemplateError("unterminated raw quoted string") }
        at += 1
        return Array(bytes[start..<at - 1])
    }

    private mutating func number() throws(TemplateError) -> TemplateToken.Kind {
        let start = at
        if bytes[at] == UInt8(ascii: "+") || bytes[at] == UInt8(ascii: "-") { at += 1 }
        while at < bytes.count {
            let byte = bytes[at]
            let isSign = byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-")
            let isHex = start + 1 < bytes.count && bytes[start..<at].contains(UInt8(ascii: "x"))
            let afterExponent =
                !isHex && [UInt8(ascii: "e"), UInt8(ascii: "E")].contains(bytes[at - 1])
            guard GoText.isWord(byte) || byte == UInt8(ascii: ".") || (isSign && afterExponent)
            else {
                break
            }
            at += 1
        }
        let text = String(decoding: bytes[start..<at], as: UTF8.self)
        if let value = GoNumber.parseInt(text) { return .number(.int(Int(value))) }
        if let value = NumberText.parse(text), text.contains(where: { ".eEpP".contains($0) }) {
            return .number(.float(value))
        }
        throw TemplateError("bad number syntax: \"\(text)\"")
    }
}
