import Bytes
import LogModel
import LogQL

/// `| json a="x.y[0]", b`: picks values by their paths. A missing value gives an empty label, unless
/// the row has a label of that name.
struct JSONPathStage {
    private enum Step: Equatable {
        case field(String)
        case index(Int)
        /// `[*]`: every item of an array, an addition to Loki's language.
        case every
    }
    private struct Field {
        let name: String
        let steps: [Step]
    }
    private let fields: [Field]

    init(_ expressions: [FieldExpression]) throws(PipelineError) {
        var fields: [Field] = []
        for expression in expressions {
            guard let steps = Self.parse(expression.path) else {
                throw PipelineError("cannot parse expression [\(expression.path)]: syntax error")
            }
            fields.append(Field(name: expression.name, steps: steps))
        }
        self.fields = fields
    }

    private static func parse(_ path: String) -> [Step]? {
        var steps: [Step] = []
        var rest = Substring(path)
        while let first = rest.first {
            if first == "[" {
                guard let close = rest.firstIndex(of: "]") else { return nil }
                let inner = rest[rest.index(after: rest.startIndex)..<close]
                if inner.count >= 2, inner.hasPrefix("\""), inner.hasSuffix("\"") {
                    steps.append(.field(String(inner.dropFirst().dropLast())))
                } else if inner == "*" {
                    steps.append(.every)
                } else if let index = Int(inner), index >= 0 {
                    steps.append(.index(index))
                } else {
                    return nil
                }
                rest = rest[rest.index(after: close)...]
            } else {
                if first == "." {
                    guard !steps.isEmpty else { return nil }
                    rest = rest.dropFirst()
                } else if !steps.isEmpty {
                    return nil
                }
                let name = rest.prefix { $0 != "." && $0 != "[" }
                guard let head = name.utf8.first, !(48...57).contains(head),
                    name.utf8.allSatisfy({
                        $0 == 95 || (48...57).contains($0) || (65...90).contains($0)
                            || (97...122).contains($0)
                    })
                else { return nil }
                steps.append(.field(String(name)))
                rest = rest.dropFirst(name.count)
            }
        }
        return steps.isEmpty ? nil : steps
    }

    func run(_ line: UnsafeRawBufferPointer, _ labels: inout RowLabels) {
        // The first byte tells, as in Loki: a blank before an object makes it none.
        guard let first = line.first else { return }
        guard
            first == UInt8(ascii: "{") || first == UInt8(ascii: "[") || first == UInt8(ascii: "\"")
        else {
            labels.fail(JSONStage.errorCode, "Unknown value type")
            return
        }
        for field in fields {
            if let value = try? Self.value(line, field.steps) {
                labels.pick(field.name, value)
            } else if labels[field.name] == nil {
                labels.set(field.name, "")
            }
        }
    }

    private static func value(
        _ line: UnsafeRawBufferPointer, _ steps: [Step]
    ) throws(BytesError) -> String? {
        var reader = JSONReader(line, maxNesting: Limits.maxNesting)
        if steps.contains(.every) {
            var found: [Range<Int>] = []
            try collect(&reader, steps[...], &found)
            let texts = found.map { String(decoding: line[$0], as: UTF8.self) }
            return "[" + texts.joined(separator: ",") + "]"
        }
        for step in steps {
            guard try enter(&reader, step) else { return nil }
        }
        let start = reader.offset
        let token = try reader.next()
        switch token {
        case .string, .number, .true, .false: return JSONText.value(token, line, reader)
        case .null: return ""
        case .objectStart, .arrayStart:
            try JSONStage.skipArray(&reader)
            let text = String(decoding: line[start..<reader.offset], as: UTF8.self)
            // The reader stands behind a colon or a comma and the blanks after it.
            return String(text.drop { $0 != "{" && $0 != "[" })
        default: return nil
        }
    }

    /// Goes through one value and notes where the values lie that the steps lead to. The steps bound
    /// the recursion.
    private static func collect(
        _ reader: inout JSONReader, _ steps: ArraySlice<Step>, _ found: inout [Range<Int>]
    ) throws(BytesError) {
        guard let step = steps.first else {
            found.append(try reader.skipValue())
            return
        }
        let before = reader
        switch (step, try reader.next()) {
        case (.field(let name), .objectStart):
            while case .key(let range, _) = try reader.next() {
                if JSONText.string(reader, range) == name {
                    try collect(&reader, steps.dropFirst(), &found)
                } else {
                    _ = try reader.skipValue()
                }
            }
        case (.every, .arrayStart), (.index, .arrayStart):
            var index = 0
            while true {
                var ahead = reader
                if try ahead.next() == .arrayEnd {
                    reader = ahead
                    return
                }
                if step == .every || step == .index(index) {
                    try collect(&reader, steps.dropFirst(), &found)
                } else {
                    _ = try reader.skipValue()
                }
                index += 1
            }
        default:
            reader = before
            _ = try reader.skipValue()
        }
    }

    /// Moves to the value that a step names; false when there is none.
    private static func enter(_ reader: inout JSONReader, _ step: Step) throws(BytesError) -> Bool {
        switch (step, try reader.next()) {
        case (.field(let name), .objectStart):
            while case .key(let range, _) = try reader.next() {
                if JSONText.string(reader, range) == name { return true }
                _ = try reader.skipValue()
            }
            return false
        case (.index(let index), .arrayStart):
            for _ in 0..<index {
                switch try reader.next() {
                case .arrayEnd: return false
                case .arrayStart, .objectStart: try JSONStage.skipArray(&reader)
                default: break
                }
            }
            return true
        default: return false
        }
    }
}
