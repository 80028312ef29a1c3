import LogModel

/// Long queries on several lines, each part that is too long broken into its own parts.
extension LogQLPrinter {
    /// What fits into so many characters stays on one line, as in Loki.
    private static let lineLength = 100

    /// The way people read it; parsing it gives the same tree again.
    package static func printLines(_ query: QueryTree) -> String {
        switch query {
        case .log(let log): lines(log, 0)
        case .metric(let metric): lines(metric, 0)
        }
    }

    private static func indent(_ level: Int) -> String { String(repeating: "  ", count: level) }

    private static func lines(_ log: LogExpression, _ level: Int) -> String {
        let whole = text(log)
        guard whole.count > lineLength else { return indent(level) + whole }
        let legs = [log] + log.alternatives
        return legs.map { leg in
            var leg = leg
            leg.alternatives = []
            return pipeline(leg, level)
        }.joined(separator: "\n\(indent(level))or\n")
    }

    private static func pipeline(_ log: LogExpression, _ level: Int) -> String {
        let whole = text(log)
        guard whole.count > lineLength else { return indent(level) + whole }
        var selector = log
        selector.stages = []
        var lines = [indent(level) + text(selector)]
        var afterLineFilter = false
        for stage in log.stages {
            // Line filters that follow each other stay together.
            if case .lineFilter = stage.kind, afterLineFilter {
                lines[lines.count - 1] += " " + text(stage)
            } else {
                lines.append(indent(level + 1) + text(stage))
            }
            if case .lineFilter = stage.kind {
                afterLineFilter = true
            } else {
                afterLineFilter = false
            }
        }
        return lines.joined(separator: "\n")
    }

    /// The text of an expression, or nil when it does not fit into a line. Chains of thousands of
    /// operators are not written to find that out.
    private static func short(_ metric: MetricExpression) -> String? {
        var room = lineLength
        guard isSmall(metric, &room) else { return nil }
        let whole = text(metric)
        return whole.count > lineLength ? nil : whole
    }

    /// False when an expression has more parts than a line has characters.
    private static func isSmall(_ metric: MetricExpression, _ room: inout Int) -> Bool {
        room -= 1
        guard room > 0 else { return false }
        switch metric {
        case .range, .literal, .constant: return true
        case .vector(let vector): return isSmall(vector.operand, &room)
        case .labelReplace(let replace): return isSmall(replace.operand, &room)
        case .subquery(let subquery): return isSmall(subquery.operand, &room)
        case .function(let function): return isSmall(function.operand, &room)
        case .fill(let fill): return isSmall(fill.operand, &room)
        case .binary(let operation):
            return isSmall(operation.left, &room) && isSmall(operation.right, &room)
        }
    }

    private static func lines(_ metric: MetricExpression, _ level: Int) -> String {
        if let whole = short(metric) { return indent(level) + whole }
        switch metric {
        case .range(let range): return lines(range, level)
        case .vector(let vector):
            let parameters: [String] = [vector.parameter.map { "\($0)" }, vector.label].compactMap {
                $0
            }
            return call(
                vector.function.rawValue + grouping(vector.grouping),
                parameters.map { indent(level + 1) + $0 } + [lines(vector.operand, level + 1)],
                level)
        case .binary(let operation):
            return operand(operation.left, level + 1) + "\n" + indent(level)
                + operation.op.rawValue + (operation.returnsBool ? " bool" : "")
                + text(operation.matching) + "\n" + operand(operation.right, level + 1)
        case .labelReplace(let replace):
            let texts = [replace.destination, replace.replacement, replace.source, replace.pattern]
            return call(
                "label_replace",
                [lines(replace.operand, level + 1)] + texts.map { indent(level + 1) + quoted($0) },
                level)
        case .function(let function):
            return call(
                function.name.rawValue,
                [lines(function.operand, level + 1)]
                    + (function.argument.map { [indent(level + 1) + number($0)] } ?? []), level)
        case .fill(let fill):
            return call(
                "fill", [lines(fill.operand, level + 1), indent(level + 1) + number(fill.value)],
                level)
        case .subquery, .literal, .constant: return indent(level) + text(metric)
        }
    }

    private static func call(_ name: String, _ arguments: [String], _ level: Int) -> String {
        indent(level) + name + "(\n" + arguments.joined(separator: ",\n") + "\n" + indent(level)
            + ")"
    }

    /// A leg of a binary operation; one that is broken itself gets the brackets that short ones have.
    private static func operand(_ metric: MetricExpression, _ level: Int) -> String {
        guard case .binary = metric, short(metric) == nil else { return lines(metric, level) }
        return indent(level) + "(\n" + lines(metric, level + 1) + "\n" + indent(level) + ")"
    }

    private static func lines(_ range: RangeAggregation, _ level: Int) -> String {
        var inner = pipeline(range.log, level + 1)
        if let unwrap = range.unwrap { inner += "\n" + indent(level + 2) + text(unwrap) }
        inner += " [\(DurationText.prometheusText(range.rangeNanoseconds))]"
        if range.offsetNanoseconds != 0 {
            inner += " offset \(DurationText.offsetText(range.offsetNanoseconds))"
        }
        inner += modifiers(0, range.at)
        let parameters = parameters(range).map { [indent(level + 1) + $0] } ?? []
        return call(range.function.rawValue, parameters + [inner], level) + grouping(range.grouping)
    }

    private static func grouping(_ grouping: Grouping?) -> String {
        guard let grouping, grouping.without || !grouping.labels.isEmpty else { return "" }
        return
            " \(grouping.without ? "without" : "by") (\(grouping.labels.joined(separator: ", ")))"
    }
}
