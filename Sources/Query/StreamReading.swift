import LogModel
import Pipeline

/// Walks over the entries of one stream, unit by unit, in both directions.
struct StreamReading {
    /// Of an entry; ascends with time.
    struct Position: Comparable {
        var unit: Int
        var row: Int

        static func < (a: Position, b: Position) -> Bool {
            a.unit == b.unit ? a.row < b.row : a.unit < b.unit
        }
    }

    /// Units whose entries are kept: the one at hand and its neighbours.
    private static let keptUnits = 3

    private let scan: Scan
    private let stream: Labels
    private let units: [ScanUnit]
    /// The last used at the end.
    private var loaded: [(unit: Int, entries: Entries)] = []

    /// The stream's entries between two moments, both inclusive.
    init(
        _ scan: Scan, _ stream: Labels, from start: Timestamp, to end: Timestamp
    ) throws(QueryError) {
        self.scan = scan
        self.stream = stream
        let matchers: [Matcher]
        do { matchers = try stream.pairs.map { try Matcher($0.name, .equal, $0.value) } } catch {
            throw QueryError(.source, "selecting \(stream): \(error)")
        }
        units = try scan.plan(
            Selection(
                tenant: scan.request.tenant, matchers: matchers, start: start,
                end: end.advanced(byNanoseconds: 1))
        ).filter { $0.streams == [stream] }
    }

    /// Where an entry stands, or nil when it has been deleted meanwhile.
    mutating func find(_ candidate: LogCandidates.Candidate) throws(QueryError) -> Position? {
        let time = candidate.row.timestamp
        for (unit, range) in units.enumerated() where range.first <= time && time <= range.last {
            let entries = try entries(of: unit)
            var row = entries.timestamps.partition { $0 < time }
            while row < entries.count, entries.timestamps[row] == time {
                if LogCandidates.identity(of: row, in: entries) == candidate.identity {
                    return Position(unit: unit, row: row)
                }
                row += 1
            }
        }
        return nil
    }

    mutating func next(_ position: Position) throws(QueryError) -> Position? {
        if position.row + 1 < (try entries(of: position.unit)).count {
            return Position(unit: position.unit, row: position.row + 1)
        }
        var unit = position.unit + 1
        while unit < units.count {
            if try entries(of: unit).count > 0 { return Position(unit: unit, row: 0) }
            unit += 1
        }
        return nil
    }

    mutating func previous(_ position: Position) throws(QueryError) -> Position? {
        if position.row > 0 { return Position(unit: position.unit, row: position.row - 1) }
        var unit = position.unit - 1
        while unit >= 0 {
            let count = try entries(of: unit).count
            if count > 0 { return Position(unit: unit, row: count - 1) }
            unit -= 1
        }
        return nil
    }

    /// The entry as it was stored.
    mutating func row(_ position: Position) throws(QueryError) -> LogRow {
        let entries = try entries(of: position.unit)
        return LogRow(
            timestamp: entries.timestamps[position.row],
            line: Array(entries.lineBytes[entries.lineRange(position.row)]),
            labels: ResultLabels(stored: stream, entries.metadata(position.row)))
    }

    private mutating func entries(of unit: Int) throws(QueryError) -> Entries {
        if let at = loaded.firstIndex(where: { $0.unit == unit }) {
            let hit = loaded.remove(at: at)
            loaded.append(hit)
            return hit.entries
        }
        let entries = try scan.load(units[unit], .lines)
        loaded.append((unit, entries))
        if loaded.count > Self.keptUnits { loaded.removeFirst() }
        return entries
    }
}
