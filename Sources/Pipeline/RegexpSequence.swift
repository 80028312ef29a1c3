import LogModel

/// A regular expression that is one thing after the other: characters, classes that repeat, groups
/// around them, and anchors at its ends. Most of those that people write for `| regexp` are.
package struct RegexpSequence {
    /// Characters of one kind. RE2 matches a class on characters, not on bytes: whether a byte beyond
    /// ASCII belongs to one depends on those around it.
    struct CharacterClass: Equatable {
        /// Bytes that surely belong to it.
        var members = ByteSet()
        /// Those, and bytes that may.
        var possible = ByteSet()
    }

    enum Element: Equatable {
        case byte(UInt8)
        /// As many as there are, or as few as will do.
        case run(CharacterClass, atLeast: Int, atMost: Int?, isLazy: Bool)
        case open(Int)
        case close(Int)
        case start
        case end
    }

    private(set) var elements: [Element] = []

    private let pattern: [UInt8]
    private var at = 0
    private var groups = 0

    /// Nil for alternatives, groups that repeat, flags, and whatever else is not known here.
    package init?(_ pattern: String) {
        self.pattern = Array(pattern.utf8)
        guard sequence(depth: 0), at == self.pattern.count else { return nil }
    }

    /// A text as it stands.
    init(literal: [UInt8]) {
        pattern = []
        elements = literal.map { .byte($0) }
    }

    private static let deepest = 64
    private static let longestCount = 1000

    private var next: UInt8? { at < pattern.count ? pattern[at] : nil }

    private mutating func take(_ text: String) -> Bool {
        guard pattern[at...].starts(with: text.utf8) else { return false }
        at += text.utf8.count
        return true
    }

    /// False when something is not known here.
    private mutating func sequence(depth: Int) -> Bool {
        guard depth < Self.deepest else { return false }
        while let byte = next, byte != UInt8(ascii: ")") {
            switch byte {
            case UInt8(ascii: "("):
                guard group(depth) else { return false }
            case UInt8(ascii: "^"):
                guard elements.allSatisfy(\.isOpening) else { return false }
                at += 1
                elements.append(.start)
            case UInt8(ascii: "$"):
                at += 1
                guard pattern[at...].allSatisfy({ $0 == UInt8(ascii: ")") }) else { return false }
                elements.append(.end)
            default:
                guard let atom = atom(), quantified(atom) else { return false }
            }
        }
        return true
    }

    private mutating func group(_ depth: Int) -> Bool {
        at += 1
        var number: Int?
        if take("?P<") || take("?<") {
            guard let close = pattern[at...].firstIndex(of: UInt8(ascii: ">")) else { return false }
            at = close + 1
            groups += 1
            number = groups
        } else if take("?:") {
        } else if next == UInt8(ascii: "?") {
            return false
        } else {
            groups += 1
            number = groups
        }
        if let number { elements.append(.open(number)) }
        guard sequence(depth: depth + 1), take(")") else { return false }
        if let number { elements.append(.close(number)) }
        return next.map { !"*+?{".utf8.contains($0) } ?? true
    }

    private enum Atom {
        case character([UInt8])
        case characters(CharacterClass)
    }

    /// Adds an atom as often as what follows it says.
    private mutating func quantified(_ atom: Atom) -> Bool {
        var range: (Int, Int?)?
        if take("*") {
            range = (0, nil)
        } else if take("+") {
            range = (1, nil)
        } else if take("?") {
            range = (0, 1)
        } else if next == UInt8(ascii: "{") {
            guard let counted = count() else { return false }
            range = counted
        }
        let isLazy = range != nil && take("?")
        // Two in a row are an error to RE2, or mean something that is not looked into here.
        if range != nil, let next, "*+?{".utf8.contains(next) { return false }
        switch atom {
        case .character(let bytes):
            guard let range else {
                elements += bytes.map { .byte($0) }
                return true
            }
            guard bytes.count == 1 else { return false }
            var only = CharacterClass()
            only.members.insert(bytes[0])
            only.possible.insert(bytes[0])
            elements.append(.run(only, atLeast: range.0, atMost: range.1, isLazy: isLazy))
        case .characters(let kind):
            let (least, most) = range ?? (1, 1)
            elements.append(.run(kind, atLeast: least, atMost: most, isLazy: isLazy))
        }
        return true
    }

    /// `{2}`, `{2,}` or `{2,3}`.
    private mutating func count() -> (Int, Int?)? {
        func number() -> Int? {
            let end = pattern[at...].firstIndex { !(48...57).contains($0) } ?? pattern.count
            defer { at = end }
            return Int(String(decoding: pattern[at..<end], as: UTF8.self))
                .flatMap { $0 <= Self.longestCount ? $0 : nil }
        }
        at += 1
        guard let least = number() else { return nil }
        if take("}") { return (least, least) }
        guard take(",") else { return nil }
        if take("}") { return (least, nil) }
        guard let most = number(), take("}") else { return nil }
        return (least, most)
    }

    private mutating func atom() -> Atom? {
        switch pattern[at] {
        case UInt8(ascii: "|"), UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "?"),
            UInt8(ascii: "{"):
            return nil
        case UInt8(ascii: "."):
            at += 1
            var line = CharacterClass()
            for byte in UInt8(0)..<0x80 where byte != 0x0a { line.add(byte) }
            line.mayHoldOthers()
            return .characters(line)
        case UInt8(ascii: "["): return set().map { .characters($0) }
        case UInt8(ascii: "\\"): return escape()
        default:
            var end = at + 1
            while end < pattern.count, pattern[end] & 0xc0 == 0x80 { end += 1 }
            defer { at = end }
            return .character(Array(pattern[at..<end]))
        }
    }

    private mutating func escape() -> Atom? {
        guard at + 1 < pattern.count else { return nil }
        at += 2
        let byte = pattern[at - 1]
        if let kind = CharacterClass(escape: byte) { return .characters(kind) }
        return Self.plain(byte).map { .character([$0]) }
    }

    /// The character that an escape stands for.
    private static func plain(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "n"): 0x0a
        case UInt8(ascii: "t"): 0x09
        case UInt8(ascii: "r"): 0x0d
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"), 0x80...:
            nil
        default: byte
        }
    }

    /// `[a-z_]`, `[^"]`, `[\d.]`: of ASCII alone.
    private mutating func set() -> CharacterClass? {
        at += 1
        let isNegated = take("^")
        var kind = CharacterClass()
        var isFirst = true
        while let byte = next, byte != UInt8(ascii: "]") || isFirst {
            isFirst = false
            guard byte < 0x80, byte != UInt8(ascii: "[") else { return nil }
            if byte == UInt8(ascii: "\\"), at + 1 < pattern.count,
                let inner = CharacterClass(escape: pattern[at + 1])
            {
                // A class that is a complement itself holds more than ASCII.
                guard inner.members == inner.possible else { return nil }
                at += 2
                for byte in UInt8(0)..<0x80 where inner.members.contains(byte) { kind.add(byte) }
                continue
            }
            guard let first = setCharacter() else { return nil }
            var last = first
            if next == UInt8(ascii: "-"), at + 1 < pattern.count,
                pattern[at + 1] != UInt8(ascii: "]")
            {
                at += 1
                guard let end = setCharacter(), end >= first else { return nil }
                last = end
            }
            for byte in first...last { kind.add(byte) }
        }
        guard take("]") else { return nil }
        return isNegated ? kind.complement : kind
    }

    private mutating func setCharacter() -> UInt8? {
        guard let byte = next, byte < 0x80, byte != UInt8(ascii: "[") else { return nil }
        at += 1
        guard byte == UInt8(ascii: "\\") else { return byte }
        guard let escaped = next else { return nil }
        at += 1
        return Self.plain(escaped)
    }
}

