import LogModel

/// What was found out about shapes, for the chunks of one query: most of them have the same templates.
/// Owned by one thread.
package final class FieldPrograms {
    struct Entry {
        var program: FieldProgram
        var plan: QuickShape.Plan?
    }

    private struct Key: Hashable {
        struct Hole: Hashable {
            var bytes: ByteSet
            var mayBeEmpty: Bool
            var isReadable: Bool
        }

        var units: [LineShape.Unit]
        var holes: [Hole]

        init(_ shape: LineShape) {
            units = shape.units
            holes = shape.holes.map {
                Hole(bytes: $0.bytes, mayBeEmpty: $0.shortest == 0, isReadable: $0.isReadable)
            }
        }

        func hash(into hasher: inout Hasher) {
            units.withUnsafeBytes { hasher.combine(bytes: $0) }
        }
    }

    /// Beyond this shapes are looked at anew.
    private static let most = 8192
    /// The same for all units of those that are kept.
    private static let mostUnits = 8 * 1024 * 1024

    private var known: [Key: Entry?] = [:]
    private var units = 0

    package init() {}

    /// Nil for shapes whose rows are wanted as lines.
    func entry(_ shape: LineShape, make: () -> Entry?) -> Entry? {
        let key = Key(shape)
        if let found = known[key] { return found }
        let made = make()
        if known.count < Self.most, units + shape.units.count <= Self.mostUnits {
            known[key] = .some(made)
            units += shape.units.count
        }
        return made
    }
}
