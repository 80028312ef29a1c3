import LogModel
import LogQL
import Pipeline

/// A field that lines or their metadata have, as `/detected_fields` tells of it.
package struct DetectedField: Sendable {
    package var name: String
    package var type: FieldType
    /// The parsers that find it; none for structured metadata.
    package var parsers: [String] = []
    /// Keys that lead to it in JSON.
    package var path: [String] = []
    package var values: Set<String> = []
}

package enum FieldType: String, Sendable, CaseIterable {
    case int, float, boolean, duration, bytes, string

    /// The first kind that a text can be read as.
    init(of text: String) {
        if Int64(text) != nil {
            self = .int
        } else if NumberText.parse(text) != nil {
            self = .float
        } else if ["true", "false", "True", "False", "TRUE", "FALSE", "t", "f", "T", "F"]
            .contains(text)
        {
            self = .boolean
        } else if DurationText.parseGo(text) != nil {
            self = .duration
        } else if ByteText.parse(text) != nil {
            self = .bytes
        } else {
            self = .string
        }
    }
}

/// Looks into the entries that a query gives for fields.
package struct FieldCollector {
    /// Distinct values that are counted of one field: a sample has no more entries than this.
    private static let mostValues = 10_000

    private let limit: Int
    private var fields: [String: DetectedField] = [:]
    private var types: [String: [FieldType: Int]] = [:]

    package init(limit: Int) { self.limit = limit }

    package mutating func add(_ row: LogRow) {
        for label in row.labels.metadata.pairs { add(label, parser: nil, path: nil) }
        // What the query's own parsers found counts as found by the line's format.
        let (parser, found) = FieldDetection.fields(of: row.line, stream: row.labels.stream)
        let names = Set(found.map(\.name))
        let parsed = row.labels.parsed.pairs.filter {
            !$0.name.hasPrefix("__error") && !names.contains($0.name) && !$0.value.isEmpty
        }
        let isNew = (found + parsed).contains { fields[$0.name]?.path.isEmpty ?? true }
        let paths = parser == "json" && isNew ? FieldDetection.paths(of: row.line) : [:]
        for label in found + parsed {
            // A name that collides has got a suffix.
            let path =
                paths[label.name]
                ?? (label.name.hasSuffix("_extracted")
                    ? paths[String(label.name.dropLast(10))] : nil)
            add(label, parser: parser, path: path)
        }
    }

    private mutating func add(_ label: Label, parser: String?, path: [String]?) {
        if fields[label.name] == nil {
            guard fields.count < limit else { return }
            fields[label.name] = DetectedField(name: label.name, type: .string)
        }
        if let parser, fields[label.name]?.parsers.contains(parser) == false {
            fields[label.name]?.parsers.append(parser)
        }
        if let path, fields[label.name]?.path.isEmpty == true { fields[label.name]?.path = path }
        if fields[label.name]?.values.count ?? 0 < Self.mostValues {
            fields[label.name]?.values.insert(label.value)
        }
        types[label.name, default: [:]][FieldType(of: label.value), default: 0] += 1
    }

    /// By name. A field is of the type that most of its values are of.
    package var all: [DetectedField] {
        fields.values.map { field in
            var field = field
            let counts = types[field.name] ?? [:]
            field.type =
                FieldType.allCases.max { counts[$0, default: 0] < counts[$1, default: 0] }
                ?? .string
            return field
        }.sorted { $0.name.precedesByBytes($1.name) }
    }
}
