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
    static func of(_ tree: RegexpTree) -> (text: RequiredText, isExact: Bool) {
        guard let part = PatternPart(tree) else { return (.anything, false) }
        if case .literal(let bytes, let ignoringCase) = part, !tree.hasAnchors,
            !ignoringCase || folded(bytes).isEmpty
        {
            return (.contains(bytes, ignoringCase: ignoringCase), true)
        }
        return (part.required, false)
    }

    /// The third form of letters that have one outside of ASCII: the Kelvin sign and the long s.
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

extension PatternPart {
    /// Nil for what takes nothing.
    fileprivate init?(_ tree: RegexpTree) {
        switch tree {
        case .nothing, .anchor: return nil
        case .text(let bytes, let ignoringCase): self = .literal(bytes, ignoringCase: ignoringCase)
        case .oneOf(let ascii, let beyond):
            self =
                ascii.count == 1 && !beyond
                ? .literal(Array(ascii), ignoringCase: false) : .other(.anything)
        case .sequence(let parts): self = Self.joined(parts)
        case .either(let branches):
            let required = branches.map { PatternPart($0)?.required ?? .anything }
            let areMany = branches.count > RequiredText.mostBranches
            self = .other(
                areMany || required.contains(.anything) ? .anything : .any(required))
        case .repeated: self = Self.joined([tree])
        }
    }

    private static func joined(_ trees: [RegexpTree]) -> PatternPart {
        var parts: [PatternPart] = []
        for tree in trees {
            var (tree, least) = (tree, 1)
            var isRepeated = false
            if case .repeated(let once, let times, _) = tree {
                (tree, least, isRepeated) = (once, times, true)
            }
            guard let part = PatternPart(tree) else { continue }
            guard least > 0 else {
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
            if isRepeated { parts.append(.other(.anything)) }
        }
        if parts.count == 1 { return parts[0] }
        let required = parts.map(\.required).filter { $0 != .anything }
        if parts.isEmpty { return .literal([], ignoringCase: false) }
        return .other(
            required.isEmpty ? .anything : required.count == 1 ? required[0] : .all(required))
    }
}
