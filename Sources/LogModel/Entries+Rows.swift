extension Entries {
    /// Appends rows of other entries, with or without their lines, as the source has them.
    package mutating func append(_ other: Entries, rows: Range<Int>) {
        guard !rows.isEmpty else { return }
        // Reserved memory is there to be used.
        if isEmpty, lineBytes.capacity == 0 { return take(other, rows: rows) }
        let start = rows.lowerBound == 0 ? 0 : other.lineEnds[rows.lowerBound - 1]
        let end = other.lineEnds[rows.upperBound - 1]
        let base = lineEnds.last ?? 0
        let before = count
        timestamps += other.timestamps[rows]
        // No reserveCapacity: it grows to the exact size, which makes many small appends quadratic.
        precondition(end - start <= UInt32.max - base, "lines of entries stay under 4 GiB")
        let shift = base &- start
        lineEnds.append(contentsOf: other.lineEnds[rows].lazy.map { $0 &+ shift })
        if !other.lineBytes.isEmpty { lineBytes += other.lineBytes[Int(start)..<Int(end)] }
        appendMetadata(of: other, rows: rows, before: before)
    }

    /// The first rows: arrays of the right size from the start, or those of the source itself.
    private mutating func take(_ other: Entries, rows: Range<Int>) {
        if rows == 0..<other.count {
            self = other
            return
        }
        let start = rows.lowerBound == 0 ? 0 : other.lineEnds[rows.lowerBound - 1]
        let end = other.lineEnds[rows.upperBound - 1]
        timestamps = Array(other.timestamps[rows])
        lineEnds = other.lineEnds[rows].map { $0 &- start }
        lineBytes = other.lineBytes.isEmpty ? [] : Array(other.lineBytes[Int(start)..<Int(end)])
        metadataSets = other.metadataSets
        metadataIDs = other.metadataIDs.isEmpty ? [] : Array(other.metadataIDs[rows])
    }

    private mutating func appendMetadata(of other: Entries, rows: Range<Int>, before: Int) {
        if other.metadataIDs.isEmpty {
            if !metadataIDs.isEmpty { metadataIDs += repeatElement(0, count: rows.count) }
            return
        }
        if metadataIDs.isEmpty { metadataIDs = Array(repeating: 0, count: before) }
        if before == 0 || metadataSets.count == 1 {
            metadataSets = other.metadataSets
            metadataIDs += other.metadataIDs[rows]
            return
        }
        var mapped: [UInt32: UInt32] = [0: 0]
        for row in rows {
            let id = other.metadataIDs[row]
            if let known = mapped[id] {
                metadataIDs.append(known)
                continue
            }
            let set = other.metadataSets[Int(id)]
            // A short look back finds the few sets that repeat; unique ones are just added.
            let known = metadataSets.prefix(16).firstIndex { $0 == set }
            let new = UInt32(known ?? metadataSets.count)
            if known == nil { metadataSets.append(set) }
            mapped[id] = new
            metadataIDs.append(new)
        }
    }
}
