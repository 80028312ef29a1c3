import LogModel

/// A label that a parser finds in every line of a shape, and where its value lies.
struct ShapeField {
    var name: String
    /// Units of the shape.
    var value: Range<Int>
    /// A value that is empty is not found at all.
    var skipsEmpty = false
    var isQuoted = false
    /// Of a regular expression: the value is this group of what it finds in the text of these units.
    var group: Int?
}

/// What a parser finds in every line of a shape.
struct ShapeFields {
    var fields: [ShapeField] = []
    /// Holes whose values must be numbers, true or false, or the parser goes another way.
    var scalars: [Int] = []
}

/// Parsers run on a shape instead of a line: what they find is found at the same units in every line of
/// the shape, whatever its holes hold. Each says nil as soon as a hole could change its way.
extension CompiledStage {
    func fields(in shape: LineShape, _ demand: ParserDemand) -> ShapeFields? {
        switch self {
        case .logfmt(let stage):
            guard var parse = LogfmtShape(stage, shape, demand) else { return nil }
            return parse.fields().map { ShapeFields(fields: $0) }
        case .pattern(let stage):
            return PatternShape(shape, demand).fields(stage.parts).map { ShapeFields(fields: $0) }
        case .json(let stage):
            guard !stage.keepsArrays else { return nil }
            var parse = JSONShape(shape, demand)
            return parse.fields()
        case .regexp(let stage): return stage.fields(in: shape, demand)
        default: return nil
        }
    }

    /// The text of a value, as the parser would give it.
    func text(of value: UnsafeRawBufferPointer, isQuoted: Bool) -> String {
        if case .logfmt = self, !isQuoted { return LogfmtStage.text(value) }
        if case .json = self { return JSONText.plain(value) }
        return String(decoding: value, as: UTF8.self)
    }
}

/// `| pattern`: literals one after the other, each at its first place behind the one before.
private struct PatternShape {
    private let shape: LineShape
    private let demand: ParserDemand

    init(_ shape: LineShape, _ demand: ParserDemand) {
        self.shape = shape
        self.demand = demand
    }

    func fields(_ parts: [PatternText.Part]) -> [ShapeField]? {
        // An empty line is no line; a shape of holes alone may be one.
        guard shape.units.contains(where: { $0.byte != nil }) else { return nil }
        var fields: [ShapeField] = []
        var names: Set<String> = []
        var at = 0
        var index = 0
        if case .literal(let first) = parts.first {
            switch matches(first, at: 0) {
            case .no: return []
            case .maybe: return nil
            case .yes: at = first.count
            }
            index = 1
        }
        while index < parts.count, case .capture(let name) = parts[index] {
            var end = shape.units.count
            var literal: [UInt8]?
            if index + 1 < parts.count, case .literal(let bytes) = parts[index + 1] {
                guard let found = find(bytes, from: at) else { return nil }
                end = found
                literal = bytes
            }
            if name != "_", demand.wants(name) {
                fields.append(ShapeField(name: name, value: at..<end))
                names.insert(name)
                if demand.isMet(by: names) { return fields }
            }
            guard let literal, end < shape.units.count else { return fields }
            at = end + literal.count
            index += 2
        }
        return fields
    }

    private enum Match { case yes, no, maybe }

    /// Whether a literal stands at a unit in all lines, in none, or in some.
    private func matches(_ literal: [UInt8], at start: Int) -> Match {
        for (offset, byte) in literal.enumerated() {
            guard start + offset < shape.units.count else { return .no }
            guard let number = shape.units[start + offset].hole else {
                if shape.units[start + offset].byte != byte { return .no }
                continue
            }
            let hole = shape.holes[number]
            return hole.shortest > 0 && !hole.bytes.contains(byte) ? .no : .maybe
        }
        return .yes
    }

    /// The first place of a literal, the end of the shape without one; nil when lines differ.
    private func find(_ literal: [UInt8], from start: Int) -> Int? {
        guard let first = literal.first else { return nil }
        for at in start..<max(start, shape.units.count) {
            if let hole = shape.units[at].hole {
                if shape.holes[hole].bytes.contains(first) { return nil }
                continue
            }
            switch matches(literal, at: at) {
            case .yes: return at
            case .maybe: return nil
            case .no: continue
            }
        }
        return shape.units.count
    }
}

/// `| logfmt` without `--strict`, `--keep-empty` and expressions.
private struct LogfmtShape {
    private let shape: LineShape
    private let demand: ParserDemand
    private var at = 0

    /// What a unit is to logfmt.
    private enum Kind {
        case space, equals, quote, other(UInt8)
        /// A hole without spaces, a hole that may have some.
        case solid, loose
    }