extension RegexpSequence.Element {
    var isOpening: Bool { if case .open = self { true } else { false } }
}

extension RegexpSequence.CharacterClass {
    /// `\d`, `\w`, `\s` and what they are not, as RE2 has them: ASCII.
    fileprivate init?(escape byte: UInt8) {
        switch byte | 0x20 {
        case UInt8(ascii: "d"): for digit in UInt8(ascii: "0")...UInt8(ascii: "9") { add(digit) }
        case UInt8(ascii: "w"):
            for digit in UInt8(ascii: "0")...UInt8(ascii: "9") { add(digit) }
            for letter in UInt8(ascii: "a")...UInt8(ascii: "z") {
                add(letter)
                add(letter ^ 0x20)
            }
            add(UInt8(ascii: "_"))
        case UInt8(ascii: "s"):
            for space in [0x09, 0x0a, 0x0c, 0x0d, 0x20] as [UInt8] { add(space) }
        default: return nil
        }
        if byte & 0x20 == 0 { self = complement }
    }

    fileprivate mutating func add(_ byte: UInt8) {
        members.insert(byte)
        possible.insert(byte)
    }

    fileprivate mutating func mayHoldOthers() {
        for byte in UInt8(0x80)...0xff { possible.insert(byte) }
    }

    /// Of a class of ASCII.
    fileprivate var complement: Self {
        var other = Self()
        for byte in UInt8(0)..<0x80 where !members.contains(byte) { other.add(byte) }
        other.mayHoldOthers()
        return other
    }
}
