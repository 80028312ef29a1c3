import Bytes
import LogModel
import Segment

/// Pushes that become durable together: one level-0 segment a tenant, one catalog transaction.
struct CommitGroup {
    private(set) var change = CatalogChange()
    /// Pushes that go on, and those that are refused alone.
    private(set) var accepted: [CommitQueue.Waiting] = []
    private(set) var refused: [(CommitQueue.Waiting, StorageError)] = []

    /// Sorts out pushes that do not follow the committed positions. Within a group a push may follow
    /// one before it.
    init(
        _ waiting: [CommitQueue.Waiting],
        committed: (String, [String]) throws(StorageError) -> [Position]
    ) throws(StorageError) {
        var known: [String: [String: Position]] = [:]
        for push in waiting {
            let tenant = push.push.tenant
            let unread = push.push.sources.map(\.source).filter { known[tenant]?[$0] == nil }
            if !unread.isEmpty {
                for position in try committed(tenant, unread) {
                    known[tenant, default: [:]][position.source] = position
                }
            }
            var positions = known[tenant] ?? [:]
            var fits = true
            for range in push.push.sources {
                fits =
                    fits && range.from >= 0 && range.to >= range.from
                    && (positions[range.source]?.offset ?? 0) == range.from
                positions[range.source] = Position(
                    source: range.source, offset: range.to, events: range.events)
            }
            if fits {
                known[tenant] = positions
                change.moves += push.push.sources.map { (tenant, $0) }
                accepted.append(push)
            } else {
                let current = push.push.sources.compactMap { known[tenant]?[$0.source] }
                refused.append((push, .positionConflict(current)))
            }
        }
    }

    /// Writes the segments of the accepted pushes and notes them in `change`.
    mutating func write(
        to store: FileObjectStore, now: Int64, name: () -> String
    ) throws {
        var tenants: [String: [Labels: [Entries]]] = [:]
        for push in accepted {
            for batch in push.push.batches where !batch.entries.isEmpty {
                tenants[push.push.tenant, default: [:]][batch.labels, default: []]
                    .append(Self.ascending(batch.entries))
            }
        }
        for (tenant, streams) in tenants {
            let object = name()
            let positions = change.moves.filter { $0.tenant == tenant }.map {
                Position(source: $0.range.source, offset: $0.range.to, events: $0.range.events)
            }
            let summary = try store.put(object) { write in
                try withoutActuallyEscaping(write) { write in
                    var writer = SegmentWriter(tenant: tenant, level: 0, write: write)
                    for (labels, runs) in streams.sortedByText() {
                        try writer.append(labels: labels, entries: try EntriesMerge.merge(runs))
                    }
                    return try writer.finish(
                        attachment: PositionList.encode(PositionList.furthest(positions)))
                }
            }
            change.add(summary, object: object, created: now)
        }
    }

    /// In order of time; equal times stay in the order they came in.
    private static func ascending(_ entries: Entries) -> Entries {
        let times = entries.timestamps
        if zip(times, times.dropFirst()).allSatisfy({ $0 <= $1 }) { return entries }
        let order = times.indices.sorted {
            times[$0] == times[$1] ? $0 < $1 : times[$0] < times[$1]
        }
        var out = Entries()
        for row in order { out.append(entries, rows: row..<row + 1) }
        return out
    }
}

extension Dictionary where Key == Labels {
    /// In the order of the sets' texts, the order of streams in a segment. Each text is made once,
    /// not at every comparison.
    func sortedByText() -> [(labels: Labels, value: Value)] {
        map { (text: $0.key.description, labels: $0.key, value: $0.value) }
            .sorted { $0.text < $1.text }
            .map { ($0.labels, $0.value) }
    }
}

extension CatalogChange {
    /// Lists a segment and the streams in it.
    mutating func add(_ summary: SegmentSummary, object: String, created: Int64) {
        added.append(
            SegmentRecord(
                object: object, tenant: summary.tenant, level: summary.level, first: summary.first,
                last: summary.last, rows: summary.rows, bytes: summary.bytes,
                storedBytes: summary.storedBytes, created: created))
        streams += summary.streams.map {
            Stream(tenant: summary.tenant, labels: $0.labels, first: $0.first, last: $0.last)
        }
    }
}
