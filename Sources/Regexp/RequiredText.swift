/// What every text that a pattern matches contains, so that a fast search for substrings can rule out
/// most lines before the automaton sees them.
package indirect enum RequiredText: Equatable, Sendable {
    /// Nothing is known.
    case anything
    /// With `ignoringCase` ASCII letters are folded.
    case contains([UInt8], ignoringCase: Bool)
    case all([RequiredText])
    case any([RequiredText])

    /// A shorter literal rules out too little to pay.
    fileprivate static let shortest = 2
    /// Branches of an alternation that are looked for one by one.
    fileprivate static let mostBranches = 64

    /// Reads what it is sure of. Wrong "anything" costs time, never an answer.
    static func of(_ pattern: String) -> (text: RequiredText, isExact: Bool) {
        var parser = RequiredTextParser(Array(pattern.utf8))
        guard let part = parser.parse() else { return (.anything, false) }
        if case .literal(let bytes, let ignoringCase) = part, !parser.hasAnchors,
            !ignoringCase || folded(bytes).isEmpty
        {
            return (.contains(bytes, ignoringCase: ignoringCase), true)
        }
        return (part.required, false)
    }

    /// Two letters have a third form outside of ASCII: the Kelvin sign and the long s. Those of some letters.
    fileprivate static func folded(_ bytes: [UInt8]) -> [[UInt8]] {
        let letters = bytes.map { $0 | 0x20 }
        return [(UInt8(ascii: "k"), [0xe2, 0x84, 0xaa]), (UInt8(ascii: "s"), [0xc5, 0xbf])]
            .filter { letters.contains($0.0) }.map(\.1)
    }

    /// The longest literal that is always there.
    var literal: [UInt8]? {
        switch self {
        case .contains(let bytes, false): bytes.count >= Self.shortest ? bytes : nil
        case .all(let list):
            list.compactMap(\.literal).max { $0.count < $1.count }
        default: nil
        }
    }
}

/// A part of a pattern: one literal, or something of which only what it contains is known.
private enum PatternPart {
    case literal([UInt8], ignoringCase: Bool)
    case other(RequiredText)

    var required: RequiredText {
        switch self {
        case .other(let text): return text
        case .literal(let bytes, let ignoringCase):
            guard bytes.count >= RequiredText.shortest else { return .anything }
            guard ignoringCase else { return .contains(bytes, ignoringCase: false) }
            let forms =
                [RequiredText.contains(bytes, ignoringCase: true)]
                + RequiredText.folded(bytes).map { .contains($0, ignoringCase: false) }
            return forms.count == 1 ? forms[0] : .any(forms)
        }
    }
}

/// A recursive descent over RE2's syntax that gives up where it meets what it does not know.
private struct RequiredTextParser {
    private static let deepest = 64

    private let pattern: [UInt8]
    private var at = 0
    private var ignoringCase = false
    private(set) var hasAnchors = false

    init(_ pattern: [UInt8]) { self.pattern = pattern }

    /// Nil when the pattern holds something unknown.
    mutating func parse() -> PatternPart? {
        guard let part = alternation(0), at == pattern.count else { return nil }
        return part
    }

    private var next: UInt8? { at < pattern.count ? pattern[at] : nil }

    private mutating func take(_ text: String) -> Bool {
        guard pattern[at...].starts(with: text.utf8) else { return false }
        at += text.utf8.count
        return true
    }

    private mutating func alternation(_ depth: Int) -> PatternPart? {
        guard depth < Self.deepest else { return nil }
        var branches: [PatternPart] = []
        repeat {
            guard let branch = sequence(depth) else { return nil }
            branches.append(branch)
        } while take("|")
        guard branches.count > 1 else { return branches[0] }
        let required = branches.map(\.required)
        if branches.count > RequiredText.mostBranches || required.contains(.anything) {
            return .other(.anything)
        }
        return .other(.any(required))
    }

    private mutating func sequence(_ depth: Int) -> PatternPart? {
        var parts: [PatternPart] = []
        while let byte = next, byte != UInt8(ascii: "|"), byte != UInt8(ascii: ")") {
            guard let atom = atom(depth) else { return nil }
            let repetition = quantifier()
            guard let part = atom else { continue }
            guard repetition.map({ $0 > 0 }) ?? true else {
                parts.append(.other(.anything))
                continue
            }
            if case .literal(let more, let fold) = part,
                case .literal(let known, fold)? = parts.last
            {
                parts[parts.count - 1] = .literal(known + more, ignoringCase: fold)
            } else {
                parts.append(part)
            }
            // What is repeated may stand between this text and the next.
            if repetition != nil { parts.append(.other(.anything)) }
        }
        if parts.count == 1 { return parts[0] }
        let required = parts.map(\.required).filter { $0 != .anything }
        if parts.isEmpty { return .literal([], ignoringCase: ignoringCase) }
        return .other(
            required.isEmpty ? .anything : required.count == 1 ? required[0] : .all(required))
    }

    /// How often the atom before it is there at least; nil without a quantifier.
    private mutating func quantifier() -> Int? {
        var least: Int?
        while let byte = next {
            switch byte {
            case UInt8(ascii: "*"), UInt8(ascii: "?"):
                at += 1
                least = 0
            case UInt8(ascii: "+"):
                at += 1
                least = min(least ?? 1, 1)
            case UInt8(ascii: "{"):
                guard let counted = repetition() else { return least }
                least = min(least ?? counted, counted)
            default: return least
            }
            _ = take("?")
        }
        return least
    }

