import LogModel

/// Events of one or more sources on their way to the server; the events of a source follow each
/// other without a gap.
struct Shipment: Sendable {
    struct Item: Sendable {
        var source: String
        var path: String
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
    }

    var items: [Item] = []
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
        var order: [String] = []
        var ranges: [String: SourceRange] = [:]
        for item in items {
            if ranges[item.source] == nil {
                order.append(item.source)
                ranges[item.source] = SourceRange(
                    source: item.source, from: item.from, to: item.to, events: item.events)
            } else {
                ranges[item.source]?.to = item.to
                ranges[item.source]?.events = item.events
            }
        }
        return order.compactMap { ranges[$0] }
    }

    var batches: [Batch] {
        var order: [Labels] = []
        var entries: [Labels: Entries] = [:]
        for item in items where item.dropped == nil {
            if entries[item.labels] == nil { order.append(item.labels) }
            entries[item.labels, default: Entries()].append(
                timestamp: item.timestamp, line: item.text, metadata: item.metadata)
        }
        return order.compactMap { labels in
            entries[labels].map { Batch(labels: labels, entries: $0) }
        }
    }
}
