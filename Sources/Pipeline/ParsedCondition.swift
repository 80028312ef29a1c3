import LogModel
import Regexp

extension LogPipeline {
    /// What lines must hold for the label filters behind a parser: `| json | trace="4bf9"` wants lines
    /// with `4bf9`, or with an escape, which may stand for anything. Literals that are shorter than
    /// `shortest` bytes are not worth looking for. Nil when nothing is known.
    package func parsedCondition(shortest: Int) -> ParsedCondition? {
        let rest = stages.dropFirst(leadingFilters.count)
        guard let parser = rest.first, let escapes = parser.escapes else { return nil }
        var found = ParsedCondition()
        for case .labelFilter(let filter) in rest.dropFirst().prefix(while: {
            if case .labelFilter = $0 { true } else { false }
        }) {
            guard
                let one = filter.condition({ literal in
                    parser.condition(literal, escapes, shortest: shortest)
                })
            else { continue }
            found.condition = found.condition.and(one)
            found.isSelective = found.isSelective || one.isSelective
            found.names.formUnion(filter.names)
        }
        return found.condition == .anything ? nil : found
    }
}

extension LineCondition {
    /// Literals of so many bytes are ids or sentences, which few lines have.
    private static let selectiveBytes = 8

    fileprivate var isSelective: Bool {
        switch self {
        case .anything, .not: false
        case .contains(let needle, _): needle.count >= Self.selectiveBytes
        case .all(let list): list.contains(where: \.isSelective)
        // An escape is rare as it is.
        case .any(let list):
            list.allSatisfy { $0.isSelective || $0.isEscape } && !list.allSatisfy(\.isEscape)
        }
    }

    private var isEscape: Bool {
        if case .contains(let needle, _) = self {
            needle.first == UInt8(ascii: "\\")
        } else {
            false
        }
    }
}

extension CompiledStage {
    /// What a line holds in which a value may be spelled in another way; nil for stages that are no
    /// parser, or make values of their own.
    fileprivate var escapes: [[UInt8]]? {
        switch self {
        case .pattern, .regexp: []
        case .logfmt: [Array("\\".utf8)]
        // `\/` and the like stand for characters at which literals are cut.
        case .json(let stage): stage.keepsArrays ? nil : [Array("\\u".utf8)]
        default: nil
        }
    }

    /// Bytes that a parser may have put in the place of others, or written with an escape.
    private func mayDiffer(_ byte: UInt8) -> Bool {
        switch self {
        // Of U+FFFD, which stands for what is no text.
        case .pattern, .regexp: byte == 0xef
        default:
            byte == 0xef || byte <= 0x20 || byte == 0x7f || byte == UInt8(ascii: "\\")
                || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "/")
        }
    }

    /// What a line must hold for a value that contains a literal.
    fileprivate func condition(
        _ literal: LineCondition.Literal, _ escapes: [[UInt8]], shortest: Int
    ) -> LineCondition {
        let pieces = literal.bytes.split { mayDiffer($0) }.filter { $0.count >= shortest }
        guard !pieces.isEmpty else { return .anything }
        let plain = pieces.reduce(LineCondition.anything) { known, piece in
            known.and(.contains(Array(piece), ignoringCase: literal.ignoringCase))
        }
        return .either([plain] + escapes.map { .contains($0) })
    }
}

extension LabelFilterStage {
    /// What a line must hold if its values have all labels that the filter looks at; nil when nothing
    /// is known.
    fileprivate func condition(
        _ ofLiteral: (LineCondition.Literal) -> LineCondition
    ) -> LineCondition? {
        switch self {
        case .string(let matcher, let regexp):
            guard Self.comesFromLines(matcher.name) else { return nil }
            let condition: LineCondition
            switch matcher.op {
            case .equal:
                condition = ofLiteral(.init(bytes: Array(matcher.value.utf8), ignoringCase: false))
            case .match:
                guard let regexp else { return nil }
                condition = LineCondition(regexp.requiredText, ofLiteral)
            case .notEqual, .notMatch: return nil
            }
            return condition == .anything ? nil : condition
        case .and(let a, let b):
            let parts = [a.condition(ofLiteral), b.condition(ofLiteral)].compactMap { $0 }
            return parts.isEmpty ? nil : parts.reduce(.anything) { $0.and($1) }
        case .or(let a, let b):
            guard let left = a.condition(ofLiteral), let right = b.condition(ofLiteral) else {
                return nil
            }
            return .either([left, right])
        default: return nil
        }
    }

    /// False for labels that the pipeline makes itself.
    private static func comesFromLines(_ name: String) -> Bool {
        !name.hasPrefix("__") && !name.hasSuffix(RowLabels.extracted) && name != detectedLevelName
    }
}

extension LineCondition {
    /// A text that is looked for.
    struct Literal {
        var bytes: [UInt8]
        var ignoringCase: Bool
    }

    init(_ text: RequiredText, _ ofLiteral: (Literal) -> LineCondition) {
        switch text {
        case .anything: self = .anything
        case .contains(let bytes, let ignoringCase):
            self = ofLiteral(Literal(bytes: bytes, ignoringCase: ignoringCase))
        case .all(let list):
            self = list.reduce(.anything) { $0.and(LineCondition($1, ofLiteral)) }
        case .any(let list): self = .either(list.map { LineCondition($0, ofLiteral) })
        }
    }
}
