import LogModel

/// What was found out about shapes, for the chunks of one query: most of them have the same templates.
/// Owned by one thread.
package final class FieldPrograms {
    /// What is done for the rows of a shape.
    final class Entry {
        let program: FieldProgram
        let plan: RowShape.Plan?
        let wanted: WantedFields
        /// A number for the names of the fields, and those that are missing: equal for equal names.
        let names: Int

        fileprivate init(_ program: FieldProgram, _ plan: RowShape.Plan?, names: Int) {
            self.program = program
            self.plan = plan
            self.names = names
            // A row that is left out for one value must not be one of which others had to be looked at.
            wanted = WantedFields(
                holes: program.holes, decider: program.scalars.isEmpty ? plan?.filtered : nil)
        }
    }

    /// Beyond this shapes are looked at anew.
    private static let most = 8192

    /// By the number of a shape; nil for shapes whose rows are wanted as lines.
    @exclusivity(unchecked) private var entries: [Int: Entry?] = [:]
    private var texts: [[[UInt8]]: Int] = [:]
    private var names: [[String]: Int] = [:]

    package init() {}

    /// Nil for shapes whose rows are wanted as lines.
    func entry(
        _ shape: Int, make: () -> (FieldProgram, RowShape.Plan?)?
    ) -> Entry? {
        if let known = entries[shape] { return known }
        let entry = make().map { program, plan in
            Entry(
                program, plan, names: number(of: program.fields.map(\.name) + (plan?.missing ?? []))
            )
        }
        if entries.count < Self.most { entries[shape] = .some(entry) }
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
