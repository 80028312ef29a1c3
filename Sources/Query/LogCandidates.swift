import LogModel
import Pipeline

/// The best entries of a log query so far: at most `limit` of them once they are trimmed.
struct LogCandidates: Sendable {
    struct Candidate: Sendable {
        var row: LogRow
        var stream: Labels
        /// Fingerprint of the stream: entries of equal time stand in its order.
        var mark: UInt64
        /// Order of arrival inside the stream.
        var sequence: Int
        /// Which of the query's alternatives found it.
        var leg: Int
        /// A hash of what was stored. A store drops equal entries of one stream and time, so together
        /// with those it names an entry; 0 where nobody asks.
        var identity: Int
    }

    private(set) var rows: [Candidate] = []
    private let isBackward: Bool
    private let limit: Int
    /// True when an entry may be found more than once.
    private let distinct: Bool
    private let needsIdentity: Bool
    /// The time of the last entry that still belongs to the answer, once there are enough.
    private var worst: Int64?

    init(_ request: QueryRequest, distinct: Bool) {
        isBackward = request.direction == .backward
        // With an interval entries are thinned out at the end, so none may be cut off before.
        limit = request.limit == 0 || request.intervalNanoseconds > 0 ? .max : request.limit
        self.distinct = distinct
        needsIdentity = distinct || request.context.isWanted
    }

    /// Entries of an answer at most; nil where nothing bounds it before its end.
    var most: Int? { limit < .max ? limit : nil }

    /// How many units more will do, going by what so many had.
    func unitsWanted(after units: Int) -> Int {
        guard limit < .max, !rows.isEmpty else { return .max }
        let (needed, overflow) = max(0, limit - rows.count).multipliedReportingOverflow(by: units)
        return overflow ? .max : needed / rows.count + (needed % rows.count > 0 ? 1 : 0)
    }

    /// What is known of the bounds of the answer.
    var withoutRows: LogCandidates {
        var copy = self
        copy.rows = []
        return copy
    }

    /// False when every entry of a unit, and of those behind it, comes too late.
    func mayTake(_ unit: ScanUnit) -> Bool {
        guard let worst else { return true }
        return isBackward ? unit.last >= worst : unit.first <= worst
    }

    /// The times of a unit that may still belong to the answer; nil when none does.
    func times(of unit: ScanUnit) -> ClosedRange<Int64>? {
        guard mayTake(unit) else { return nil }
        guard let worst else { return unit.first...unit.last }
        return isBackward
            ? max(unit.first, worst)...unit.last : unit.first...min(unit.last, worst)
    }

    /// Finds out from times alone how far the answer reaches, for units whose every row belongs to it
    /// as long as there is room: `times` gives those of a unit.
    mutating func bound(
        _ units: some Sequence<ScanUnit>,
        _ times: (ScanUnit, ClosedRange<Int64>) throws(QueryError) -> [Int64]
    ) throws(QueryError) {
        guard limit < .max else { return }
        // Turned round where later times come first.
        var known: [Int64] = []
        for unit in units {
            guard let range = self.times(of: unit) else { return }
            var found = try times(unit, range)
            if unit.streams.count == 1, found.count > limit {
                // They ascend.
                found = Array(isBackward ? found.suffix(limit) : found.prefix(limit))
            }
            known += isBackward ? found.map(~) : found
            known.leaveSmallest(limit)
            guard known.count == limit, let last = known.max() else { continue }
            worst = isBackward ? ~last : last
        }
    }

    /// Adds rows of some streams and gives the bytes of memory by which that has grown, less what was
    /// cut off.
    mutating func add(
        _ result: PipelineResult, of entries: Entries, _ streams: [Labels], leg: Int,
        labels: (Int) -> ResultLabels
    ) -> Int {
        var grown = 0
        var marks = [UInt64?](repeating: nil, count: streams.count)
        for i in result.rows.indices {
            let time = result.timestamps[i]
            if let worst, isBackward ? time < worst : time > worst { continue }
            let stream = entries.stream(result.rows[i])
            let mark = marks[stream] ?? streams[stream].fingerprint
            marks[stream] = mark
            let candidate = Candidate(
                row: LogRow(
                    timestamp: time, line: result.lines[i], labels: labels(result.labelIDs[i])),
                stream: streams[stream], mark: mark, sequence: result.rows[i], leg: leg,
                identity: needsIdentity ? Self.identity(of: result.rows[i], in: entries) : 0)
            grown += Self.bytes(candidate)
            rows.append(candidate)
        }
        return grown - trim()
    }

