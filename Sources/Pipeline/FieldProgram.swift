import LogModel

/// How the fields of a shape come from the values of its holes.
struct FieldProgram {
    enum Source {
        /// Bytes that every line has.
        case text([UInt8])
        /// A value, by its place among those that are read.
        case value(Int)
        /// Bytes and values one after the other.
        case joined([Source])
    }

    struct Field {
        var name: String
        var source: Source
        var skipsEmpty: Bool
        var isQuoted: Bool
        /// The value is this group of what a regular expression finds in the source.
        var group: Int?

        /// The text is the value of a hole as it stands.
        var isPlain: Bool {
            if case .value = source { group == nil } else { false }
        }
    }

    var fields: [Field] = []
    /// Holes whose values are read, ascending.
    private(set) var holes: [Int] = []

    /// Of the values that are read, those that must be numbers, true or false.
    private(set) var scalars: [Int] = []

    /// Nil when the parser must see lines.
    init?(_ parser: CompiledStage, _ shape: LineShape, _ demand: ParserDemand) {
        guard let found = parser.fields(in: shape, demand) else { return nil }
        for hole in found.scalars where !holes.contains(hole) { holes.append(hole) }
        for field in found.fields {
            for unit in shape.units[field.value] {
                guard let hole = unit.hole, !holes.contains(hole) else { continue }
                guard shape.holes[hole].isReadable else { return nil }
                holes.append(hole)
            }
        }
        holes.sort()
        scalars = holes.indices.filter { found.scalars.contains(holes[$0]) }
        for field in found.fields {
            fields.append(
                Field(
                    name: field.name, source: source(shape.units[field.value]),
                    skipsEmpty: field.skipsEmpty, isQuoted: field.isQuoted, group: field.group))
        }
    }

    private func source(_ units: ArraySlice<LineShape.Unit>) -> Source {
        var parts: [Source] = []
        for unit in units {
            guard let byte = unit.byte else {
                parts.append(.value(holes.firstIndex(of: unit.hole ?? 0) ?? 0))
                continue
            }
            if case .text(let known)? = parts.last {
                parts[parts.count - 1] = .text(known + [byte])
            } else {
                parts.append(.text([byte]))
            }
        }
        return parts.count == 1 ? parts[0] : parts.isEmpty ? .text([]) : .joined(parts)
    }

    /// The field of a name, if exactly one has it and it is never empty.
    func onlyField(_ name: String) -> Field? {
        let found = fields.filter { $0.name == name }
        return found.count == 1 ? found[0] : nil
    }
}

extension FieldProgram.Source {
    /// The place of the only value that it is made of.
    var place: Int? {
        switch self {
        case .value(let place): return place
        case .text: return nil
        case .joined(let parts):
            let places = Set(parts.compactMap(\.place))
            return places.count == 1 ? places.first : nil
        }
    }

    /// What it is but for its values, as bytes.
    var form: [UInt8] {
        switch self {
        case .text(let bytes): [1] + bytes.flatMap { [$0, 0] } + [1]
        case .value: [2]
        case .joined(let parts): [3] + parts.flatMap(\.form) + [4]
        }
    }

    func bytes(_ values: UnsafeBufferPointer<FieldValue>) -> [UInt8] {
        var bytes: [UInt8] = []
        append(values, to: &bytes)
        return bytes
    }

    func append(_ values: UnsafeBufferPointer<FieldValue>, to bytes: inout [UInt8]) {
        switch self {
        case .text(let text): bytes += text
        case .value(let place): bytes += values[place].bytes
        case .joined(let parts): for part in parts { part.append(values, to: &bytes) }
        }
    }
}
