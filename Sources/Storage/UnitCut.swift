import Segment

/// Cuts the time of one stream into units: where one run of slices stands alone, a slice is a unit;
/// where runs overlap, a unit takes what meets there. A slice that crosses a cut is read by both units,
/// each taking its rows.
package struct UnitCut {
    /// A slice and the run that it belongs to.
    package struct Piece {
        package let run: Int
        package let slice: Slice

        package init(run: Int, slice: Slice) {
            self.run = run
            self.slice = slice
        }
    }

    /// Pieces by their places in the list, and a range of nanoseconds, both ends inclusive.
    package struct Unit {
        package var low: Int64
        package var high: Int64
        package var pieces: [Int]
        /// Runs that have a part in it.
        fileprivate var runs: Set<Int>
        /// Lines in bytes, about.
        var bytes: Int

        fileprivate var isAlone: Bool { runs.count == 1 }
    }

    /// Lines of a unit whose runs overlap, in bytes.
    private static let mergedBytes = 4 * 1024 * 1024
    /// A run that stands alone for less than this stays in one unit with what it overlaps: every unit
    /// that shares a slice opens its chunk.
    private static let aloneBytes = 256 * 1024

    private let pieces: [Piece]
    private var units: [Unit] = []
    private var current: Unit?

    /// `pieces` ascend by their first time.
    package static func units(_ pieces: [Piece]) -> [Unit] {
        var cut = UnitCut(pieces: pieces)
        cut.sweep()
        return cut.units
    }

    private init(pieces: [Piece]) { self.pieces = pieces }

    /// Goes through time from one beginning or end of a slice to the next.
    private mutating func sweep() {
        var open: [Int] = []
        var next = 0
        var at = Int64.min
        while next < pieces.count || !open.isEmpty {
            if open.isEmpty { at = max(at, pieces[next].slice.first) }
            while next < pieces.count, pieces[next].slice.first <= at {
                if pieces[next].slice.last >= at { open.append(next) }
                next += 1
            }
            guard var end = open.map({ pieces[$0].slice.last }).min() else { continue }
            if next < pieces.count { end = min(end, pieces[next].slice.first - 1) }
            take(at, end, open)
            guard end < .max else { break }
            at = end + 1
            open.removeAll { pieces[$0].slice.last < at }
        }
        if let current { units.append(current) }
    }

    private mutating func take(_ low: Int64, _ high: Int64, _ open: [Int]) {
        let new = Unit(
            low: low, high: high, pieces: open, runs: Set(open.map { pieces[$0].run }),
            bytes: open.reduce(0) { $0 + bytes(of: pieces[$1].slice, low, high) })
        guard let known = current else {
            current = new
            return
        }
        if belongsTogether(known, new) {
            current?.high = high
            current?.pieces += open.filter { !known.pieces.contains($0) }
            current?.runs.formUnion(new.runs)
            current?.bytes += new.bytes
        } else {
            units.append(known)
            current = new
        }
    }

    private func belongsTogether(_ known: Unit, _ new: Unit) -> Bool {
        if known.isAlone, known.runs == new.runs {
            // A slice is a unit, unless two of a run share a time.
            return !Set(known.pieces).isDisjoint(with: new.pieces)
        }
        if known.isAlone, known.bytes >= Self.aloneBytes { return false }
        if new.isAlone, new.bytes >= Self.aloneBytes { return false }
        return known.bytes < Self.mergedBytes
    }

    /// The share of a slice's bytes that a part of its time has.
    private func bytes(of slice: Slice, _ low: Int64, _ high: Int64) -> Int {
        let whole = Double(slice.last) - Double(slice.first) + 1
        return Int(Double(slice.bytes) * min(1, (Double(high) - Double(low) + 1) / whole))
    }
}
