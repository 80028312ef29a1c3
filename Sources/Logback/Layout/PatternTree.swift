/// A layout pattern of Logback as a tree: texts and conversion words, words with groups within.
package enum PatternNode: Sendable, Equatable {
    case text(String)
    case word(ConversionWord)
}

/// `%-5.10name(group){option, option}`.
package struct ConversionWord: Sendable, Equatable {
    package var name: String
    package var options: [String] = []
    /// Nil for a word without parentheses. A bare group, `%-30(…)`, has the name "".
    package var group: [PatternNode]?
    package var width = FieldWidth()
}

/// Padding and truncation of one value, in UTF-16 units, as Java counts.
package struct FieldWidth: Sendable, Equatable {
    package var least = 0
    package var most = Int.max
    /// The blanks of a short value stand behind it: `%-5level`.
    package var isLeftAligned = false
    /// A long value keeps its end: `%.10logger`; `%.-10logger` keeps its beginning.
    package var keepsEnd = true

    package init() {}

    var isFixed: Bool { least == most }
    var isPlain: Bool { least == 0 && most == .max }
}

/// What is wrong with a pattern.
package enum PatternError: Error, Equatable, Sendable, CustomStringConvertible {
    case tooLong(bytes: Int, limit: Int)
    case tooDeep(limit: Int)
    case unclosed(String, offset: Int)
    case noWord(offset: Int)

    package var description: String {
        switch self {
        case .tooLong(let bytes, let limit):
            "the pattern has \(bytes) bytes, more than \(limit)"
        case .tooDeep(let limit): "groups stand more than \(limit) deep"
        case .unclosed(let what, let offset): "\(what) at offset \(offset) is not closed"
        case .noWord(let offset): "no conversion word behind the % at offset \(offset)"
        }
    }
}

/// Reads patterns as Logback does, to its peculiarities: a `)` outside of a group that is not escaped
/// ends the pattern there, and what follows is never written.
package struct PatternParser {
    /// Longer ones are no layouts, and steps are compared for every line.
    package static let maxBytes = 16 * 1024
    /// Groups in groups; a thread's stack holds many times this.
    package static let maxDepth = 32

    private let letters: [Character]
    private var at = 0
    /// What stands behind an unexpected `)` and is never written.
    package private(set) var ignored: String?

    private init(_ pattern: String) { letters = Array(pattern) }

    package static func parse(
        _ pattern: String
    ) throws(PatternError) -> (nodes: [PatternNode], ignored: String?) {
        let bytes = pattern.utf8.count
        guard bytes <= maxBytes else { throw .tooLong(bytes: bytes, limit: maxBytes) }
        var parser = PatternParser(pattern)
        let nodes = try parser.sequence(depth: 0)
        return (nodes, parser.ignored)
    }

    private mutating func sequence(depth: Int) throws(PatternError) -> [PatternNode] {
        guard depth <= Self.maxDepth else { throw .tooDeep(limit: Self.maxDepth) }
        var nodes: [PatternNode] = []
        var text = ""
        func flush() {
            if !text.isEmpty { nodes.append(.text(text)) }
            text = ""
        }
        while at < letters.count {
            switch letters[at] {
            case "\\":
                at += 1
                text += escaped()
            case ")":
                flush()
                if depth > 0 { return nodes }
                ignored = String(letters[at...])
                at = letters.count
            case "%":
                flush()
                nodes.append(.word(try word(depth: depth)))
            default:
                text.append(letters[at])
                at += 1
            }
        }
        flush()
        return nodes
    }

    /// Behind a backslash.
    private mutating func escaped() -> String {
        guard at < letters.count else { return "" }
        defer { at += 1 }
        switch letters[at] {
        case "_": return ""
        case "t": return "\t"
        case "r": return "\r"
        case "n": return "\n"
        case let letter where "%()\\'\"".contains(letter): return String(letter)
        case let letter: return "\\" + String(letter)
        }
    }

    private mutating func word(depth: Int) throws(PatternError) -> ConversionWord {
        let start = at
        at += 1
        var word = ConversionWord(name: "", width: width())
        while at < letters.count, Self.isWordLetter(letters[at], first: word.name.isEmpty) {
            word.name.append(letters[at])
            at += 1
        }
        if at < letters.count, letters[at] == "(" {
            let open = at
            at += 1
            word.group = try sequence(depth: depth + 1)
            guard at < letters.count, ignored == nil else {
                throw .unclosed("the group", offset: open)
            }
            at += 1
        } else if word.name.isEmpty {
            throw .noWord(offset: start)
        }
        if at < letters.count, letters[at] == "{" { word.options = try options() }
        return word
    }

    private static func isWordLetter(_ letter: Character, first: Bool) -> Bool {
        letter == "_" || letter == "$" || letter.isLetter || (!first && letter.isNumber)
    }

    /// `-5.10`.
    private mutating func width() -> FieldWidth {
        var width = FieldWidth()
        if take("-") { width.isLeftAligned = true }
        width.least = number() ?? 0
        if take(".") {
            if take("-") { width.keepsEnd = false }
            width.most = number() ?? .max
        }
        width.least = min(width.least, width.most)
        return width
    }

    private mutating func take(_ letter: Character) -> Bool {
        guard at < letters.count, letters[at] == letter else { return false }
        at += 1
        return true
    }

    /// Digits; more than a width can have count as the largest.
    private mutating func number() -> Int? {
        var value: Int?
        while at < letters.count, let digit = letters[at].wholeNumberValue, letters[at].isASCII {
            value = min((value ?? 0) * 10 + digit, Self.maxBytes)
            at += 1
        }
        return value
    }

    /// `{one, "two, quoted", three}`.
    private mutating func options() throws(PatternError) -> [String] {
        let open = at
        at += 1
        var options: [String] = []
        while true {
            while at < letters.count, letters[at] == "," || letters[at].isWhitespace { at += 1 }
            guard at < letters.count else { throw .unclosed("{", offset: open) }
            switch letters[at] {
            case "}":
                at += 1
                return options
            case "'", "\"":
                options.append(try quoted())
            default:
                let start = at
                while at < letters.count, letters[at] != ",", letters[at] != "}" { at += 1 }
                let raw = String(letters[start..<at])
                options.append(raw.trimmed)
            }
        }
    }

    private mutating func quoted() throws(PatternError) -> String {
        let open = at
        let quote = letters[at]
        at += 1
        var text = ""
        while at < letters.count, letters[at] != quote {
            if letters[at] == "\\", at + 1 < letters.count {
                at += 1
                if letters[at] != quote { text.append("\\") }
            }
            text.append(letters[at])
            at += 1
        }
        guard at < letters.count else { throw .unclosed("the quote", offset: open) }
        at += 1
        return text
    }
}

extension StringProtocol {
    /// Without white space at both ends.
    var trimmed: String {
        var rest = self[...]
        while let first = rest.first, first.isWhitespace { rest = rest.dropFirst() }
        while let last = rest.last, last.isWhitespace { rest = rest.dropLast() }
        return String(rest)
    }
}
