import LogModel

/// A query that gives numbers.
package indirect enum MetricExpression: Sendable {
    case range(RangeAggregation)
    case vector(VectorAggregation)
    case binary(BinaryOperation)
    case literal(Double)
    /// `vector(n)`.
    case constant(Double)
    case labelReplace(LabelReplace)
    // Additions to Loki's language.
    case subquery(Subquery)
    case function(VectorFunction)
    case fill(Fill)
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
        // Additions to Loki's language.
        case presentOverTime = "present_over_time"
        case distinctOverTime = "distinct_over_time"
        case histogramOverTime = "histogram_over_time"
    }
    package var function: Function
    /// φ of `quantile_over_time`.
    package var parameter: Double?
    /// The label whose values `distinct_over_time` counts.
    package var label: String?
    /// How `histogram_over_time` cuts values.
    package var buckets: HistogramBuckets?
    /// The one moment that all steps are evaluated at.
    package var at: TimeAnchor?
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

/// Where buckets of a histogram end.
package enum HistogramBuckets: Sendable, Equatable {
    /// At multiples of a width.
    case linear(Double)
    /// At powers of a base; what is not above 0 falls into one bucket that ends at 0.
    case log(Double)
}

/// `@ 1793498400`, `@ start()`, `@ end()`.
package enum TimeAnchor: Sendable, Equatable {
    /// Nanoseconds since the epoch.
    case time(Int64)
    case start
    case end
}

/// `max_over_time(rate({…}[5m])[1h:1m])`: a range aggregation over the values of an expression.
package struct Subquery: Sendable {
    package var function: RangeAggregation.Function
    package var parameter: Double?
    package var operand: MetricExpression
    package var rangeNanoseconds: Int64
    /// Nil takes the step of the query.
    package var stepNanoseconds: Int64?
    package var offsetNanoseconds: Int64
    package var at: TimeAnchor?
    package var position: SourcePosition
    package init(
        function: RangeAggregation.Function, parameter: Double?, operand: MetricExpression,
        rangeNanoseconds: Int64, stepNanoseconds: Int64?, offsetNanoseconds: Int64,
        at: TimeAnchor?, position: SourcePosition
    ) {
        self.function = function
        self.parameter = parameter
        self.operand = operand
        self.rangeNanoseconds = rangeNanoseconds
        self.stepNanoseconds = stepNanoseconds
        self.offsetNanoseconds = offsetNanoseconds
        self.at = at
        self.position = position
    }
}

/// `abs(v)`, `clamp_min(v, 0)`: a function of each value.
package struct VectorFunction: Sendable {
    package enum Name: String, Sendable, CaseIterable {
        case abs, ceil, floor, round, ln, log2, log10, exp, sqrt
        case clampMin = "clamp_min"
        case clampMax = "clamp_max"

        /// Whether a number may or must follow the vector.
        package var argument: Bool? {
            switch self {
            case .clampMin, .clampMax: true
            case .round: nil
            default: false
            }
        }
    }
    package var name: Name
    package var operand: MetricExpression
    package var argument: Double?
    package var position: SourcePosition
    package init(
        name: Name, operand: MetricExpression, argument: Double?, position: SourcePosition
    ) {
        self.name = name
        self.operand = operand
        self.argument = argument
        self.position = position
    }
}

/// `fill(v, 0)`: a value where a series has none, and one series where there is none.
package struct Fill: Sendable {
    package var operand: MetricExpression
    package var value: Double
    package var position: SourcePosition
    package init(operand: MetricExpression, value: Double, position: SourcePosition) {
        self.operand = operand
        self.value = value
        self.position = position
    }
}

package struct VectorAggregation: Sendable {
    package enum Function: String, Sendable, CaseIterable {
        case sum, avg, min, max, count, stddev, stdvar, topk, bottomk, sort
        case sortDesc = "sort_desc"
        case approxTopk = "approx_topk"
        /// An addition to Loki's language.
        case countDistinct = "count_distinct"
    }
    package var function: Function
    /// k of `topk`, `bottomk` and `approx_topk`.
    package var parameter: Int?
    /// The label whose values `count_distinct` counts.
    package var label: String?
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