    /// Gives the bytes of what was cut off.
    mutating func take(_ other: LogCandidates) -> Int {
        rows += other.rows
        return trim()
    }

    /// The memory that a candidate holds, about, in bytes.
    private static func bytes(_ candidate: Candidate) -> Int {
        MemoryLayout<Candidate>.stride + 32 + candidate.row.line.count
            + candidate.row.labels.parsed.pairs.reduce(0) { $0 + 32 + $1.value.utf8.count }
    }

    /// Cuts off what comes too late and gives its bytes.
    private mutating func trim() -> Int {
        guard rows.count >= limit else { return 0 }
        var freed = sort()
        guard rows.count >= limit else { return freed }
        freed += rows[limit...].reduce(0) { $0 + Self.bytes($1) }
        rows.removeLast(rows.count - limit)
        worst = rows.last?.row.timestamp
        return freed
    }

    /// Equal times: by stream, and in order of arrival within one, or against it backward. A stream's rows of
    /// one time lie in one unit, so the row number tells the order. Gives the bytes of entries that
    /// were there twice.
    @discardableResult mutating func sort() -> Int {
        // By numbers, which are moved and compared without a look at what a row holds.
        let times = rows.map(\.row.timestamp)
        let order = rows.indices.sorted { a, b in
            guard times[a] == times[b] else {
                return isBackward ? times[a] > times[b] : times[a] < times[b]
            }
            return precedes(rows[a], rows[b])
        }
        rows = order.map { rows[$0] }
        return distinct ? dropRepeated() : 0
    }

    /// Of two of one time.
    private func precedes(_ a: Candidate, _ b: Candidate) -> Bool {
        if a.mark != b.mark { return a.mark < b.mark }
        if a.stream != b.stream {
            return a.stream.pairs.lexicographicallyPrecedes(b.stream.pairs)
        }
        if a.sequence != b.sequence {
            return isBackward ? a.sequence > b.sequence : a.sequence < b.sequence
        }
        return a.leg < b.leg
    }

    private struct Key: Hashable {
        var stream: Labels
        var identity: Int
    }

    /// An entry that several alternatives give is answered once, as the first of them gives it.
    private mutating func dropRepeated() -> Int {
        var freed = 0
        var time = Int64.min
        var seen: Set<Key> = []
        rows.removeAll { candidate in
            if candidate.row.timestamp != time { seen.removeAll(keepingCapacity: true) }
            time = candidate.row.timestamp
            let key = Key(stream: candidate.stream, identity: candidate.identity)
            let isRepeated = !seen.insert(key).inserted
            if isRepeated { freed += Self.bytes(candidate) }
            return isRepeated
        }
        return freed
    }

    /// Keeps entries that are an interval apart.
    mutating func thin(to request: QueryRequest) {
        guard request.intervalNanoseconds > 0 else { return }
        var out: [Candidate] = []
        for candidate in rows {
            if let last = out.last,
                abs(candidate.row.timestamp - last.row.timestamp) < request.intervalNanoseconds
            {
                continue
            }
            out.append(candidate)
            if out.count == request.limit { break }
        }
        rows = out
    }

    static func identity(of row: Int, in entries: Entries) -> Int {
        var hasher = Hasher()
        entries.lineBytes.withUnsafeBytes {
            hasher.combine(bytes: UnsafeRawBufferPointer(rebasing: $0[entries.lineRange(row)]))
        }
        hasher.combine(entries.metadata(row))
        return hasher.finalize()
    }
}
