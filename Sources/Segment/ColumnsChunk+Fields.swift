import LogModel

/// Reading values of holes without putting lines together.
extension ColumnsChunk {
    /// Gives a reader the rows of a range whose lines fulfil a condition, in their order; those that
    /// it wants as lines come last.
    func readFields(
        _ rows: Range<Int>, _ question: LineQuestion, into reader: any FieldReader
    ) throws {
        guard !rows.isEmpty else { return }
        if question.isEmpty { trace?.note(.unsearched) }
        let wanted = question.isEmpty ? nil : try self.rows(question)
        if let wanted, wanted.rows(in: rows).isEmpty { return }
        let (sets, ids) = try sets()
        reader.begin(metadata: sets)
        let walk = try FieldWalk(columns, try timestamps(), rows, for: reader)
        var asLines: [UInt32] = []
        for row in rows {
            if let wanted, !wanted.contains(row) {
                walk.skip(row)
            } else if try !walk.take(row, metadata: ids.isEmpty ? 0 : Int(ids[row])) {
                asLines.append(UInt32(truncatingIfNeeded: row))
            }
            walk.letGo()
        }
        guard !asLines.isEmpty else { return }
        var entries = Entries()
        try load(asLines, within: rows, into: &entries)
        reader.take(entries)
    }
}
