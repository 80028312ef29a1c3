import LogModel

/// Reading values of holes without putting lines together.
extension ColumnsChunk {
    /// Gives a reader chosen rows in their order; those that it wants as lines come last.
    func readFields(_ chosen: Chosen, into reader: any FieldReader) throws {
        guard !chosen.rows.isEmpty else { return }
        var (sets, ids) = try sets()
        if !ids.isEmpty { ids = chosen.rows.map { ids[Int($0)] } }
        var streams: [UInt32] = []
        if !chosen.owners.isEmpty {
            let divided = DividedSets(sets, ids, among: chosen.owners)
            (sets, ids, streams) = (divided.sets, divided.ids, divided.streams)
        }
        reader.begin(metadata: sets, streams: streams)
        let walk = try FieldWalk(
            columns, shapes: shapeNumbers(), try timestamps(), chosen.span, for: reader)
        var asLines = Chosen()
        var next = chosen.span.lowerBound
        for (place, row) in chosen.rows.enumerated() {
            while next < Int(row) {
                walk.skip(next)
                walk.letGo()
                next += 1
            }
            if try !walk.take(next, metadata: ids.isEmpty ? 0 : Int(ids[place])) {
                asLines.rows.append(row)
                if !chosen.owners.isEmpty { asLines.owners.append(chosen.owners[place]) }
            }
            walk.letGo()
            next += 1
        }
        guard !asLines.rows.isEmpty else { return }
        var entries = Entries()
        try load(asLines, .lines, into: &entries)
        reader.take(entries)
    }
}
