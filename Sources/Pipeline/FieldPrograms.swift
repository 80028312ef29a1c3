import Bytes
import LogModel

/// What was found out about shapes, for the chunks of one query: most of them have the same templates.
/// Owned by one thread.
package final class FieldPrograms {
    /// What is done for the rows of a shape.
    final class Entry {
        let program: FieldProgram
        let plan: QuickShape.Plan?
        let wanted: WantedFields
        /// A number for the names of the fields, and those that are missing: equal for equal names.
        let names: Int

        fileprivate init(_ program: FieldProgram, _ plan: QuickShape.Plan?, names: Int) {
            self.program = program
            self.plan = plan
            self.names = names
            // A row that is left out for one value must not be one of which others had to be looked at.
            wanted = WantedFields(
                holes: program.holes, decider: program.scalars.isEmpty ? plan?.filtered : nil)
        }
    }

    private struct Known {
        var key: [UInt8]
        /// Nil for shapes whose rows are wanted as lines.
        var entry: Entry?
    }

    /// Beyond this shapes are looked at anew.
    private static let most = 8192
    /// The same for the keys of all that are kept.
    private static let mostBytes = 8 * 1024 * 1024

    private var known: [Int: [Known]] = [:]
    private var count = 0
    private var bytes = 0
    private var texts: [[[UInt8]]: Int] = [:]
    private var names: [[String]: Int] = [:]

    package init() {}

    /// Nil for shapes whose rows are wanted as lines.
    func entry(
        _ offer: ShapeOffer, make: (LineShape) -> (FieldProgram, QuickShape.Plan?)?
    ) -> Entry? {
        var hasher = Hasher()
        hasher.combine(bytes: offer.key)
        let hash = hasher.finalize()
        let found = known[hash]?.first { known in
            known.key.withUnsafeBytes { $0.isSame(as: offer.key) }
        }
        if let found { return found.entry }
        let entry = make(offer.make()).map { program, plan in
            Entry(
                program, plan, names: number(of: program.fields.map(\.name) + (plan?.missing ?? []))
            )
        }
        if count < Self.most, bytes + offer.key.count <= Self.mostBytes {
            known[hash, default: []].append(Known(key: Array(offer.key), entry: entry))
            count += 1
            bytes += offer.key.count
        }
        return entry
    }

    private func number(of names: [String]) -> Int {
        let number = self.names[names] ?? self.names.count
        self.names[names] = number
        return number
    }

    /// A number for texts: equal for equal ones.
    func number(ofTexts texts: [[UInt8]]) -> Int {
        let number = self.texts[texts] ?? self.texts.count
        self.texts[texts] = number
        return number
    }
}
