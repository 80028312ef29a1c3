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

/// `{selector} | stage | stage`.
package struct LogExpression: Sendable {
    package var matchers: [Matcher]
    package var stages: [Stage]
    package var position: SourcePosition
    package init(matchers: [Matcher], stages: [Stage], position: SourcePosition) {
        self.matchers = matchers
        self.stages = stages
        self.position = position
    }
}

package struct Stage: Sendable {
    package enum Kind: Sendable {
        case lineFilter(LineFilter)
        /// `| json`, `| json a="x.y", b`.
        case json([FieldExpression])
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
    case and(LabelFilter, LabelFilter)
    case or(LabelFilter, LabelFilter)
}

package struct LabelAssignment: Sendable, Equatable {
    package enum Value: Sendable, Equatable {
        case label(String)
        case template(String)
    }
    package var name: String
    package var value: Value
    package init(name: String, value: Value) {
        self.name = name
        self.value = value
    }
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

package indirect enum MetricExpression: Sendable {
    case range(RangeAggregation)
    case vector(VectorAggregation)
    case binary(BinaryOperation)
    case literal(Double)
    /// `vector(n)`.
    case constant(Double)
    case labelReplace(LabelReplace)
}

package struct RangeAggregation: Sendable {
    package enum Function: String, Sendable, CaseIterable {
        case rate
        case rateCounter = "rate_counter"
        case countOverTime = "count_over_time"
        case bytesRate = "bytes_rate"
        case bytesOverTime = "bytes_over_time"
        case sumOverTime = "sum_over_time"
        case avgOverTime = "avg_over_time"
        case minOverTime = "min_over_time"
        case maxOverTime = "max_over_time"
        case stddevOverTime = "stddev_over_time"
        case stdvarOverTime = "stdvar_over_time"
        case quantileOverTime = "quantile_over_time"
        case firstOverTime = "first_over_time"
        case lastOverTime = "last_over_time"
        case absentOverTime = "absent_over_time"
    }
    package var function: Function
    /// φ of `quantile_over_time`.
    package var parameter: Double?
    package var log: LogExpression
    package var unwrap: Unwrap?
    package var rangeNanoseconds: Int64
    /// May be negative.
    package var offsetNanoseconds: Int64
    package var grouping: Grouping?
    package var position: SourcePosition
    package init(
        function: Function, parameter: Double?, log: LogExpression, unwrap: Unwrap?,
        rangeNanoseconds: Int64, offsetNanoseconds: Int64, grouping: Grouping?,
        position: SourcePosition
    ) {
        self.function = function
        self.parameter = parameter
        self.log = log
        self.unwrap = unwrap
        self.rangeNanoseconds = rangeNanoseconds
        self.offsetNanoseconds = offsetNanoseconds
        self.grouping = grouping
        self.position = position
    }
}

package struct VectorAggregation: Sendable {
    package enum Function: String, Sendable, CaseIterable {
        case sum, avg, min, max, count, stddev, stdvar, topk, bottomk, sort
        case sortDesc = "sort_desc"
        case approxTopk = "approx_topk"
    }
    package var function: Function
    /// k of `topk`, `bottomk` and `approx_topk`.
    package var parameter: Int?
    package var operand: MetricExpression
    package var grouping: Grouping?
    package var position: SourcePosition
    package init(
        function: Function, parameter: Int?, operand: MetricExpression, grouping: Grouping?,
        position: SourcePosition
    ) {
        self.function = function
        self.parameter = parameter
        self.operand = operand
        self.grouping = grouping
        self.position = position
    }
}

package struct BinaryOperation: Sendable {
    package enum Operator: String, Sendable, CaseIterable {
        case or, and, unless
        case equal = "=="
        case notEqual = "!="
        case less = "<"
        case lessOrEqual = "<="
        case greater = ">"
        case greaterOrEqual = ">="
        case add = "+"
        case subtract = "-"
        case multiply = "*"
        case divide = "/"
        case modulo = "%"
        case power = "^"
    }
    package enum Group: Sendable, Equatable {
        case left([String])
        case right([String])
    }
    package struct Matching: Sendable, Equatable {
        /// True for `on`, false for `ignoring`.
        package var on: Bool
        package var labels: [String]
        package var group: Group?
        package init(on: Bool, labels: [String], group: Group?) {
            self.on = on
            self.labels = labels
            self.group = group
        }
    }
    package var op: Operator
    package var left: MetricExpression
    package var right: MetricExpression
    package var returnsBool: Bool
    package var matching: Matching?
    package var position: SourcePosition
    package init(
        op: Operator, left: MetricExpression, right: MetricExpression, returnsBool: Bool,
        matching: Matching?, position: SourcePosition
    ) {
        self.op = op
        self.left = left
        self.right = right
        self.returnsBool = returnsBool
        self.matching = matching
        self.position = position
    }
}

package struct LabelReplace: Sendable {
    package var operand: MetricExpression
    package var destination: String
    package var replacement: String
    package var source: String
    package var pattern: String
    package var position: SourcePosition
    package init(
        operand: MetricExpression, destination: String, replacement: String, source: String,
        pattern: String, position: SourcePosition
    ) {
        self.operand = operand
        self.destination = destination
        self.replacement = replacement
        self.source = source
        self.pattern = pattern
        self.position = position
    }
}
