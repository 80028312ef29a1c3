import LogModel
import Logback
import Wire

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
        /// Of the metadata, what does not lie in the text.
        private var told: Labels
        /// The rest of it. None where rules may change the text.
        private var fields: HeaderFields?
        /// Its bytes are covered only together with those of the next item: both travel together.
        var isGlued = false
        /// Not to be shipped; its bytes are covered.
        var dropped: Dropped?

        init(
            _ event: FileEvent, origin: Origin, labels: Labels, told: Labels, fields: HeaderFields?
        ) {
            self.origin = origin
            from = event.from
            to = event.to
            events = event.events
            timestamp = event.timestamp
            text = event.text
            self.labels = labels
            self.told = told
            self.fields = fields
            isGlued = event.isGlued
        }

        var source: String { origin.source }
        var path: String { origin.path }

        /// All of it, as a set.
        var metadata: Labels {
            get {
                guard let fields else { return told }
                var pairs = told.pairs
                fields.forEach(in: text) {
                    pairs.append(Label($0.name, String(decoding: $1, as: UTF8.self)))
                }
                return Labels(pairs)
            }
            set {
                told = newValue
                fields = nil
            }
        }

        /// Adds a row with all of it.
        func write(to writer: inout PushWriter) {
            writer.beginRow(timestamp, text)
            for label in told.pairs { writer.add(label.name, label.value) }
            fields?.forEach(in: text) { writer.add($0, $1) }
            writer.endRow()
        }
    }

    private(set) var items: [Item] = []
    private(set) var bytes = 0

    /// Those that its items come from.
    var sources: Set<String> { Set(items.map(\.origin.source)) }

    /// True when there is nothing in it but what was dropped.
    var isEmpty: Bool { items.allSatisfy { $0.dropped != nil } }

    /// False while the next item must go with the last.
    var mayEnd: Bool { items.last?.isGlued != true }

    /// The place nearest to its middle where it may be cut in two; nil where there is none.
    var middle: Int? {
        let half = items.count / 2
        return items.indices.dropFirst().filter { !items[$0 - 1].isGlued }
            .min { abs($0 - half) < abs($1 - half) }
    }

    /// What an item takes beside its text, about: a shipment of dropped ones must end too.
    private static let itemBytes = 16

    init(items: [Item] = []) {
        self.items = items
        bytes = items.reduce(0) { $0 + $1.text.count }
    }

    /// `count`: of the events that it will hold, about.
    init(expecting count: Int) { items.reserveCapacity(count) }

    mutating func add(_ item: consuming Item) {
        bytes += item.text.count
        if let dropped = item.dropped {
            bytes += Self.itemBytes
            if join(copy item, dropped) { return }
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
        for index in items.indices {
            guard let dropped = items[index].dropped else { continue }
            let item = items[index]
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
        // By their places: to copy an item is to count all that it refers to.
        for index in items.indices {
            let origin = ObjectIdentifier(items[index].origin)
            let place = latest?.origin == origin ? latest?.place : places[origin]
            if let place {
                ranges[place].to = items[index].to
                ranges[place].events = items[index].events
                latest = (origin, place)
            } else {
                latest = (origin, ranges.count)
                places[origin] = ranges.count
                let item = items[index]
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

    /// The places of the events by label set, without those that were dropped.
    private var streams: [(labels: Labels, places: [Int])] {
        var streams: [(labels: Labels, places: [Int])] = []
        var known: [Labels: Int] = [:]
        var latest = 0
        for place in items.indices where items[place].dropped == nil {
            // Mostly the set of the event before, in the same memory: that is compared at once.
            if streams.isEmpty || streams[latest].labels != items[place].labels {
                let labels = items[place].labels
                latest = known[labels] ?? streams.count
                if latest == streams.count {
                    known[labels] = latest
                    streams.append((labels, []))
                }
            }
            streams[latest].places.append(place)
        }
        return streams
    }

    /// The events by label set.
    var batches: [Batch] {
        streams.map { stream in
            var entries = Entries()
            for item in stream.places.lazy.map({ items[$0] }) {
                entries.append(
                    timestamp: item.timestamp, line: item.text, metadata: item.metadata)
            }
            return Batch(labels: stream.labels, entries: entries)
        }
    }

    /// The same as the JSON body of a push, with these ranges, in the memory that `body` has.
    func writePush(_ ranges: [SourceRange], into body: inout [UInt8]) {
        let streams = streams
        let text = bytes + bytes / 8 + items.count * (PushWriter.rowBytes + Self.metadataBytes)
        var writer = PushWriter(
            bytes: text + (streams.count + ranges.count + 1) * PushWriter.streamBytes, in: &body)
        for stream in streams {
            writer.begin(stream.labels)
            for place in stream.places { items[place].write(to: &writer) }
        }
        writer.finish(sources: ranges, into: &body)
    }

    /// Of an event, as text, about.
    private static let metadataBytes = 160
}
