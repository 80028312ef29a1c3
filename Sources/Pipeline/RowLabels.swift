import LogModel
import LogQL
import Template

/// A stage that cannot be compiled, or a row that makes the whole query fail.
package struct PipelineError: Error, Equatable, Sendable {
    package let message: String
    /// The stage that is meant.
    package let position: SourcePosition?
    package init(_ message: String, at position: SourcePosition? = nil) {
        self.message = message
        self.position = position
    }
}

/// The labels of a result by where they come from.
package struct ResultLabels: Hashable, Sendable {
    package var stream: Labels
    package var metadata: Labels
    package var parsed: Labels

    package init(stream: Labels, metadata: Labels = .empty, parsed: Labels = .empty) {
        self.stream = stream
        self.metadata = metadata
        self.parsed = parsed
    }

    /// Those of an entry that no stage has touched.
    package init(stored stream: Labels, _ metadata: Labels) {
        self = RowLabels(stream: stream, metadata: metadata).result
    }

    /// Of names and values.
    package var bytes: Int {
        [stream, metadata, parsed].reduce(0) { sum, set in
            set.pairs.reduce(sum) { $0 + $1.name.utf8.count + $1.value.utf8.count }
        }
    }

    /// All of them; the three never share a name.
    package var merged: Labels {
        stream.merging(metadata).merging(parsed)
    }
}

/// The labels of one row on its way through the stages: what it came with, what parsers and formats
/// have added, what `drop` and `keep` have taken away.
struct RowLabels {
    static let error = "__error__"
    static let errorDetails = "__error_details__"
    /// What is put behind names that something else has.
    static let extracted = "_extracted"

    let stream: Labels
    private(set) var metadata: Labels
    /// In the order of extraction; names are unique.
    private(set) var parsed: [Label] = []
    private var removed: [String] = []
    private(set) var error: String?
    private(set) var details: String?
    /// False as long as nothing differs from what the row came with.
    private(set) var isChanged = false

    init(stream: Labels, metadata: Labels) {
        self.stream = stream
        self.metadata = Self.distinct(metadata, from: stream)
        if let code = metadata[Self.error] {
            error = code
            details = metadata[Self.errorDetails]
            self.metadata = Labels(
                sorted: self.metadata.pairs.filter {
                    $0.name != Self.error && $0.name != Self.errorDetails
                })
            isChanged = true
        }
    }

    /// Those that a row comes with; `streams` are those of the entries.
    init(_ row: Int, _ entries: Entries, of streams: [Labels]) {
        self.init(stream: streams[entries.stream(row)], metadata: entries.metadata(row))
    }

    /// Metadata under a name that the stream has too is found under another.
    private static func distinct(_ metadata: Labels, from stream: Labels) -> Labels {
        guard metadata.pairs.contains(where: { stream[$0.name] != nil }) else { return metadata }
        return Labels(
            metadata.pairs.map { label in
                stream[label.name] == nil ? label : Label(label.name + extracted, label.value)
            })
    }

    subscript(name: String) -> String? {
        if name == Self.error { return error }
        if name == Self.errorDetails { return details }
        for label in parsed where label.name == name { return label.value }
        if !removed.isEmpty, removed.contains(name) { return nil }
        return metadata[name] ?? stream[name]
    }

    /// True when the row came with a label of this name.
    func hasBase(_ name: String) -> Bool { stream[name] != nil || metadata[name] != nil }

    /// True when a stage has set or removed a label of this name.
    func isTouched(_ name: String) -> Bool {
        hasParsed(name) || removed.contains(name) || name == Self.error || name == Self.errorDetails
    }

    func hasParsed(_ name: String) -> Bool { parsed.contains { $0.name == name } }

    /// What a parser found: the first value under a name stays.
    mutating func extract(_ name: String, _ value: String) {
        let name = hasBase(name) ? name + Self.extracted : name
        guard !hasParsed(name) else { return }
        set(name, value)
    }

    /// What an expression of a parser asked for: it replaces what parsers before it found.
    mutating func pick(_ name: String, _ value: String) {
        set(hasBase(name) ? name + Self.extracted : name, value)
    }

    /// Sets a label whatever was there.
    mutating func set(_ name: String, _ value: String) {
        isChanged = true
        if name == Self.error {
            error = value.isEmpty ? nil : value
            return
        }
        if let at = parsed.firstIndex(where: { $0.name == name }) {
            parsed[at].value = value
        } else {
            parsed.append(Label(name, value))
        }
        removed.removeAll { $0 == name }
    }

    mutating func remove(_ name: String) {
        isChanged = true
        switch name {
        case Self.error: error = nil
        case Self.errorDetails: details = nil
        default:
            parsed.removeAll { $0.name == name }
            if hasBase(name), !removed.contains(name) { removed.append(name) }
        }
    }

    mutating func fail(_ code: String, _ details: String) {
        isChanged = true
        error = code
        self.details = details
    }

    /// Every name that has a value now, error labels aside.
    var names: [String] {
        parsed.map(\.name)
            + (metadata.pairs + stream.pairs).map(\.name).filter { name in
                !removed.contains(name) && !hasParsed(name)
            }
    }

    /// The row as templates see it.
    func input(_ line: UnsafeRawBufferPointer, _ timestamp: Int64) -> TemplateInput {
        TemplateInput(
            line: line, timestamp: timestamp, label: { self[$0] },
            labels: {
                let errors = [Self.error, Self.errorDetails]
                return (names + errors).compactMap { name in self[name].map { Label(name, $0) } }
            })
    }

    var result: ResultLabels {
        func base(_ labels: Labels) -> Labels {
            if removed.isEmpty, parsed.isEmpty { return labels }
            return Labels(
                sorted: labels.pairs.filter { label in
                    !removed.contains(label.name) && !hasParsed(label.name)
                })
        }
        var extra = parsed
        if let error {
            extra.append(Label(Self.error, error))
            if let details { extra.append(Label(Self.errorDetails, details)) }
        }
        // Sorted by hand: a label that a parser found empty is there all the same.
        return ResultLabels(
            stream: base(stream), metadata: base(metadata), parsed: Labels(sorted: extra.sorted()))
    }
}

/// A name as Prometheus allows it: other characters become `_`, a leading digit gets one before it.
func sanitized(_ name: some StringProtocol) -> String {
    var out = ""
    for scalar in name.unicodeScalars {
        let fine =
            scalar == "_" || ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar)
            || ("0"..."9").contains(scalar)
        out.unicodeScalars.append(fine ? scalar : "_")
    }
    if let first = out.unicodeScalars.first, ("0"..."9").contains(first) { out = "_" + out }
    return out
}
