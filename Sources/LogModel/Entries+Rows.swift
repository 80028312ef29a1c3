extension Entries {
    /// Makes rows of one stream rows of several: `owners` tells the stream of each.
    package mutating func divide(among owners: [UInt32]) {
        let divided = DividedSets(metadataSets, metadataIDs, among: owners)
        (metadataIDs, metadataSets, setStreams) = (divided.ids, divided.sets, divided.streams)
    }

    /// Appends all rows of other entries, whatever streams they are of. Their sets of metadata stay apart
    /// from those that are there: comparing thousands would cost more than keeping them.
    package mutating func appendApart(_ other: Entries) {
        let base = lineEnds.last ?? 0
        precondition(
            (other.lineEnds.last ?? 0) <= UInt32.max - base, "lines of entries stay under 4 GiB")
        if metadataIDs.isEmpty, !other.metadataIDs.isEmpty {
            metadataIDs = Array(repeating: 0, count: count)
        }
        let sets = UInt32(metadataSets.count - 1)
        if !other.metadataIDs.isEmpty {
            metadataIDs.append(contentsOf: other.metadataIDs.lazy.map { $0 == 0 ? 0 : $0 + sets })
            metadataSets += other.metadataSets.dropFirst()
        } else if !metadataIDs.isEmpty {
            metadataIDs += repeatElement(0, count: other.count)
        }
        setStreams = []
        timestamps += other.timestamps
        lineEnds.append(contentsOf: other.lineEnds.lazy.map { $0 + base })
        lineBytes += other.lineBytes
    }

    /// Some rows, in the order of the list, with or without their lines as they are here.
    package func rows(_ chosen: [Int]) -> Entries {
        var out = Entries()
        out.timestamps = chosen.map { timestamps[$0] }
        var end: UInt32 = 0
        out.lineEnds = chosen.map { row in
            end += lineEnds[row] - (row == 0 ? 0 : lineEnds[row - 1])
            return end
        }
        if !lineBytes.isEmpty {
            out.lineBytes.reserveCapacity(Int(end))
            // Neighbours are copied as one.
            var next = 0
            while next < chosen.count {
                let first = next
                repeat {
                    next += 1
                } while next < chosen.count
                    && chosen[next] == chosen[next - 1] + 1
                let lines =
                    lineRange(chosen[first]).lowerBound..<lineRange(chosen[next - 1]).upperBound
                out.lineBytes += lineBytes[lines]
            }
        }
        out.metadataSets = metadataSets
        out.setStreams = setStreams
        if !metadataIDs.isEmpty { out.metadataIDs = chosen.map { metadataIDs[$0] } }
        return out
    }

    /// Some rows in another order, of several streams: `owners` tells the stream of each row here.
    package func rows(_ order: [Int], of owners: [UInt32]) -> Entries {
        var out = rows(order)
        out.divide(among: order.map { owners[$0] })
        return out
    }

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
        setStreams = other.setStreams
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
            setStreams = other.setStreams
            metadataIDs += other.metadataIDs[rows]
            return
        }
        if setStreams.isEmpty, !other.setStreams.isEmpty {
            setStreams = Array(repeating: 0, count: metadataSets.count)
        }
        var mapped: [UInt32: UInt32] = [0: 0]
        for row in rows {
            let id = other.metadataIDs[row]
            if let known = mapped[id] {
                metadataIDs.append(known)
                continue
            }
            let set = other.metadataSets[Int(id)]
            let stream = other.stream(row)
            // A short look back finds the few sets that repeat; unique ones are just added.
            let known = metadataSets.prefix(16).indices.first {
                metadataSets[$0] == set
                    && (setStreams.isEmpty || setStreams[$0] == UInt32(truncatingIfNeeded: stream))
            }
            let new = UInt32(known ?? metadataSets.count)
            if known == nil {
                metadataSets.append(set)
                if !setStreams.isEmpty { setStreams.append(UInt32(truncatingIfNeeded: stream)) }
            }
            mapped[id] = new
            metadataIDs.append(new)
        }
    }
}

/// Metadata sets of rows of several streams, numbered so that each set is of one stream.
package struct DividedSets {
    /// By row.
    package private(set) var ids: [UInt32] = []
    /// Set 0 is the empty one of stream 0.
    package private(set) var sets: [Labels] = [.empty]
    /// Of each set.
    package private(set) var streams: [UInt32] = [0]

    /// `ids`: the set of each row, or empty when all have the first. `owners`: the stream of each.
    package init(_ old: [Labels], _ oldIDs: [UInt32], among owners: [UInt32]) {
        precondition(oldIDs.isEmpty || oldIDs.count == owners.count, "every row has an owner")
        ids.reserveCapacity(owners.count)
        // Of each set its number for the stream at hand, and how many streams there were then. Rows of a
        // stream mostly lie together; where it comes again, so do its sets.
        var known = [(id: UInt32, turn: Int)](repeating: (0, 0), count: max(old.count, 1))
        known[0].turn = 1
        var turn = 1
        var stream: UInt32 = 0
        for row in owners.indices {
            if owners[row] != stream {
                stream = owners[row]
                turn += 1
            }
            let set = Int(oldIDs.isEmpty ? 0 : oldIDs[row])
            if known[set].turn != turn {
                known[set] = (UInt32(truncatingIfNeeded: sets.count), turn)
                sets.append(old[set])
                streams.append(stream)
            }
            ids.append(known[set].id)
        }
    }
}