    /// `{2}`, `{2,}` or `{2,3}`; nil for a brace that counts nothing, which is text.
    private mutating func repetition() -> Int? {
        func digits(_ from: Int) -> Int {
            pattern[from...].firstIndex { !(48...57).contains($0) } ?? pattern.count
        }
        var end = digits(at + 1)
        guard end > at + 1, let least = Int(String(decoding: pattern[at + 1..<end], as: UTF8.self))
        else { return nil }
        if end < pattern.count, pattern[end] == UInt8(ascii: ",") { end = digits(end + 1) }
        guard end < pattern.count, pattern[end] == UInt8(ascii: "}") else { return nil }
        at = end + 1
        return least
    }

    /// The outer nil gives up; the inner one is an atom without text.
    private mutating func atom(_ depth: Int) -> PatternPart?? {
        let byte = pattern[at]
        switch byte {
        case UInt8(ascii: "("): return group(depth)
        case UInt8(ascii: "["): return characterClass().map { .some($0) }
        case UInt8(ascii: "."):
            at += 1
            return .other(.anything)
        case UInt8(ascii: "^"), UInt8(ascii: "$"):
            at += 1
            hasAnchors = true
            return .some(nil)
        case UInt8(ascii: "\\"): return escape()
        case UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "?"): return nil
        default: return character()
        }
    }

    /// One character of text.
    private mutating func character() -> PatternPart? {
        var end = at + 1
        while end < pattern.count, pattern[end] & 0xc0 == 0x80 { end += 1 }
        defer { at = end }
        // Whatever letters fold to outside of ASCII is not known here.
        if ignoringCase, pattern[at] >= 0x80 { return .other(.anything) }
        return .literal(Array(pattern[at..<end]), ignoringCase: ignoringCase)
    }

    private mutating func escape() -> PatternPart?? {
        guard at + 1 < pattern.count else { return nil }
        let byte = pattern[at + 1]
        at += 2
        switch byte {
        case UInt8(ascii: "d"), UInt8(ascii: "D"), UInt8(ascii: "s"), UInt8(ascii: "S"),
            UInt8(ascii: "w"), UInt8(ascii: "W"):
            return .other(.anything)
        case UInt8(ascii: "b"), UInt8(ascii: "B"), UInt8(ascii: "A"), UInt8(ascii: "z"):
            hasAnchors = true
            return .some(nil)
        case UInt8(ascii: "n"): return .literal([10], ignoringCase: ignoringCase)
        case UInt8(ascii: "t"): return .literal([9], ignoringCase: ignoringCase)
        case UInt8(ascii: "r"): return .literal([13], ignoringCase: ignoringCase)
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"), 0x80...:
            return nil
        default: return .literal([byte], ignoringCase: ignoringCase)
        }
    }

    private mutating func group(_ depth: Int) -> PatternPart?? {
        at += 1
        let outside = ignoringCase
        if take("?") {
            if take("P<") || take("<") {
                guard let close = pattern[at...].firstIndex(of: UInt8(ascii: ">")) else {
                    return nil
                }
                at = close + 1
            } else {
                guard let opens = flags() else { return nil }
                if !opens {
                    // What repeats flags repeats the atom in front of them, which is done with.
                    if let next, "*+?{".utf8.contains(next) { return nil }
                    // Flags on their own hold to the end of the group around them.
                    return .some(nil)
                }
            }
        }
        guard let inner = alternation(depth + 1), take(")") else { return nil }
        ignoringCase = outside
        return inner
    }

    /// Reads flags up to `:` (true) or `)` (false).
    private mutating func flags() -> Bool? {
        var isOn = true
        while let byte = next {
            at += 1
            switch byte {
            case UInt8(ascii: "i"): ignoringCase = isOn
            case UInt8(ascii: "s"), UInt8(ascii: "m"), UInt8(ascii: "U"): break
            case UInt8(ascii: "-"): isOn = false
            case UInt8(ascii: ":"): return true
            case UInt8(ascii: ")"): return false
            default: return nil
            }
        }
        return nil
    }

    /// `[.]` is a character; of other classes nothing is known.
    private mutating func characterClass() -> PatternPart? {
        let start = at
        at += 1
        if next == UInt8(ascii: "^") { at += 1 }
        if next == UInt8(ascii: "]") { at += 1 }
        while let byte = next {
            switch byte {
            case UInt8(ascii: "\\"): at += 1
            case UInt8(ascii: "["):
                // [:alpha:] inside a class; without its ":]" the bracket is text.
                if at + 1 < pattern.count, pattern[at + 1] == UInt8(ascii: ":"),
                    let close = pattern[(at + 1)...].firstIndex(of: UInt8(ascii: "]")),
                    close > at + 2, pattern[close - 1] == UInt8(ascii: ":")
                {
                    at = close
                }
            case UInt8(ascii: "]"):
                at += 1
                let inside = pattern[start + 1..<at - 1]
                if inside.count == 1, let only = inside.first, only < 0x80,
                    only != UInt8(ascii: "^"), !ignoringCase
                {
                    return .literal([only], ignoringCase: false)
                }
                return .other(.anything)
            default: break
            }
            at += 1
        }
        return nil
    }
}
