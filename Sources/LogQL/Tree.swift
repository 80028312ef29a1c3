import LogModel

/// Where a piece of the query stands: byte offset in the text, line and column from 1.
package struct SourcePosition: Hashable, Sendable {
    package var offset: Int
    package var line: Int
    package var column: Int
    package init(offset: Int, line: Int, column: Int) {
        self.offset = offset
        self.line = line
        self.column = column
    }
}

/// A parsed query: pure values, no behaviour, nothing about how it will be run.
package enum QueryTree: Sendable {
    case log(LogExpression)
    case metric(MetricExpression)
}

/// `{selector} | stage | stage`, and perhaps `or {selector} | stage`.
package struct LogExpression: Sendable {
    package var matchers: [Matcher]
    package var stages: [Stage]
    package var position: SourcePosition
    /// Further selectors with pipelines of their own, whose entries are answered too. An addition
    /// to Loki's language; these have no alternatives themselves.
    package var alternatives: [LogExpression] = []
    package init(matchers: [Matcher], stages: [Stage], position: SourcePosition) {
        self.matchers = matchers
        self.stages = stages
        self.position = position
    }
}

package struct Stage: Sendable {
    package enum Kind: Sendable {
        case lineFilter(LineFilter)
        /// `| json`, `| json a="x.y", b`; `--arrays` (an addition) keeps arrays as raw text.
        case json(arrays: Bool, [FieldExpression])
        case logfmt(strict: Bool, keepEmpty: Bool, [FieldExpression])
        case pattern(String)
        case regexp(String)
        case unpack
        case labelFilter(LabelFilter)
        case lineFormat(String)
        case labelFormat([LabelAssignment])
        case decolorize
        case drop([LabelSelection])
        case keep([LabelSelection])
    }
    package var kind: Kind
    package var position: SourcePosition
    package init(_ kind: Kind, at position: SourcePosition) {
        self.kind = kind
        self.position = position
    }
}

/// `|= "a" or "b"`: one operator for the whole chain.
package struct LineFilter: Sendable {
    package enum Operator: String, Sendable {
        case contains = "|="
        case notContains = "!="
        case matches = "|~"
        case notMatches = "!~"
        case pattern = "|>"
        case notPattern = "!>"
    }
    package enum Operand: Sendable, Equatable {
        case text(String)
        case ip(String)
    }
    package var op: Operator
    package var operands: [Operand]
    package init(op: Operator, operands: [Operand]) {
        self.op = op
        self.operands = operands
    }
}

/// `name="path"`; a bare `name` has path == name.
package struct FieldExpression: Sendable, Equatable {
    package var name: String
    package var path: String
    package init(name: String, path: String) {
        self.name = name
        self.path = path
    }
}

package indirect enum LabelFilter: Sendable {
    package enum Comparison: String, Sendable {
        case equal = "==", notEqual = "!=", less = "<", lessOrEqual = "<=", greater = ">"
        case greaterOrEqual = ">="
    }
    case string(Matcher)
    case number(name: String, Comparison, Double)
    /// Nanoseconds.
    case duration(name: String, Comparison, Int64)
    case bytes(name: String, Comparison, UInt64)
    case ip(name: String, negated: Bool, pattern: String)
    /// `metadata() = "x"`: any value of the structured metadata. An addition to Loki's language.
    case metadata(Matcher)
    case and(LabelFilter, LabelFilter)
    case or(LabelFilter, LabelFilter)
}

package struct LabelAssignment: Sendable, Equatable {
    package enum Value: Sendable, Equatable {
        case label(String)
        case template(String)
        /// `ms=(b - a) * 1000`, an addition to Loki's language.
        case arithmetic(LabelArithmetic)
    }
    package var name: String
    package var value: Value
    package init(name: String, value: Value) {
        self.name = name
        self.value = value
    }
}

/// A calculation with the labels of a row.
package indirect enum LabelArithmetic: Sendable, Equatable {
    case number(Double)
    /// A label read as a number, a duration in seconds, or an amount of bytes.
    case label(String, Unwrap.Conversion)
    case operation(BinaryOperation.Operator, LabelArithmetic, LabelArithmetic)
}

/// An operand of `drop` and `keep`: a name, or a name whose value matches.
package struct LabelSelection: Sendable {
    package var name: String
    package var matcher: Matcher?
    package init(name: String, matcher: Matcher?) {
        self.name = name
        self.matcher = matcher
    }
}

package struct Unwrap: Sendable {
    package enum Conversion: String, Sendable {
        case none = ""
        case duration
        case durationSeconds = "duration_seconds"
        case bytes
    }
    package var label: String
    package var conversion: Conversion
    /// Filters that follow the unwrap.
    package var filters: [LabelFilter]
    package init(label: String, conversion: Conversion, filters: [LabelFilter]) {
        self.label = label
        self.conversion = conversion
        self.filters = filters
    }
}

package struct Grouping: Sendable, Equatable {
    package var without: Bool
    package var labels: [String]
    package init(without: Bool, labels: [String]) {
        self.without = without
        self.labels = labels
    }
}
