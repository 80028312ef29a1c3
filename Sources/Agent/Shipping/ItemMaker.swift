import Bytes
import LogModel
import Logback

/// Gives an event of a group its labels and metadata.
///
/// Where names meet: a configured label stands; a field named `level` that matches is the level, and
/// the one found in the header is not used; what a trace tells comes before a key that the application
/// named the same; a value of the layout gives way to any of them. Other meetings are refused when the
/// agent starts.
///
/// A class, as every event has need of it: to copy it is to count all that it refers to.
final class ItemMaker {
    private let group: SourceGroup
    private let labels: [Label]
    private let hasLevel: Bool
    /// Names that a value of the layout does not take over.
    private let taken: [String]
    /// Of the layout, where its values can be left in the text.
    private let names: HeaderFields.Names?
    /// Nil when entries are shipped as they are.
    private let stages: EntryStages?

    init(_ group: SourceGroup, of configuration: AgentConfiguration) {
        self.group = group
        var labels = configuration.labels.merging(group.labels) { $1 }
        if labels["host"] == nil { labels["host"] = configuration.host }
        hasLevel = labels["level"] != nil
        self.labels = labels.map { Label($0.key, $0.value) }
        let taken = Set(labels.keys).union(group.fields.map(\.name)).union(["level"]).sorted()
        self.taken = taken
        stages =
            group.rules.isEmpty
            ? nil
            : EntryStages(group.rules, taken: Set(group.fields.filter(\.isLabel).map(\.name)))
        // Rules change the text.
        names =
            group.rules.isEmpty
            ? group.layout.compiled.flatMap { HeaderFields.Names($0, except: taken) } : nil
    }

    /// Hands out an item for each event. Those that the rules drop have no text.
    func forEachItem(
        _ events: [FileEvent], of file: FollowedFile, _ body: (consuming Shipment.Item) -> Void
    ) {
        guard let stages else {
            for index in events.indices { body(item(events[index], of: file)) }
            return
        }
        var items = events.map { item($0, of: file) }
        stages.run(&items, levels: events.map(\.level))
        for item in items { body(item) }
    }

    private func item(_ event: FileEvent, of file: FollowedFile) -> Shipment.Item {
        var labels: [Label] = []
        if let stream = event.stream { labels.append(Label("stream", stream)) }
        var metadata: [Label] = []
        func put(_ label: Label, asLabel: Bool) {
            if asLabel { labels.append(label) } else { metadata.append(label) }
        }
        var level = hasLevel || group.level == .none ? nil : event.level
        for field in group.fields {
            guard let value = field.value(in: event.text) else { continue }
            put(Label(field.name, value), asLabel: field.isLabel)
            if field.name == "level" { level = nil }
        }
        if group.level == .label, let found = level.take() { labels.append(Label("level", found)) }
        let further = further(event)
        let fields = further.isEmpty ? names.flatMap { HeaderFields(event, $0) } : nil
        if fields == nil, group.layout.hasFields {
            for field in group.layout.fields(of: event)
            where !taken.contains(field.name) && !further.contains(where: { $0.name == field.name })
            {
                metadata.append(field)
            }
        }
        metadata += further
        return Shipment.Item(
            event, origin: file.origin,
            labels: file.labelSets.set(labels) { self.labels + file.labels + $0 },
            told: set(metadata, level, of: file, isUsual: fields != nil), fields: fields)
    }

    /// What few events have: it takes the place of values of the layout that have its names.
    private func further(_ event: FileEvent) -> [Label] {
        var further: [Label] = []
        if group.describesTraces, let trace = trace(event.text) {
            further = trace.labels.filter { !taken.contains($0.name) }
        }
        if let status = event.status { further.append(Label("status", status)) }
        if event.isContinued { further.append(Label("continued", "true")) }
        return further
    }

    /// `isUsual`: there are few such sets.
    private func set(
        _ metadata: [Label], _ level: String?, of file: FollowedFile, isUsual: Bool
    ) -> Labels {
        guard let level else { return set(metadata, of: file, isUsual: isUsual) }
        if metadata.isEmpty { return file.metadataSets.set("level", level) }
        return set(metadata + [Label("level", level)], of: file, isUsual: isUsual)
    }

    private func set(_ metadata: [Label], of file: FollowedFile, isUsual: Bool) -> Labels {
        if metadata.isEmpty { return .empty }
        // With the ids and threads of a layout hardly any set comes again: it is not looked for.
        return isUsual || !group.layout.hasFields
            ? file.metadataSets.set(metadata) : Labels(metadata)
    }

    private func trace(_ text: [UInt8]) -> StackTrace? {
        text.withUnsafeBytes { text in
            if text.first == UInt8(ascii: "{") {
                return StackTrace(ofJSON: text, own: group.ownPackages)
            }
            guard firstOffset(of: 0x0a, in: text) != nil else { return nil }
            return StackTrace(of: text, own: group.ownPackages)
        }
    }
}

extension SourceGroup.Field {
    /// The first group of the match, or the whole of it; nil when there is none.
    func value(in text: [UInt8]) -> String? {
        text.withUnsafeBytes { text in
            guard let groups = regexp.captures(in: text),
                let range = groups.count > 1 ? groups[1] : groups[0]
            else { return nil }
            return String(decoding: text[range], as: UTF8.self)
        }
    }
}
