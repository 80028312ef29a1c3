import Foundation
import LogModel

/// Prints trees as LogQL text, in Loki's own way of writing; parsing it gives the same tree again.
package enum LogQLPrinter {
    package static func print(_ query: QueryTree) -> String {
        switch query {
        case .log(let log): text(log)
        case .metric(let metric): text(metric)
        }
    }

    package static func text(_ log: LogExpression) -> String {
        let selector = "{" + log.matchers.map(\.description).joined(separator: ", ") + "}"
        let first = ([selector] + log.stages.map(text)).joined(separator: " ")
        return ([first] + log.alternatives.map(text)).joined(separator: " or ")
    }

    package static func text(_ stage: Stage) -> String {
        switch stage.kind {
        case .lineFilter(let filter): text(filter)
        case .json(let arrays, let fields): "| json" + (arrays ? " --arrays" : "") + text(fields)
        case .logfmt(let strict, let keepEmpty, let fields):
            "| logfmt" + (strict ? " --strict" : "") + (keepEmpty ? " --keep-empty" : "")
                + text(fields)
        case .pattern(let pattern): "| pattern " + quoted(pattern)
        case .regexp(let pattern): "| regexp " + quoted(pattern)
        case .unpack: "| unpack"
        case .decolorize: "| decolorize"
        case .labelFilter(let filter): "| " + text(filter)
        case .lineFormat(let template): "| line_format " + quoted(template)
        case .labelFormat(let list): "| label_format " + list.map(text).joined(separator: ",")
        case .drop(let list): "| drop " + list.map(text).joined(separator: ",")
        case .keep(let list): "| keep " + list.map(text).joined(separator: ",")
        }
    }

    private static func text(_ filter: LineFilter) -> String {
        let operands = filter.operands.map { operand -> String in
            switch operand {
            case .text(let text): quoted(text)
            case .ip(let pattern): "ip(\(quoted(pattern)))"
            }
        }
        return filter.op.rawValue + " " + operands.joined(separator: " or ")
    }

    private static func text(_ fields: [FieldExpression]) -> String {
        fields.isEmpty
            ? "" : " " + fields.map { "\($0.name)=\(quoted($0.path))" }.joined(separator: ",")
    }

    private static func text(_ assignment: LabelAssignment) -> String {
        switch assignment.value {
        case .label(let source): "\(assignment.name)=\(source)"
        case .template(let template): "\(assignment.name)=\(quoted(template))"
        case .arithmetic(let arithmetic): "\(assignment.name)=\(text(arithmetic))"
        }
    }

    private static func text(_ arithmetic: LabelArithmetic) -> String {
        switch arithmetic {
        case .number(let value): number(value)
        // Brackets tell it from a renaming.
        case .label(let name, .none): "(\(name))"
        case .label(let name, let conversion): "\(conversion.rawValue)(\(name))"
        case .operation(let op, let a, let b): "(\(text(a)) \(op.rawValue) \(text(b)))"
        }
    }

    private static func text(_ selection: LabelSelection) -> String {
        selection.matcher?.description ?? selection.name
    }

    package static func text(_ filter: LabelFilter) -> String {
        switch filter {
        case .string(let matcher): matcher.description
        case .number(let name, let op, let value): "\(name)\(op.rawValue)\(number(value))"
        case .duration(let name, let op, let span):
            "\(name)\(op.rawValue)\(DurationText.goText(span))"
        case .bytes(let name, let op, let amount):
            "\(name)\(op.rawValue)\(ByteText.lokiText(amount))"
        case .ip(let name, let negated, let pattern):
            "\(name)\(negated ? "!=" : "=")ip(\(quoted(pattern)))"
        case .metadata(let matcher): matcher.description
        case .and(let a, let b): "( \(text(a)) , \(text(b)) )"
        case .or(let a, let b): "( \(text(a)) or \(text(b)) )"
        }
    }

    package static func text(_ metric: MetricExpression) -> String {
        switch metric {
        case .range(let range): text(range)
        case .vector(let vector):
            vector.function.rawValue + text(vector.grouping, before: true) + "("
                + (vector.parameter.map { "\($0)," } ?? "") + (vector.label.map { "\($0)," } ?? "")
                + text(vector.operand) + ")"
        case .binary(let operation):
            "(\(text(operation.left)) \(operation.op.rawValue)"
                + (operation.returnsBool ? " bool" : "") + text(operation.matching)
                + " \(text(operation.right)))"
        case .literal(let value): number(value)
        case .constant(let value): "vector(\(exactly(value, sixDecimals(value))))"
        case .labelReplace(let replace):
            "label_replace(" + text(replace.operand) + ","
                + [replace.destination, replace.replacement, replace.source, replace.pattern]
                .map(quoted).joined(separator: ",") + ")"
        case .subquery(let subquery): text(subquery)
        case .function(let function):
            function.name.rawValue + "(" + text(function.operand)
                + (function.argument.map { ",\(number($0))" } ?? "") + ")"
        case .fill(let fill): "fill(\(text(fill.operand)),\(number(fill.value)))"
        }
    }

    private static func text(_ subquery: Subquery) -> String {
        let step = subquery.stepNanoseconds.map(DurationText.prometheusText) ?? ""
        return subquery.function.rawValue + "("
            + (subquery.parameter.map { number($0) + "," } ?? "") + text(subquery.operand)
            + "[\(DurationText.prometheusText(subquery.rangeNanoseconds)):\(step)]"
            + modifiers(subquery.offsetNanoseconds, subquery.at) + ")"
    }

    static func modifiers(_ offset: Int64, _ anchor: TimeAnchor?) -> String {
        var out = offset == 0 ? "" : " offset " + DurationText.goText(offset)
        switch anchor {
        case .start: out += " @ start()"
        case .end: out += " @ end()"
        case .time(let time): out += " @ \(number(Double(time / 1_000_000) / 1e3))"
        case nil: break
        }
        return out
    }

    /// What stands before the range of an aggregation.
    static func parameters(_ range: RangeAggregation) -> String? {
        if let parameter = range.parameter { return number(parameter) }
        switch range.buckets {
        case .linear(let width): return number(width)
        case .log(let base): return "log(\(number(base)))"
        case nil: return range.label
        }
    }

    private static func text(_ range: RangeAggregation) -> String {
        var inner = text(range.log)
        if let unwrap = range.unwrap { inner += " " + text(unwrap) }
        inner += "[\(DurationText.prometheusText(range.rangeNanoseconds))]"
        inner += modifiers(range.offsetNanoseconds, range.at)
        let parameters = parameters(range).map { $0 + "," } ?? ""
        return "\(range.function.rawValue)(\(parameters)\(inner))"
            + text(range.grouping, before: false)
    }

    static func text(_ unwrap: Unwrap) -> String {
        let label =
            unwrap.conversion == .none
            ? unwrap.label : "\(unwrap.conversion.rawValue)(\(unwrap.label))"
        return "| unwrap \(label)" + unwrap.filters.map { " | " + text($0) }.joined()
    }

    private static func text(_ grouping: Grouping?, before: Bool) -> String {
        guard let grouping, grouping.without || !grouping.labels.isEmpty || !before else {
            return ""
        }
        return " \(grouping.without ? "without" : "by") (\(grouping.labels.joined(separator: ",")))"
    }

    static func text(_ matching: BinaryOperation.Matching?) -> String {
        guard let matching else { return "" }
        var out = " \(matching.on ? "on" : "ignoring") (\(matching.labels.joined(separator: ",")))"
        switch matching.group {
        case .left(let labels): out += " group_left (\(labels.joined(separator: ",")))"
        case .right(let labels): out += " group_right (\(labels.joined(separator: ",")))"
        case nil: break
        }
        return out
    }

    /// A number as short as it can be without losing anything: `1`, `0.5`, `1e+21`.
    package static func number(_ value: Double) -> String {
        // No literal stands for these.
        if value.isNaN { return "(0 / 0)" }
        if value.isInfinite { return value > 0 ? "(1e+308 * 10)" : "(-1e+308 * 10)" }
        if value == 0, value.sign == .minus { return "-0" }
        if value == value.rounded(), abs(value) < 1e15 { return String(Int64(value)) }
        return "\(value)"
    }

    /// Loki's way of writing a number where that keeps it whole, its digits elsewhere.
    private static func exactly(_ value: Double, _ text: String) -> String {
        Double(text) == value ? text : number(value)
    }

    static func sixDecimals(_ value: Double) -> String { String(format: "%f", value) }
}
