import Bytes
import LogModel

/// One ascending run of a stream's entries, pulled piece by piece.
package struct RunCursor {
    private let pull: () throws -> Entries?
    fileprivate var entries = Entries()
    fileprivate var row = 0

    package init(_ pull: @escaping () throws -> Entries?) { self.pull = pull }

    package init(_ entries: Entries) {
        var rest: Entries? = entries
        pull = {
            defer { rest = nil }
            return rest
        }
    }

    fileprivate var head: Int64 { entries.timestamps[row] }

    /// Makes sure that a row is there; false at the end of the run.
    fileprivate mutating func fill() throws -> Bool {
        while row >= entries.count {
            guard let next = try pull() else { return false }
            entries = next
            row = 0
        }
        return true
    }
}

/// Merges runs of one stream into one ascending run without repeated entries: of rows with equal
/// timestamp, line and metadata the first stays, as Loki does. Rows of equal time keep the order of
/// their runs. Holds one piece of each run and the output.
package struct EntriesMerge {
    private var runs: [RunCursor]
    /// Rows of the output that share the last timestamp begin here.
    private var tieStart = 0
    private var tieHashes: Set<Int> = []
    /// Bytes of lines that the output will have, about.
    private var expectedBytes = 0

    package init(_ runs: [RunCursor]) { self.runs = runs }

    /// All of it at once.
    package static func merge(_ runs: [Entries]) throws -> Entries {
        var merge = EntriesMerge(runs.map { RunCursor($0) })
        merge.expectedBytes = runs.reduce(0) { $0 + $1.lineBytes.count }
        return try merge.next(maxBytes: .max) ?? Entries()
    }

    /// The next rows: about `maxBytes` of lines, never ending inside one timestamp. Nil at the end.
    package mutating func next(maxBytes: Int) throws -> Entries? {
        var out = Entries()
        if maxBytes < .max { expectedBytes = maxBytes + maxBytes / 8 }
        tieStart = 0
        tieHashes = []
        while let best = try smallest() {
            let head = runs[best.index].head
            if let last = out.timestamps.last, head > last {
                if out.lineEnds[out.count - 1] >= maxBytes { break }
                tieStart = out.count
                tieHashes = []
            }
            if best.nextHead == head, dropRepeated(of: best.index) { continue }
            let end = bulkEnd(best.index, before: best.nextHead)
            let row = runs[best.index].row
            // A row may repeat one of its own run too, so only strictly rising stretches go in bulk.
            if end > row + 1, out.timestamps.last.map({ $0 < head }) ?? true {
                appendRising(&out, run: best.index, to: end, maxBytes: maxBytes)
            } else {
                appendOne(&out, run: best.index)
            }
        }
        return out.isEmpty ? nil : out
    }

    /// The run with the smallest head, and the smallest head among the others.
    private mutating func smallest() throws -> (index: Int, nextHead: Int64)? {
        var index = -1
        var smallest = Int64.max
        var second = Int64.max
        for i in runs.indices where try runs[i].fill() {
            let head = runs[i].head
            if index < 0 || head < smallest {
                if index >= 0 { second = smallest }
                smallest = head
                index = i
            } else if head < second {
                second = head
            }
        }
        return index < 0 ? nil : (index, second)
    }

    /// The first row of the run's piece that may not go before the other runs' heads.
    private func bulkEnd(_ index: Int, before limit: Int64) -> Int {
        let run = runs[index]
        if runs.count == 1 || run.entries.timestamps[run.entries.count - 1] < limit {
            return run.entries.count
        }
        var low = run.row
        var high = run.entries.count
        while low < high {
            let middle = (low + high) / 2
            if run.entries.timestamps[middle] < limit { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private mutating func appendRising(
        _ out: inout Entries, run index: Int, to end: Int, maxBytes: Int
    ) {
        let entries = runs[index].entries
        let start = runs[index].row
        let base = start == 0 ? 0 : Int(entries.lineEnds[start - 1])
        let used = Int(out.lineEnds.last ?? 0)
        var row = start + 1
        while row < end, entries.timestamps[row] > entries.timestamps[row - 1],
            maxBytes == .max || used + Int(entries.lineEnds[row - 1]) - base < maxBytes
        {
            row += 1
        }
        reserve(&out)
        out.append(entries, rows: start..<row)
        runs[index].row = row
        tieStart = out.count - 1
        tieHashes = []
    }

    /// Makes room once for more than a first piece, which may be the whole output as it is.
    private func reserve(_ out: inout Entries) {
        if !out.isEmpty, !out.lineBytes.isEmpty, out.lineBytes.capacity < expectedBytes {
            out.lineBytes.reserveCapacity(expectedBytes)
        }
    }

    private mutating func appendOne(_ out: inout Entries, run index: Int) {
        let entries = runs[index].entries
        let row = runs[index].row
        runs[index].row += 1
        if out.timestamps.last != entries.timestamps[row] {
            tieStart = out.count
            tieHashes = []
            out.append(entries, rows: row..<row + 1)
            return
        }
        let hash = Self.hash(entries, row)
        if tieHashes.isEmpty {
            for earlier in tieStart..<out.count { tieHashes.insert(Self.hash(out, earlier)) }
        }
        if !tieHashes.insert(hash).inserted,
            (tieStart..<out.count).contains(where: { Self.equal(out, $0, entries, row) })
        {
            return
        }
        out.append(entries, rows: row..<row + 1)
    }

    /// Runs that begin with the same rows as this one, which comes before them: their copies go, as
    /// far as both pieces agree. What was pushed twice costs a comparison of bytes, not a merge.
    private mutating func dropRepeated(of index: Int) -> Bool {
        var dropped = false
        let head = runs[index].head
        for other in runs.indices.dropFirst(index + 1)
        where runs[other].row < runs[other].entries.count && runs[other].head == head {
            let rows = Self.commonRows(
                runs[index].entries, runs[index].row, runs[other].entries, runs[other].row)
            runs[other].row += rows
            dropped = dropped || rows > 0
        }
        return dropped
    }

    /// How many rows from i on in `a` and from j on in `b` are the same.
    private static func commonRows(_ a: Entries, _ i: Int, _ b: Entries, _ j: Int) -> Int {
        let most = min(a.count - i, b.count - j)
        let hasMetadata = !a.metadataIDs.isEmpty || !b.metadataIDs.isEmpty
        let hasLines = !a.lineBytes.isEmpty || !b.lineBytes.isEmpty
        // Pairs of sets that were found equal, by their ids.
        var equalSets: [UInt32: UInt32] = [:]
        var rows = 0
        while rows < most, a.timestamps[i + rows] == b.timestamps[j + rows] {
            let left = a.lineRange(i + rows)
            let right = b.lineRange(j + rows)
            guard left.count == right.count else { break }
            if hasLines, !a.lineBytes.hasSame(b.lineBytes, left, right) { break }
            if hasMetadata {
                let setA = a.metadataIDs.isEmpty ? 0 : a.metadataIDs[i + rows]
                let setB = b.metadataIDs.isEmpty ? 0 : b.metadataIDs[j + rows]
                if equalSets[setA] != setB {
                    guard a.metadata(i + rows) == b.metadata(j + rows) else { break }
                    equalSets[setA] = setB
                }
            }
            rows += 1
        }
        return rows
    }

    private static func hash(_ entries: Entries, _ row: Int) -> Int {
        var hasher = Hasher()
        let range = entries.lineRange(row)
        hasher.combine(range.count)
        if !entries.lineBytes.isEmpty {
            entries.lineBytes.withUnsafeBytes {
                hasher.combine(bytes: UnsafeRawBufferPointer(rebasing: $0[range]))
            }
        }
        // Without it, rows that differ in metadata alone are compared each with each.
        hasher.combine(entries.metadata(row))
        return hasher.finalize()
    }

    private static func equal(_ a: Entries, _ i: Int, _ b: Entries, _ j: Int) -> Bool {
        a.line(i) == b.line(j) && a.metadata(i) == b.metadata(j)
    }
}

extension [UInt8] {
    /// True when a range here holds the same bytes as one of equal length there.
    fileprivate func hasSame(_ other: [UInt8], _ here: Range<Int>, _ there: Range<Int>) -> Bool {
        withUnsafeBytes { a in
            other.withUnsafeBytes { b in
                UnsafeRawBufferPointer(rebasing: a[here])
                    .isSame(as: UnsafeRawBufferPointer(rebasing: b[there]))
            }
        }
    }
}
