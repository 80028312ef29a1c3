/// A pattern as far as searches look into it: what it takes, in which order.
indirect enum RegexpTree: Sendable {
    /// Takes nothing: an empty group, flags.
    case nothing
    /// Takes nothing, and does not hold everywhere.
    case anchor
    case text([UInt8], ignoringCase: Bool)
    /// One character of a class; those beyond ASCII are not told apart.
    case oneOf(Set<UInt8>, beyondASCII: Bool)
    case sequence([RegexpTree])
    case either([RegexpTree])
    /// `most` is nil without a bound.
    case repeated(RegexpTree, least: Int, most: Int?)

    static let anyCharacter = RegexpTree.oneOf(Set(0..<0x80), beyondASCII: true)
    /// Two letters have a third form outside of ASCII: the Kelvin sign and the long s.
    static let foldedBeyondASCII = Set("kKsS".utf8)

    var hasAnchors: Bool {
        switch self {
        case .anchor: true
        case .nothing, .text, .oneOf: false
        case .sequence(let parts), .either(let parts): parts.contains(where: \.hasAnchors)
        case .repeated(let part, _, _): part.hasAnchors
        }
    }

    /// Nil when the pattern holds something unknown. RE2 knows which patterns there are; this reads those that it
    /// accepts.
    init?(_ pattern: String) {
        var parser = RegexpParser(Array(pattern.utf8))
        guard let tree = parser.parse() else { return nil }
        self = tree
    }
}

/// A recursive descent over RE2's syntax that gives up where it meets what it does not know.
private struct RegexpParser {
    private static let deepest = 64

    private let pattern: [UInt8]
    private var at = 0
    private var ignoringCase = false

    init(_ pattern: [UInt8]) { self.pattern = pattern }

    mutating func parse() -> RegexpTree? {
        guard let tree = alternation(0), at == pattern.count else { return nil }
        return tree
    }

    private var next: UInt8? { at < pattern.count ? pattern[at] : nil }

    private mutating func take(_ text: String) -> Bool {
        guard pattern[at...].starts(with: text.utf8) else { return false }
        at += text.utf8.count
        return true
    }

    private mutating func alternation(_ depth: Int) -> RegexpTree? {
        guard depth < Self.deepest else { return nil }
        var branches: [RegexpTree] = []
        repeat {
            guard let branch = sequence(depth) else { return nil }
            branches.append(branch)
        } while take("|")
        return branches.count > 1 ? .either(branches) : branches[0]
    }

    private mutating func sequence(_ depth: Int) -> RegexpTree? {
        var parts: [RegexpTree] = []
        while let byte = next, byte != UInt8(ascii: "|"), byte != UInt8(ascii: ")") {
            guard let atom = atom(depth) else { return nil }
            if let (least, most) = quantifier() {
                parts.append(.repeated(atom, least: least, most: most))
            } else {
                parts.append(atom)
            }
        }
        return .sequence(parts)
    }

    /// How often the atom before it is there; nil without a quantifier. Of several, as in `a{2}+`, what they
    /// allow together.
    private mutating func quantifier() -> (least: Int, most: Int?)? {
        var found: (least: Int, most: Int?)?
        while let byte = next {
            let new: (least: Int, most: Int?)
            switch byte {
            case UInt8(ascii: "*"), UInt8(ascii: "?"), UInt8(ascii: "+"):
                new = (byte == UInt8(ascii: "+") ? 1 : 0, byte == UInt8(ascii: "?") ? 1 : nil)
                at += 1
            case UInt8(ascii: "{"):
                guard let counted = repetition() else { return found }
                new = counted
            default: return found
            }
            _ = take("?")
            found = found.map { (min($0.least, new.least), nil) } ?? new
        }
        return found
    }

    /// `{2}`, `{2,}` or `{2,3}`; nil for a brace that counts nothing, which is text.
    private mutating func repetition() -> (least: Int, most: Int?)? {
        func digits(_ from: Int) -> Int {
            pattern[from...].firstIndex { !(48...57).contains($0) } ?? pattern.count
        }
        func number(_ range: Range<Int>) -> Int? {
            Int(String(decoding: pattern[range], as: UTF8.self))
        }
        var end = digits(at + 1)
        guard end > at + 1, let least = number(at + 1..<end) else { return nil }
        var most: Int? = least
        if end < pattern.count, pattern[end] == UInt8(ascii: ",") {
            let start = end + 1
            end = digits(start)
            most = number(start..<end)
        }
        guard end < pattern.count, pattern[end] == UInt8(ascii: "}") else { return nil }
        at = end + 1
        return (least, most)
    }

    private mutating func atom(_ depth: Int) -> RegexpTree? {
        let byte = pattern[at]
        switch byte {
        case UInt8(ascii: "("): return group(depth)
        case UInt8(ascii: "["): return characterClass()
        case UInt8(ascii: "."):
            at += 1
            return .anyCharacter
        case UInt8(ascii: "^"), UInt8(ascii: "$"):
            at += 1
            return .anchor
        case UInt8(ascii: "\\"): return escape()
        case UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "?"): return nil
        default: return character()
        }
    }

    /// One character of text.
    private mutating func character() -> RegexpTree {
        var end = at + 1
        while end < pattern.count, pattern[end] & 0xc0 == 0x80 { end += 1 }
        defer { at = end }
        // Whatever letters fold to outside of ASCII is not known here.
        if ignoringCase, pattern[at] >= 0x80 {
            return .oneOf(RegexpTree.foldedBeyondASCII, beyondASCII: true)
        }
        return .text(Array(pattern[at..<end]), ignoringCase: ignoringCase)
    }

    private mutating func escape() -> RegexpTree? {
        guard at + 1 < pattern.count else { return nil }
        let byte = pattern[at + 1]
        at += 2
        // `\w` in any case has forms of k and s beyond ASCII, as a class in brackets has.
        if let named = CharacterClass.perl(byte)?.finished(ignoringCase: ignoringCase) {
            return .oneOf(named.ascii, beyondASCII: named.hasBeyondASCII)
        }
        switch byte {
        case UInt8(ascii: "b"), UInt8(ascii: "B"), UInt8(ascii: "A"), UInt8(ascii: "z"):
            return .anchor
        default:
            return CharacterClass.escaped(byte).map { .text([$0], ignoringCase: ignoringCase) }
        }
    }

    private mutating func group(_ depth: Int) -> RegexpTree? {
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
                    return .nothing
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

    private mutating func characterClass() -> RegexpTree? {
        guard let (found, end) = CharacterClass.read(pattern, at) else { return nil }
        at = end
        let named = found.finished(ignoringCase: ignoringCase)
        return .oneOf(named.ascii, beyondASCII: named.hasBeyondASCII)
    }
}
