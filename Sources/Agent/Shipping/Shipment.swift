import LogModel

/// Events of one or more sources on their way to the server; the events of a source follow each
/// other without a gap.
struct Shipment: Sendable {
    /// Where events come from.
    final class Origin: Sendable {
        let source: String
        let path: String

        init(source: String, path: String) {
            self.source = source
            self.path = path
        }
    }

    struct Item: Sendable {
        var origin: Origin
        var from: Int64
        var to: Int64
        var events: Int64
        var timestamp: Int64
        var text: [UInt8]
        var labels: Labels
        var metadata: Labels
        /// Its bytes are covered only together with those of the next item: both travel together.
        var isGlued = false
        /// Not to be shipped; its bytes are covered.
        var dropped: Dropped?

        var source: String { origin.source }
        var path: String { origin.path }
    }

    private(set) var items: [Item] = []
    private(set) var bytes = 0

    /// False while the next item must go with the last.
    var mayEnd: Bool { items.last?.isGlued != true }

    /// What an item takes beside its text, about: a shipment of dropped ones must end too.
    private static let itemBytes = 16

    init(items: [Item] = []) {
        self.items = items
        bytes = items.reduce(0) { $0 + $1.text.count }
    }

    mutating func add(_ item: Item) {
        bytes += item.text.count
        if let dropped = item.dropped {
            bytes += Self.itemBytes
            if join(item, dropped) { return }
        }
        items.append(item)
    }

    /// Dropped items in a row are one.
    private mutating func join(_ item: Item, _ dropped: Dropped) -> Bool {
        let last = items.count - 1
        guard last >= 0, var before = items[last].dropped, before.why == dropped.why,
            items[last].source == item.source, items[last].to == item.from
        else { return false }
        before.entries += dropped.entries
        before.bytes += dropped.bytes
        items[last].dropped = before
        items[last].to = item.to
        items[last].events = item.events
        items[last].isGlued = item.isGlued
        return true
    }

    /// What rules have dropped, by source and rule, in the order of the first.
    var drops: [(first: Item, to: Int64, sum: Dropped)] {
        var found: [(first: Item, to: Int64, sum: Dropped)] = []
        var places: [String: Int] = [:]
        for item in items {
            guard let dropped = item.dropped else { continue }
            let key = item.source + " " + dropped.why
            if let place = places[key] {
                found[place].to = item.to
                found[place].sum.entries += dropped.entries
                found[place].sum.bytes += dropped.bytes
            } else {
                places[key] = found.count
                found.append((item, item.to, dropped))
            }
        }
        return found
    }

    /// The range of each source from its first event to its last.
    var ranges: [SourceRange] {
        var ranges: [SourceRange] = []
        var places: [ObjectIdentifier: Int] = [:]
        // Events of one source come one after the other.
        var latest: (origin: ObjectIdentifier, place: Int)?
        for item in items {
            let origin = ObjectIdentifier(item.origin)
            let place = latest?.origin == origin ? latest?.place : places[origin]
            if let place {
                ranges[place].to = item.to
                ranges[place].events = item.events
                latest = (origin, place)
            } else {
                latest = (origin, ranges.count)
                places[origin] = ranges.count
                ranges.append(
                    SourceRange(
                        source: item.source, from: item.from, to: item.to, events: item.events))
            }
        }
        return Self.merged(ranges)
    }

    /// A file that was opened anew within the shipment is the same source.
    private static func merged(_ ranges: [SourceRange]) -> [SourceRange] {
        var places: [String: Int] = [:]
        var merged: [SourceRange] = []
        for range in ranges {
            if let place = places[range.source] {
                merged[place].to = range.to
                merged[place].events = range.events
            } else {
                places[range.source] = merged.count
                merged.append(range)
            }
        }
        return merged
    }

    /// The events by label set.
    var batches: [Batch] {
        var sets: [Labels] = []
        var entries: [Entries] = []
        var places: [Labels: Int] = [:]
        var latest = 0
        for item in items where item.dropped == nil {
            // Mostly the set of the event before, in the same memory: that is compared at once.
            if sets.isEmpty || sets[latest] != item.labels {
                if let known = places[item.labels] {
                    latest = known
                } else {
                    latest = sets.count
                    places[item.labels] = latest
                    sets.append(item.labels)
                    entries.append(Entries())
                    entries[latest].lineBytes.reserveCapacity(sets.count == 1 ? bytes : 0)
                }
            }
            entries[latest].append(
                timestamp: item.timestamp, line: item.text, metadata: item.metadata)
        }
        return zip(sets, entries).map { Batch(labels: $0, entries: $1) }
    }
}
