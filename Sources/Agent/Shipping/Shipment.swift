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
    }

    var items: [Item] = []
    private(set) var bytes = 0

    /// False while the next item must go with the last.
    var mayEnd: Bool { items.last?.isGlued != true }

    init(items: [Item] = []) {
        self.items = items
        bytes = items.reduce(0) { $0 + $1.text.count }
    }

    mutating func add(_ item: Item) {
        bytes += item.text.count
        items.append(item)
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
        for item in items {
            if entries[item.labels] == nil { order.append(item.labels) }
            entries[item.labels, default: Entries()].append(
                timestamp: item.timestamp, line: item.text, metadata: item.metadata)
        }
        return order.compactMap { labels in
            entries[labels].map { Batch(labels: labels, entries: $0) }
        }
    }
}
