import LogModel
import Logback

/// Gives an event of a group its labels and metadata.
///
/// Where names meet: a configured label stands; a field named `level` that matches is the level, and
/// the one found in the header is not used; a value of the layout gives way to any of them. Other
/// meetings are refused when the agent starts.
struct ItemMaker {
    private let group: SourceGroup
    private let labels: [Label]
    private let hasLevel: Bool
    /// Names that a value of the layout does not take over.
    private let taken: Set<String>

    init(_ group: SourceGroup, of configuration: AgentConfiguration) {
        self.group = group
        var labels = configuration.labels.merging(group.labels) { $1 }
        if labels["host"] == nil { labels["host"] = configuration.host }
        hasLevel = labels["level"] != nil
        self.labels = labels.map { Label($0.key, $0.value) }
        taken = Set(labels.keys).union(group.fields.map(\.name)).union(["level"])
    }

    func item(_ event: FileEvent, of file: FollowedFile) -> Shipment.Item {
        var labels = labels + file.labels
        if let stream = event.stream { labels.append(Label("stream", stream)) }
        var metadata: [Label] = []
        func put(_ label: Label, asLabel: Bool) {
            if asLabel { labels.append(label) } else { metadata.append(label) }
        }
        var wantsLevel = !hasLevel
        for field in group.fields {
            guard let value = value(field, event.text) else { continue }
            put(Label(field.name, value), asLabel: field.isLabel)
            if field.name == "level" { wantsLevel = false }
        }
        if wantsLevel, group.level != .none, let level = event.level {
            put(Label("level", level), asLabel: group.level == .label)
        }
        if group.layout.hasFields {
            let found = event.text.withUnsafeBytes { group.layout.fields(of: $0) }
            metadata.append(contentsOf: found.filter { !taken.contains($0.name) })
        }
        if let status = event.status { metadata.append(Label("status", status)) }
        return Shipment.Item(
            source: file.id, path: file.path, from: event.from, to: event.to,
            events: event.events, timestamp: event.timestamp, text: event.text,
            labels: Labels(labels), metadata: metadata.isEmpty ? .empty : Labels(metadata),
            isGlued: event.isGlued)
    }

    /// The first group of the match, or the whole of it; nil when there is none.
    private func value(_ field: SourceGroup.Field, _ text: [UInt8]) -> String? {
        text.withUnsafeBytes { text in
            guard let groups = field.regexp.captures(in: text),
                let range = groups.count > 1 ? groups[1] : groups[0]
            else { return nil }
            return String(decoding: text[range], as: UTF8.self)
        }
    }
}
