import LogModel
import Segment

/// Runs of many small streams that overlap, read side by side and put in order together: merging them one
/// by one would cost more than what is in them.
struct MergedRuns {
    /// Lines of one unit, in bytes, about.
    private static let unitBytes = 8 * 1024 * 1024

    private struct Part {
        let reader: SegmentReader
        let slices: [Slice]
        /// Of each slice the place of its stream in `streams`.
        let owners: [UInt32]
    }

    let streams: [Labels]
    let times: ClosedRange<Int64>
    let place: UInt64
    /// Of lines.
    let bytes: Int
    /// In the order of their arrival.
    private let parts: [Part]

    /// What lies in `times`, by shares of that time. `selected`: streams by their numbers.
    static func of(
        _ runs: [JoinedRuns], _ selected: [Labels], within times: ClosedRange<Int64>
    ) -> [MergedRuns] {
        let bytes = runs.reduce(0) { $0 + $1.bytes(within: times) }
        let low = max(times.lowerBound, runs.map(\.times.lowerBound).min() ?? .max)
        let high = min(times.upperBound, runs.map(\.times.upperBound).max() ?? .min)
        guard low <= high else { return [] }
        let count = bytes / unitBytes + 1
        let width = (Double(high) - Double(low) + 1) / Double(count)
        var merged: [MergedRuns] = []
        var start = low
        for number in 1...count {
            // In unsigned numbers: from the first time of all to the last is further than Int64 reaches.
            let end =
                number == count
                ? high
                : Int64(
                    bitPattern: UInt64(bitPattern: low) &+ UInt64(width * Double(number)))
            guard start <= min(end, high) else { continue }
            let share = start...min(end, high)
            if let part = MergedRuns(runs, selected, within: share) { merged.append(part) }
            guard share.upperBound < high else { break }
            start = share.upperBound + 1
        }
        return merged
    }

    private init?(_ runs: [JoinedRuns], _ selected: [Labels], within times: ClosedRange<Int64>) {
        let runs = runs.filter { $0.times.overlaps(times) }
        var places = [Int32](repeating: -1, count: selected.count)
        var streams: [Labels] = []
        var parts: [Part] = []
        for run in runs {
            let slices = run.slices.filter { $0.meets(times) }
            guard !slices.isEmpty else { continue }
            let owners = slices.map { slice in
                let number = Int(run.numbers[slice.stream])
                if places[number] < 0 {
                    places[number] = Int32(streams.count)
                    streams.append(selected[number])
                }
                return UInt32(places[number])
            }
            parts.append(Part(reader: run.segment.reader, slices: slices, owners: owners))
        }
        guard !parts.isEmpty else { return nil }
        self.streams = streams
        self.parts = parts
        self.times = times
        place = runs[0].place
        bytes = runs.reduce(0) { $0 + $1.bytes(within: times) }
    }

    /// Rows of each stream ascending by time, equal times in the order of arrival, none of them twice.
    func load(
        _ projection: Selection.Projection, _ question: LineQuestion,
        within times: ClosedRange<Int64>
    ) throws -> Entries {
        var (entries, owners) = try rows(projection, question, within: times)
        var order = Self.order(of: entries, owners, streams.count)
        let areTied = zip(order, order.dropFirst()).contains { one, next in
            owners[one] == owners[next] && entries.timestamps[one] == entries.timestamps[next]
        }
        guard areTied else { return entries.rows(order, of: owners) }
        // Repeated entries are told by their lines.
        if projection != .lines {
            (entries, owners) = try rows(.lines, question, within: times)
            order = Self.order(of: entries, owners, streams.count)
        }
        order = Self.withoutRepeated(order, of: entries, owners)
        var merged = entries.rows(order, of: owners)
        guard projection != .lines else { return merged }
        if !question.isEmpty { return question.filtered(merged) }
        merged.lineBytes = []
        return merged
    }

    /// Those of all parts one behind the other, and the stream of each.
    private func rows(
        _ projection: Selection.Projection, _ question: LineQuestion,
        within times: ClosedRange<Int64>
    ) throws -> (Entries, [UInt32]) {
        var all = Entries()
        var owners: [UInt32] = []
        for part in parts {
            var entries = Entries()
            try part.reader.load(
                part.slices, projection: projection, holding: question, within: times,
                into: &entries)
            owners += (0..<entries.count).map { part.owners[entries.stream($0)] }
            all.appendApart(entries)
        }
        return (all, owners)
    }

    /// The rows of one stream after the other's, each stream's by time.
    private static func order(of entries: Entries, _ owners: [UInt32], _ count: Int) -> [Int] {
        var ends = [Int](repeating: 0, count: count + 1)
        for owner in owners { ends[Int(owner) + 1] += 1 }
        for index in 1...count { ends[index] += ends[index - 1] }
        var next = ends
        var order = [Int](repeating: 0, count: owners.count)
        for (row, owner) in owners.enumerated() {
            order[next[Int(owner)]] = row
            next[Int(owner)] += 1
        }
        let times = entries.timestamps
        for (start, end) in zip(ends, ends.dropFirst()) where end - start > 1 {
            let rises = (start + 1..<end).allSatisfy {
                times[order[$0 - 1]] <= times[order[$0]]
            }
            guard !rises else { continue }
            // A part of the array sorted in its place would copy all of it.
            let sorted = order[start..<end].sorted { (times[$0], $0) < (times[$1], $1) }
            for (offset, row) in sorted.enumerated() { order[start + offset] = row }
        }
        return order
    }

    /// Of rows with equal stream, time, line and metadata the first stays.
    private static func withoutRepeated(
        _ order: [Int], of entries: Entries, _ owners: [UInt32]
    ) -> [Int] {
        var out: [Int] = []
        out.reserveCapacity(order.count)
        // Those of the stream and time at hand, once there is a second.
        var seen: Set<Told> = []
        for row in order {
            guard let last = out.last, owners[last] == owners[row],
                entries.timestamps[last] == entries.timestamps[row]
            else {
                seen = []
                out.append(row)
                continue
            }
            if seen.isEmpty { seen.insert(Told(entries, last)) }
            if seen.insert(Told(entries, row)).inserted { out.append(row) }
        }
        return out
    }
}

/// What tells an entry from others of its stream and time.
private struct Told: Hashable {
    let line: ArraySlice<UInt8>
    let metadata: Labels

    init(_ entries: Entries, _ row: Int) {
        line = entries.line(row)
        metadata = entries.metadata(row)
    }
}

extension JoinedRuns {
    /// Of lines, about, within some times.
    func bytes(within range: ClosedRange<Int64>) -> Int {
        let part = times.clamped(to: range)
        guard times.overlaps(range) else { return 0 }
        let whole = Double(times.upperBound) - Double(times.lowerBound) + 1
        return Int(Double(bytes) * (Double(part.upperBound) - Double(part.lowerBound) + 1) / whole)
    }
}
