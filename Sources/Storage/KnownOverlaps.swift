import LogModel
import Segment
import Synchronization

/// Whether runs of a stream that share some time have entries in common: where they have none, what was
/// counted of each adds up. Segments never change, so that two of them are compared once.
final class KnownOverlaps: Sendable {
    /// Pairs that are kept: 6 MB.
    private static let mostPairs = 65_536
    /// Runs of one group: pairs are many more.
    private static let mostRuns = 64
    /// Lines of a group that are compared, in bytes, about: the first who asks waits for it, on one core.
    private static let mostComparedBytes = 64 * 1024 * 1024

    private struct Pair: Hashable {
        let earlier: String
        let later: String
        /// Number in the earlier.
        let stream: Int
    }
    /// Whether they have nothing in common.
    private let areApart = Mutex<[Pair: Bool]>([:])

    /// False when two of the runs may have an entry in common between two times, true when none has, nil
    /// when that was never looked at. Runs stand in the order of their arrival.
    func areApart(_ runs: [StreamRun], within times: ClosedRange<Int64>) -> Bool? {
        guard runs.count <= Self.mostRuns else { return false }
        let pairs = Self.pairs(runs, within: times)
        let found = areApart.withLock { known in pairs.map { known[Self.pair($0, $1)] } }
        if found.contains(false) { return false }
        return found.contains(nil) ? nil : true
    }

    /// The same, looked at where it is not known.
    ///
    /// Errors: those of reading the segments.
    func compare(
        _ runs: [StreamRun], within times: ClosedRange<Int64>, _ question: LineQuestion
    ) throws -> Bool {
        if let known = areApart(runs, within: times) { return known }
        let pieces = Self.sharedPieces(runs)
        let units = UnitCut.units(pieces).map { unit in
            (unit, byRun: Dictionary(grouping: unit.pieces.map { pieces[$0] }, by: \.run))
        }.filter { $0.byRun.count > 1 }
        let areFew = units.reduce(0) { $0 + $1.0.bytes } <= Self.mostComparedBytes
        var common: Set<Int> = []
        for (unit, byRun) in units where areFew {
            let parts = byRun.keys.sorted()
            let areApart = try Self.areApart(
                parts.map { runs[$0].segment.reader },
                parts.map { byRun[$0, default: []].map(\.slice) }, unit.low...unit.high, question)
            if !areApart { common.formUnion(parts) }
        }
        note(runs) { areFew && !(common.contains($0) && common.contains($1)) }
        return areApart(runs, within: times) ?? false
    }

    /// Of runs by their places.
    private func note(_ runs: [StreamRun], areApart isApart: (Int, Int) -> Bool) {
        let places = Dictionary(
            runs.enumerated().map { ($1.segment.record.object, $0) },
            uniquingKeysWith: { first, _ in first })
        areApart.withLock { known in
            if known.count > Self.mostPairs { known = [:] }
            for (one, other) in Self.pairs(runs, within: .min ... .max) {
                guard let first = places[one.segment.record.object],
                    let second = places[other.segment.record.object]
                else { continue }
                known[Self.pair(one, other)] = isApart(first, second)
            }
        }
    }

    private static func pair(_ one: StreamRun, _ other: StreamRun) -> Pair {
        Pair(
            earlier: one.segment.record.object, later: other.segment.record.object,
            stream: one.stream)
    }

    /// Those that share a part of some times.
    private static func pairs(
        _ runs: [StreamRun], within times: ClosedRange<Int64>
    ) -> [(StreamRun, StreamRun)] {
        let spans = runs.map { $0.summary.first...$0.summary.last }
        var pairs: [(StreamRun, StreamRun)] = []
        for (place, span) in spans.enumerated() where span.overlaps(times) {
            let wanted = span.clamped(to: times)
            for other in place + 1..<runs.count where spans[other].overlaps(wanted) {
                pairs.append((runs[place], runs[other]))
            }
        }
        return pairs
    }

    /// Slices that meet another run, ascending by their first time.
    private static func sharedPieces(_ runs: [StreamRun]) -> [UnitCut.Piece] {
        let spans = runs.map { $0.summary.first...$0.summary.last }
        var pieces: [UnitCut.Piece] = []
        for (place, run) in runs.enumerated() {
            for slice in run.segment.reader.wideSlices(ofStream: run.stream)
            where spans.indices.contains(where: { $0 != place && slice.meets(spans[$0]) }) {
                pieces.append(UnitCut.Piece(run: place, slice: slice))
            }
        }
        return pieces.sorted { $0.slice.first < $1.slice.first }
    }

    /// Entries with one time are told by their lines and metadata.
    private static func areApart(
        _ readers: [SegmentReader], _ slices: [[Slice]], _ times: ClosedRange<Int64>,
        _ question: LineQuestion
    ) throws -> Bool {
        let bare = try ScanPlan.runs(of: readers, slices, times, .timestamps, question)
        if EntriesMerge.interleaved(bare) != nil { return true }
        let whole = try ScanPlan.runs(of: readers, slices, times, .lines, question)
        return try EntriesMerge.merge(whole).count == whole.reduce(0) { $0 + $1.count }
    }
}
