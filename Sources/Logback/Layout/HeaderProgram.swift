/// The steps of a layout as matching walks them. Instructions are plain values, nothing that is counted
/// when it is copied, as every line takes a dozen of them.
final class HeaderProgram: Sendable {
    struct Instruction: Sendable {
        enum Kind: Sendable {
            case literal, stamp, furtherStamp, level, field, optionalBrackets, colours, padding
            case groupStart, groupEnd, lineEnd
        }

        var kind: Kind
        /// Of a literal: its bytes. Of a stamp: the number of its format. Of a level: the number of its
        /// first rendering.
        var from = 0
        var to = 0
        /// UTF-16 units.
        var least = 0
        var most = Int.max
        var isNumber = false
        /// `k="v" k2="v2"`, which tell themselves where they end; with this quote, or 0.
        var isPairs = false
        var quote: UInt8 = 0
        var isLeftAligned = false
        var without = CompiledLayout.Without.nothing
    }

    let instructions: [Instruction]
    let bytes: [UInt8]
    let formats: [TimestampFormat]
    /// Bytes of the levels as they are written, five for each place of a level.
    let renderings: [Range<Int>]

    static let levels = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR"]

    init(_ steps: [CompiledLayout.Step]) {
        var parts = Parts()
        instructions = steps.map { parts.instruction($0) }
        (bytes, formats, renderings) = (parts.bytes, parts.formats, parts.renderings)
    }
}

/// What instructions refer to by numbers.
private struct Parts {
    typealias Instruction = HeaderProgram.Instruction

    var bytes: [UInt8] = []
    var formats: [TimestampFormat] = []
    var renderings: [Range<Int>] = []

    mutating func instruction(_ step: CompiledLayout.Step) -> Instruction {
        switch step {
        case .literal(let literal):
            let range = store(literal)
            return Instruction(kind: .literal, from: range.lowerBound, to: range.upperBound)
        case .stamp(let format): return stamp(format, .stamp)
        case .furtherStamp(let format): return stamp(format, .furtherStamp)
        case .level(let written):
            let first = renderings.count
            for rendering in written {
                let range = store(rendering.bytes)
                renderings.append(range)
            }
            return Instruction(kind: .level, from: first)
        case .field(let field):
            var instruction = Instruction(
                kind: .field, least: field.width.least, most: field.width.most,
                isNumber: field.isNumber, without: field.without)
            if case .pairs(let quote) = field.name {
                (instruction.isPairs, instruction.quote) = (true, quote)
            }
            return instruction
        case .optionalBrackets: return Instruction(kind: .optionalBrackets)
        case .colours: return Instruction(kind: .colours)
        case .padding: return Instruction(kind: .padding)
        case .groupStart: return Instruction(kind: .groupStart)
        case .groupEnd(let least, let isLeftAligned):
            return Instruction(kind: .groupEnd, least: least, isLeftAligned: isLeftAligned)
        case .lineEnd: return Instruction(kind: .lineEnd)
        }
    }

    private mutating func store(_ literal: [UInt8]) -> Range<Int> {
        let start = bytes.count
        bytes += literal
        return start..<bytes.count
    }

    private mutating func stamp(
        _ format: TimestampFormat, _ kind: Instruction.Kind
    ) -> Instruction {
        formats.append(format)
        return Instruction(kind: kind, from: formats.count - 1)
    }
}
