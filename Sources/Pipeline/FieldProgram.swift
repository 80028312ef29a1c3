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
                    skipsEmpty: field.skipsEmpty, isQuoted: field.isQuoted))
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
    /// The place of the value, for a source that is one.
    var place: Int? { if case .value(let place) = self { place } else { nil } }

    func bytes(_ values: UnsafeBufferPointer<FieldValue>) -> [UInt8] {
        switch self {
        case .text(let bytes): bytes
        case .value(let place): Array(values[place].bytes)
        case .joined(let parts): parts.flatMap { $0.bytes(values) }
        }
    }
}