    /// Nil for the forms of the stage that look at more, or a hole with bytes that steer the parser.
    init?(_ stage: LogfmtStage, _ shape: LineShape, _ demand: ParserDemand) {
        guard !stage.strict, !stage.keepEmpty, stage.fields.isEmpty else { return nil }
        self.shape = shape
        self.demand = demand
    }

    /// Nil for a hole that may hold what steers the parser.
    private func kind(_ unit: Int) -> Kind? {
        if let byte = shape.units[unit].byte {
            switch byte {
            case UInt8(ascii: "="): return .equals
            case UInt8(ascii: "\""): return .quote
            default: return byte <= 0x20 ? .space : .other(byte)
            }
        }
        let hole = shape.holes[shape.units[unit].hole ?? 0]
        if hole.bytes.contains(UInt8(ascii: "=")) || hole.bytes.contains(UInt8(ascii: "\"")) {
            return nil
        }
        let isSolid = hole.shortest > 0 && !(0...0x20).contains { hole.bytes.contains($0) }
        return isSolid ? .solid : .loose
    }

    mutating func fields() -> [ShapeField]? {
        var fields: [ShapeField] = []
        var names: Set<String> = []
        while at < shape.units.count {
            guard let kind = kind(at) else { return nil }
            if case .space = kind {
                at += 1
                continue
            }
            switch pair() {
            case nil: return nil
            case .nothing?: continue
            case .field(let field)?:
                fields.append(field)
                if isSure(field) { names.insert(field.name) }
                if demand.isMet(by: names) { return fields }
            }
        }
        return fields
    }

    /// Whether every line has the label behind this pair, so that the parser may stop there: an empty
    /// value is passed over, and an error is no label that was found.
    private func isSure(_ field: ShapeField) -> Bool {
        field.name != RowLabels.error
            && shape.units[field.value].contains { unit in
                unit.hole.map { shape.holes[$0].shortest > 0 } ?? true
            }
    }

    private enum Pair {
        case nothing
        case field(ShapeField)
    }

    /// One pair, or nil when lines differ.
    private mutating func pair() -> Pair? {
        var key: [UInt8] = []
        var isKnown = true
        scan: while at < shape.units.count {
            guard let kind = kind(at) else { return nil }
            switch kind {
            case .space: return .nothing
            case .equals: break scan
            case .quote: return nil
            case .other(let byte): key.append(byte)
            case .solid, .loose: isKnown = false
            }
            at += 1
        }
        // Words without a value are nothing.
        guard at < shape.units.count else { return .nothing }
        guard isKnown, !key.isEmpty else { return nil }
        at += 1
        var isQuoted = false
        if at < shape.units.count, case .quote? = kind(at) { isQuoted = true }
        guard let value = isQuoted ? quotedValue() : plainValue() else { return nil }
        let name = key.withUnsafeBytes { bytes in
            isPlainName(bytes)
                ? demand.label(bytes) : wanted(sanitized(String(decoding: bytes, as: UTF8.self)))
        }
        guard let name, !value.range.isEmpty else { return .nothing }
        guard value.isWhole else { return nil }
        return .field(
            ShapeField(name: name, value: value.range, skipsEmpty: true, isQuoted: isQuoted))
    }

    private func wanted(_ name: String) -> String? {
        !name.isEmpty && demand.wants(name) ? name : nil
    }

    /// A value up to the space behind it. It is not the same in all lines when a hole may end it.
    private mutating func plainValue() -> (range: Range<Int>, isWhole: Bool)? {
        let start = at
        var isWhole = true
        while at < shape.units.count {
            guard let kind = kind(at) else { return nil }
            switch kind {
            case .space: return (start..<at, isWhole)
            case .equals, .quote: return nil
            case .other, .solid: break
            case .loose: isWhole = false
            }
            at += 1
        }
        return (start..<at, isWhole)
    }

    /// A value between quotes; with escapes it is left to the parser.
    private mutating func quotedValue() -> (range: Range<Int>, isWhole: Bool)? {
        at += 1
        let start = at
        while at < shape.units.count {
            let unit = shape.units[at]
            at += 1
            if unit == .byte(UInt8(ascii: "\"")) { return (start..<at - 1, true) }
            if unit == .byte(UInt8(ascii: "\\")) { return nil }
            guard let hole = unit.hole else { continue }
            let bytes = shape.holes[hole].bytes
            if bytes.contains(UInt8(ascii: "\"")) || bytes.contains(UInt8(ascii: "\\")) {
                return nil
            }
        }
        return nil
    }
}
