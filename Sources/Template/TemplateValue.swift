import LogModel

/// A value inside a template. Text is bytes: some functions count them, and lines may be anything.
indirect enum TemplateValue {
    /// No value: what JSON's null and missing keys give.
    case none
    case text([UInt8])
    /// Go's `int`, which constants and `int` give.
    case int(Int)
    /// Go's `int64`, which arithmetic gives. Functions that want an `int` refuse it.
    case int64(Int64)
    case float(Double)
    case bool(Bool)
    case list([TemplateValue])
    case map([String: TemplateValue])
    case time(GoTime)
    /// The labels of the row: the dot outside of `with` and `range`.
    case labels

    static func text(_ text: String) -> TemplateValue { .text(Array(text.utf8)) }

    /// The name of the type in messages.
    var typeName: String {
        switch self {
        case .none: "nil"
        case .text: "string"
        case .int: "int"
        case .int64: "int64"
        case .float: "float64"
        case .bool: "bool"
        case .list: "[]interface {}"
        case .map: "map[string]interface {}"
        case .time: "time.Time"
        case .labels: "map[string]string"
        }
    }

    /// Bytes of a text, 0 of anything else.
    var textBytes: Int { if case .text(let text) = self { text.count } else { 0 } }

    var isText: Bool { if case .text = self { true } else { false } }

    /// The number inside an `int` or an `int64`.
    var integer: Int64? {
        switch self {
        case .int(let value): Int64(value)
        case .int64(let value): value
        default: nil
        }
    }
}

extension TemplateValue {
    /// What `if` takes for true: everything but zero, nothing and empty.
    func isTrue(_ input: TemplateInput) -> Bool {
        switch self {
        case .none: false
        case .text(let text): !text.isEmpty
        case .int(let value): value != 0
        case .int64(let value): value != 0
        case .float(let value): value != 0
        case .bool(let value): value
        case .list(let values): !values.isEmpty
        case .map(let values): !values.isEmpty
        case .time: true
        case .labels: !input.labels().isEmpty
        }
    }

    /// As Go's `fmt.Print` writes it.
    func appendText(to out: inout [UInt8], _ input: TemplateInput, isInside: Bool = false) {
        switch self {
        case .none: out += (isInside ? "<nil>" : "<no value>").utf8
        case .text(let text): out += text
        case .int(let value): out += String(value).utf8
        case .int64(let value): out += String(value).utf8
        case .float(let value): out += GoNumber.text(value).utf8
        case .bool(let value): out += (value ? "true" : "false").utf8
        case .list(let values):
            out.append(UInt8(ascii: "["))
            for (index, value) in values.enumerated() {
                if index > 0 { out.append(0x20) }
                value.appendText(to: &out, input, isInside: true)
            }
            out.append(UInt8(ascii: "]"))
        case .map(let values): Self.append(values, to: &out, input)
        case .time(let time): out += time.description.utf8
        case .labels:
            Self.append(
                Dictionary(input.labels().map { ($0.name, .text($0.value)) }) { $1 }, to: &out,
                input)
        }
    }

    private static func append(
        _ values: [String: TemplateValue], to out: inout [UInt8], _ input: TemplateInput
    ) {
        out += "map[".utf8
        let sorted = values.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
        for (index, pair) in sorted.enumerated() {
            if index > 0 { out.append(0x20) }
            out += pair.key.utf8
            out.append(UInt8(ascii: ":"))
            pair.value.appendText(to: &out, input, isInside: true)
        }
        out.append(UInt8(ascii: "]"))
    }

    func text(_ input: TemplateInput) -> [UInt8] {
        var out: [UInt8] = []
        appendText(to: &out, input)
        return out
    }
}

/// The row that a template is rendered for.
package struct TemplateInput {
    let line: UnsafeRawBufferPointer
    /// Nanoseconds since the epoch.
    let timestamp: Int64
    /// The value of a label, nil when the row has none of the name.
    let label: (String) -> String?
    /// All labels, for templates that go through them.
    let labels: () -> [Label]

    package init(
        line: UnsafeRawBufferPointer, timestamp: Int64, label: @escaping (String) -> String?,
        labels: @escaping () -> [Label]
    ) {
        self.line = line
        self.timestamp = timestamp
        self.label = label
        self.labels = labels
    }
}
