/// The characters of a class, those of ASCII one by one. May have more than the class, never less.
struct CharacterClass {
    private(set) var ascii: Set<UInt8> = []
    private(set) var hasBeyondASCII = false
    private var isNegated = false
    /// Something in it has a meaning that is not known here.
    private var isUnknown = false

    private static let all = Set<UInt8>(0..<0x80)
    private static let digits = Set("0123456789".utf8)
    private static let lower = Set(UInt8(ascii: "a")...UInt8(ascii: "z"))
    private static let upper = Set(UInt8(ascii: "A")...UInt8(ascii: "Z"))

    /// `\d` and the like, by their letter; capitals stand for all other characters.
    static func perl(_ letter: UInt8) -> CharacterClass? {
        let found: Set<UInt8>
        switch letter | 0x20 {
        case UInt8(ascii: "d"): found = digits
        case UInt8(ascii: "s"): found = Set("\t\n\u{0c}\r ".utf8)
        case UInt8(ascii: "w"): found = digits.union(lower).union(upper).union("_".utf8)
        default: return nil
        }
        let isNegated = upper.contains(letter)
        return CharacterClass(
            ascii: isNegated ? all.subtracting(found) : found, hasBeyondASCII: isNegated)
    }

    /// `[:alpha:]` and the like. Nil for a name that is not known.
    private static func posix(_ name: String) -> Set<UInt8>? {
        switch name {
        case "alnum": digits.union(lower).union(upper)
        case "alpha": lower.union(upper)
        case "ascii": all
        case "blank": Set("\t ".utf8)
        case "cntrl": Set(0..<0x20).union([0x7f])
        case "digit": digits
        case "graph": Set(0x21..<0x7f)
        case "lower": lower
        case "print": Set(0x20..<0x7f)
        case "punct": Set(0x21..<0x7f).subtracting(digits).subtracting(lower).subtracting(upper)
        case "space": Set("\t\n\u{0b}\u{0c}\r ".utf8)
        case "upper": upper
        case "word": digits.union(lower).union(upper).union("_".utf8)
        case "xdigit": digits.union("abcdefABCDEF".utf8)
        default: nil
        }
    }

    /// The character that an escape stands for; nil when it is not one that is known here.
    static func escaped(_ letter: UInt8) -> UInt8? {
        switch letter {
        case UInt8(ascii: "n"): 10
        case UInt8(ascii: "t"): 9
        case UInt8(ascii: "r"): 13
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"), 0x80...:
            nil
        default: letter
        }
    }

    /// Reads a class from its bracket on; gives where it ends. Nil when it does not.
    static func read(_ pattern: [UInt8], _ start: Int) -> (CharacterClass, end: Int)? {
        var found = CharacterClass()
        var at = start + 1
        if at < pattern.count, pattern[at] == UInt8(ascii: "^") {
            found.isNegated = true
            at += 1
        }
        var isFirst = true
        while at < pattern.count {
            if pattern[at] == UInt8(ascii: "]"), !isFirst { return (found, at + 1) }
            isFirst = false
            if let end = found.takeNamed(pattern, at) {
                at = end
                continue
            }
            let (low, end) = character(pattern, at)
            at = end
            guard at + 1 < pattern.count, pattern[at] == UInt8(ascii: "-"),
                pattern[at + 1] != UInt8(ascii: "]")
            else {
                found.add(low, low)
                continue
            }
            let (high, behind) = character(pattern, at + 1)
            at = behind
            found.add(low, high)
        }
        return nil
    }

    private enum Character {
        case ascii(UInt8), beyond, unknown
    }

    /// That at an offset, and where the next one is.
    private static func character(_ pattern: [UInt8], _ at: Int) -> (Character, end: Int) {
        if pattern[at] == UInt8(ascii: "\\") {
            guard at + 1 < pattern.count else { return (.unknown, at + 1) }
            return (escaped(pattern[at + 1]).map { .ascii($0) } ?? .unknown, at + 2)
        }
        guard pattern[at] >= 0x80 else { return (.ascii(pattern[at]), at + 1) }
        var end = at + 1
        while end < pattern.count, pattern[end] & 0xc0 == 0x80 { end += 1 }
        return (.beyond, end)
    }

    /// `\d` or `[:digit:]`; gives where it ends, nil when it is none of those.
    private mutating func takeNamed(_ pattern: [UInt8], _ at: Int) -> Int? {
        guard at + 1 < pattern.count else { return nil }
        if pattern[at] == UInt8(ascii: "\\"), let named = Self.perl(pattern[at + 1]) {
            ascii.formUnion(named.ascii)
            hasBeyondASCII = hasBeyondASCII || named.hasBeyondASCII
            return at + 2
        }
        // Without its ":]" the bracket is text.
        guard pattern[at] == UInt8(ascii: "["), pattern[at + 1] == UInt8(ascii: ":"),
            let close = pattern[(at + 1)...].firstIndex(of: UInt8(ascii: "]")), close > at + 2,
            pattern[close - 1] == UInt8(ascii: ":")
        else { return nil }
        let name = String(decoding: pattern[at + 2..<close - 1], as: UTF8.self)
        if let named = Self.posix(name) { ascii.formUnion(named) } else { isUnknown = true }
        return close + 1
    }

    private mutating func add(_ low: Character, _ high: Character) {
        switch (low, high) {
        case (.ascii(let low), .ascii(let high)) where low <= high: ascii.formUnion(low...high)
        case (.ascii(let low), .beyond):
            ascii.formUnion(low...0x7f)
            hasBeyondASCII = true
        case (.beyond, .beyond): hasBeyondASCII = true
        default: isUnknown = true
        }
    }

    /// With both cases, and turned round where it is negated.
    func finished(ignoringCase: Bool) -> CharacterClass {
        if isUnknown { return CharacterClass(ascii: Self.all, hasBeyondASCII: true) }
        var found = ascii
        var isBeyond = hasBeyondASCII
        if ignoringCase {
            let letters = found.intersection(Self.lower.union(Self.upper))
            found.formUnion(letters.map { $0 ^ 0x20 })
            if isBeyond, !isNegated { found.formUnion(RegexpTree.foldedBeyondASCII) }
            isBeyond = isBeyond || !found.isDisjoint(with: RegexpTree.foldedBeyondASCII)
        }
        guard isNegated else { return CharacterClass(ascii: found, hasBeyondASCII: isBeyond) }
        return CharacterClass(ascii: Self.all.subtracting(found), hasBeyondASCII: true)
    }

    private init(ascii: Set<UInt8> = [], hasBeyondASCII: Bool = false) {
        self.ascii = ascii
        self.hasBeyondASCII = hasBeyondASCII
    }
}
