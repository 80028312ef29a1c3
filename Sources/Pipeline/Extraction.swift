import LogModel
import LogQL

/// What a metric query takes from each row, and which labels its series keep.
package struct Extraction: Sendable {
    package enum Value: Sendable {
        case count, bytes
        case unwrap(Unwrap)
        /// The bits of a hash of a label's value: what is counted is how many differ.
        case hash(label: String)
    }
    package var value: Value
    /// Nil keeps every label.
    package var grouping: Grouping?

    package init(value: Value, grouping: Grouping? = nil) {
        self.value = value
        self.grouping = grouping
    }
}

/// The value of a row: its existence, its length, or a label read as a number.
enum SampleValue {
    case count
    case bytes
    case unwrap(label: String, Unwrap.Conversion, filters: [LabelFilterStage])
    case hash(label: String)

    init(_ value: Extraction.Value) throws(PipelineError) {
        switch value {
        case .count: self = .count
        case .bytes: self = .bytes
        case .hash(let label): self = .hash(label: label)
        case .unwrap(let unwrap):
            var filters: [LabelFilterStage] = []
            for filter in unwrap.filters { filters.append(try LabelFilterStage(filter)) }
            self = .unwrap(label: unwrap.label, unwrap.conversion, filters: filters)
        }
    }

    /// Nil where the line alone does not tell.
    func ofLine(bytes: Int) -> Double? {
        switch self {
        case .count: 1
        case .bytes: Double(bytes)
        case .unwrap, .hash: nil
        }
    }

    /// Nil skips the row.
    func of(_ labels: inout RowLabels, lineBytes: Int) -> Double? {
        switch self {
        case .count, .bytes: return ofLine(bytes: lineBytes)
        case .hash(let label):
            guard let text = labels[label], !text.isEmpty else { return nil }
            return Double(bitPattern: Labels(sorted: [Label("", text)]).fingerprint)
        case .unwrap(let label, let conversion, let filters):
            guard let text = labels[label], !text.isEmpty else { return nil }
            let value = Self.convert(text, conversion)
            if value == nil {
                labels.fail("SampleExtractionErr", "cannot read \(quoted(text)) of label \(label)")
            }
            for filter in filters where !filter.passes(&labels) { return nil }
            return value ?? 0
        }
    }

    static func convert(_ text: String, _ conversion: Unwrap.Conversion) -> Double? {
        switch conversion {
        case .none: NumberText.parse(text)
        case .duration, .durationSeconds: DurationText.parseGo(text).map { Double($0) / 1e9 }
        case .bytes: ByteText.parse(text).map { Double($0) }
        }
    }

    /// Labels that the value needs.
    var names: [String] {
        switch self {
        case .count, .bytes: []
        case .unwrap(let label, _, let filters): [label] + filters.flatMap(\.names)
        case .hash(let label): [label]
        }
    }

    /// The label that the value came from, which no series keeps.
    var consumedLabel: String? {
        switch self {
        case .unwrap(let label, _, _), .hash(let label): label
        case .count, .bytes: nil
        }
    }
}
