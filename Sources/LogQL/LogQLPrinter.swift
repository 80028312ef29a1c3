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
        return ([selector] + log.stages.map(text)).joined(separator: " ")
    }

    package static func text(_ stage: Stage) -> String {
        switch stage.kind {
        case .lineFilter(let filter): text(filter)
        case .json(let fields): "| json" + text(fields)
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
        case .and(let a, let b): "( \(text(a)) , \(text(b)) )"
        case .or(let a, let b): "( \(text(a)) or \(text(b)) )"
        }
    }

    package static func text(_ metric: MetricExpression) -> String {
        switch metric {
        case .range(let range): text(range)
        case .vector(let vector):
            vector.function.rawValue + text(vector.grouping, before: true) + "("
                + (vector.parameter.map { "\($0)," } ?? "") + text(vector.operand) + ")"
        case .binary(let operation):
            "(\(text(operation.left)) \(operation.op.rawValue)"
                + (operation.returnsBool ? " bool" : "") + text(operation.matching)
                + " \(text(operation.right)))"
        case .literal(let value): number(value)
        case .constant(let value): "vector(\(sixDecimals(value)))"
        case .labelReplace(let replace):
            "label_replace(" + text(replace.operand) + ","
                + [replace.destination, replace.replacement, replace.source, replace.pattern]
                .map(quoted).joined(separator: ",") + ")"
        }
    }

    private static func text(_ range: RangeAggregation) -> String {
        var inner = text(range.log)
        if let unwrap = range.unwrap {
            let label =
                unwrap.conversion == .none
                ? unwrap.label : "\(unwrap.conversion.rawValue)(\(unwrap.label))"
            inner += " | unwrap \(label)"
            for filter in unwrap.filters { inner += " | " + text(filter) }
        }
        inner += "[\(DurationText.prometheusText(range.rangeNanoseconds))]"
        if range.offsetNanoseconds != 0 {
            inner += " offset " + DurationText.goText(range.offsetNanoseconds)
        }
        let parameter = range.parameter.map { number($0) + "," } ?? ""
        return "\(range.function.rawValue)(\(parameter)\(inner))"
            + text(range.grouping, before: false)
    }

    private static func text(_ grouping: Grouping?, before: Bool) -> String {
        guard let grouping, grouping.without || !grouping.labels.isEmpty || !before else {
            return ""
        }
        return " \(grouping.without ? "without" : "by") (\(grouping.labels.joined(separator: ",")))"
    }

    private static func text(_ matching: BinaryOperation.Matching?) -> String {
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
        if value == value.rounded(), abs(value) < 1e15 { return String(Int64(value)) }
        return "\(value)"
    }

    static func sixDecimals(_ value: Double) -> String { String(format: "%f", value) }
}
