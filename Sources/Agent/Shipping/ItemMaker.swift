import Bytes
import LogModel
import Logback

/// Gives an event of a group its labels and metadata.
///
/// Where names meet: a configured label stands; a field named `level` that matches is the level, and
/// the one found in the header is not used; what a trace tells comes before a key that the application
/// named the same; a value of the layout gives way to any of them. Other meetings are refused when the
/// agent starts.
struct ItemMaker {
    private let group: SourceGroup
    private let labels: [Label]
    private let hasLevel: Bool
    /// Names that a value of the layout does not take over.
    private let taken: [String]
    /// Nil when entries are shipped as they are.
    private let stages: EntryStages?

    init(_ group: SourceGroup, of configuration: AgentConfiguration) {
        self.group = group
        var labels = configuration.labels.merging(group.labels) { $1 }
        if labels["host"] == nil { labels["host"] = configuration.host }
        hasLevel = labels["level"] != nil
        self.labels = labels.map { Label($0.key, $0.value) }
        taken = Set(labels.keys).union(group.fields.map(\.name)).union(["level"]).sorted()
        stages = group.rules.isEmpty ? nil : EntryStages(group.rules)
    }

    /// An item for each event. Those that the rules drop have no text.
    func items(_ events: [FileEvent], of file: FollowedFile) -> [Shipment.Item] {
        var items = events.map { item($0, of: file) }
        stages?.run(&items, levels: events.map(\.level))
        return items
    }

    private func item(_ event: FileEvent, of file: FollowedFile) -> Shipment.Item {
        var labels: [Label] = []
        if let stream = event.stream { labels.append(Label("stream", stream)) }
        var metadata: [Label] = []
        func put(_ label: Label, asLabel: Bool) {
            if asLabel { labels.append(label) } else { metadata.append(label) }
        }
        var wantsLevel = !hasLevel
        for field in group.fields {
            guard let value = field.value(in: event.text) else { continue }
            put(Label(field.name, value), asLabel: field.isLabel)
            if field.name == "level" { wantsLevel = false }
        }
        if wantsLevel, group.level != .none, let level = event.level {
            put(Label("level", level), asLabel: group.level == .label)
        }
        if group.layout.hasFields {
            for field in group.layout.fields(of: event) where !taken.contains(field.name) {
                metadata.append(field)
            }
        }
        if group.describesTraces, let trace = trace(event.text) {
            let told = trace.labels.filter { !taken.contains($0.name) }
            metadata.removeAll { one in told.contains { $0.name == one.name } }
            metadata += told
        }
        if let status = event.status { metadata.append(Label("status", status)) }
        if event.isContinued { metadata.append(Label("continued", "true")) }
        return Shipment.Item(
            origin: file.origin, from: event.from, to: event.to, events: event.events,
            timestamp: event.timestamp, text: event.text,
            labels: file.labelSets.set(labels) { self.labels + file.labels + $0 },
            metadata: set(metadata, of: file),
            isGlued: event.isGlued)
    }

    private func set(_ metadata: [Label], of file: FollowedFile) -> Labels {
        if metadata.isEmpty { return .empty }
        // With the ids and threads of a layout hardly any set comes again: it is not looked for.
        return group.layout.hasFields ? Labels(metadata) : file.metadataSets.set(metadata)
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
