extension Entries {
    /// Appends rows of other entries, with or without their line bytes, as the other ones have
    /// them. The callers see to it that all lines together stay under 4 GiB.
    package mutating func append(_ other: Entries, rows: Range<Int>) {
        guard !rows.isEmpty else { return }
        let start = rows.lowerBound == 0 ? 0 : other.lineEnds[rows.lowerBound - 1]
        let end = other.lineEnds[rows.upperBound - 1]
        let base = lineEnds.last ?? 0
        precondition(end - start <= UInt32.max - base, "lines of entries stay under 4 GiB")
        let before = count
        timestamps += other.timestamps[rows]
        let shift = base &- start
        lineEnds.append(contentsOf: other.lineEnds[rows].lazy.map { $0 &+ shift })
        if !other.lineBytes.isEmpty { lineBytes += other.lineBytes[Int(start)..<Int(end)] }
        appendMetadata(of: other, rows: rows, before: before)
    }

    private mutating func appendMetadata(of other: Entries, rows: Range<Int>, before: Int) {
        if other.metadataIDs.isEmpty {
            if !metadataIDs.isEmpty { metadataIDs += repeatElement(0, count: rows.count) }
            return
        }
        if metadataSets.count == 1, metadataIDs.isEmpty, rows.count == other.count {
            metadataIDs = Array(repeating: 0, count: before) + other.metadataIDs
            metadataSets = other.metadataSets
            return
        }
        var last: (from: UInt32, to: UInt32) = (0, 0)
        var renamed: [UInt32: UInt32] = [:]
        for (done, row) in rows.enumerated() {
            let id = other.metadataIDs[row]
            if id != last.from {
                let to = id == 0 ? 0 : renamed[id] ?? adopt(other.metadataSets[Int(id)])
                renamed[id] = to
                last = (id, to)
            }
            if metadataIDs.isEmpty {
                if last.to == 0 { continue }
                metadataIDs = Array(repeating: 0, count: before + done)
            }
            metadataIDs.append(last.to)
        }
    }

    /// The id of a set that comes from elsewhere. A short look finds the few sets that repeat;
    /// where nearly every row has its own, a long one would find nothing either.
    private mutating func adopt(_ set: Labels) -> UInt32 {
        if set.isEmpty { return 0 }
        for id in metadataSets.indices.prefix(16).dropFirst()
        where metadataSets[id].hasSameBytes(as: set) { return UInt32(id) }
        if metadataSets.count > 16, let last = metadataSets.last, last.hasSameBytes(as: set) {
            return UInt32(metadataSets.count - 1)
        }
        metadataSets.append(set)
        return UInt32(metadataSets.count - 1)
    }
}

extension Labels {
    /// True when names and values are the same bytes. `==` follows Unicode and also takes texts as
    /// equal that merely look the same; where rows are dropped as repeated, that is not enough.
    package func hasSameBytes(as other: Labels) -> Bool {
        guard count == other.count else { return false }
        for (a, b) in zip(pairs, other.pairs)
        where !(a.name.utf8.elementsEqual(b.name.utf8) && a.value.utf8.elementsEqual(b.value.utf8)) {
            return false
        }
        return true
    }
}
