/// Entries that move together, mostly of one stream, as columns: one buffer of line bytes, one array of
/// timestamps, structured metadata by dictionary. Row i is (timestamps[i], line(i), metadata(i)).
///
/// Holds: `timestamps.count == lineEnds.count`; `lineEnds` never falls and its last value is
/// `lineBytes.count`; `metadataIDs` is empty (no row has metadata) or as long as `timestamps`;
/// every id is an index of `metadataSets`, whose entry 0 is the empty set (of stream 0); `setStreams` is
/// empty (all rows are of one stream) or as long as `metadataSets`.
package struct Entries: Sendable {
    /// Nanoseconds since the epoch.
    package var timestamps: [Int64] = []
    /// End offset of each row's line in `lineBytes`.
    package var lineEnds: [UInt32] = []
    package var lineBytes: [UInt8] = []
    package var metadataIDs: [UInt32] = []
    package var metadataSets: [Labels] = [.empty]
    /// Of each set the number of its stream, where rows of several streams lie side by side.
    package var setStreams: [UInt32] = []

    package init() {}

    package var count: Int { timestamps.count }
    package var isEmpty: Bool { timestamps.isEmpty }

    /// Where the line of a row lies in `lineBytes`.
    package func lineRange(_ row: Int) -> Range<Int> {
        let start = row == 0 ? 0 : Int(lineEnds[row - 1])
        return start..<Int(lineEnds[row])
    }

    package func line(_ row: Int) -> ArraySlice<UInt8> { lineBytes[lineRange(row)] }

    package func metadata(_ row: Int) -> Labels {
        metadataIDs.isEmpty ? .empty : metadataSets[Int(metadataIDs[row])]
    }

    /// The number of a row's stream among those that the entries are of.
    package func stream(_ row: Int) -> Int {
        setStreams.isEmpty || metadataIDs.isEmpty ? 0 : Int(setStreams[Int(metadataIDs[row])])
    }

    /// Appends one row. Callers that append many equal metadata sets in a row pay one comparison.
    package mutating func append(
        timestamp: Int64, line: some Collection<UInt8>, metadata: Labels = .empty
    ) {
        timestamps.append(timestamp)
        lineBytes.append(contentsOf: line)
        lineEnds.append(UInt32(lineBytes.count))
        appendMetadata(metadata)
    }

    private mutating func appendMetadata(_ set: Labels) {
        precondition(setStreams.isEmpty, "rows of several streams are appended with their streams")
        if metadataIDs.isEmpty {
            if set.isEmpty { return }
            metadataIDs = Array(repeating: 0, count: timestamps.count - 1)
        }
        if set.isEmpty {
            metadataIDs.append(0)
        } else if metadataSets[metadataSets.count - 1] == set {
            metadataIDs.append(UInt32(metadataSets.count - 1))
        } else if metadataSets.count <= 16, let known = metadataSets.firstIndex(of: set) {
            metadataIDs.append(UInt32(known))
        } else {
            metadataSets.append(set)
            metadataIDs.append(UInt32(metadataSets.count - 1))
        }
    }
}

/// Entries with the labels of their stream.
package struct Batch: Sendable {
    package var labels: Labels
    package var entries: Entries

    package init(labels: Labels, entries: Entries) {
        self.labels = labels
        self.entries = entries
    }
}
