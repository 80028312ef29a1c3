import LogModel

/// Long queries on several lines, each part that is too long broken into its own parts.
extension LogQLPrinter {
    /// What fits into so many characters stays on one line, as in Loki.
    private static let lineLength = 100

    /// The way people read it; parsing it gives the same tree again.
    package static func printLines(_ query: QueryTree) -> String {
        var out = ""
        switch query {
        case .log(let log): add(log, 0, to: &out)
        case .metric(let metric): add(metric, 0, to: &out)
        }
        return out
    }

    private static func indent(_ level: Int) -> String { String(repeating: "  ", count: level) }

    private static func add(_ log: LogExpression, _ level: Int, to out: inout String) {
        let whole = text(log)
        guard whole.count > lineLength else {
            out += indent(level) + whole
            return
        }
        for (place, leg) in ([log] + log.alternatives).enumerated() {
            if place > 0 { out += "\n\(indent(level))or\n" }
            var leg = leg
            leg.alternatives = []
            addPipeline(leg, level, to: &out)
        }
    }

    private static func addPipeline(_ log: LogExpression, _ level: Int, to out: inout String) {
        let whole = text(log)
        guard whole.count > lineLength else {
            out += indent(level) + whole
            return
        }
        var selector = log
        selector.stages = []
        out += indent(level) + text(selector)
        var afterLineFilter = false
        for stage in log.stages {
            let isLineFilter = if case .lineFilter = stage.kind { true } else { false }
            // Line filters that follow each other stay together.
            out += isLineFilter && afterLineFilter ? " " : "\n" + indent(level + 1)
            out += text(stage)
            afterLineFilter = isLineFilter
        }
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

    private static func add(_ metric: MetricExpression, _ level: Int, to out: inout String) {
        if let whole = short(metric) {
            out += indent(level) + whole
            return
        }
        switch metric {
        case .range(let range): add(range, level, to: &out)
        case .vector(let vector):
            let parameter = vector.parameter.map { "\($0)" } ?? vector.label
            let name = vector.function.rawValue + grouping(vector.grouping)
            addCall(name, parameter.map { [$0] } ?? [], vector.operand, [], level, to: &out)
        case .binary(let operation):
            addOperand(operation.left, level + 1, to: &out)
            out += "\n" + indent(level) + operation.op.rawValue
            out += (operation.returnsBool ? " bool" : "") + text(operation.matching) + "\n"
            addOperand(operation.right, level + 1, to: &out)
        case .labelReplace(let replace):
            let texts = [replace.destination, replace.replacement, replace.source, replace.pattern]
            addCall("label_replace", [], replace.operand, texts.map(quoted), level, to: &out)
        case .function(let function):
            let argument = function.argument.map { [number($0)] } ?? []
            addCall(function.name.rawValue, [], function.operand, argument, level, to: &out)
        case .fill(let fill):
            addCall("fill", [], fill.operand, [number(fill.value)], level, to: &out)
        case .subquery, .literal, .constant: out += indent(level) + text(metric)
        }
    }

    /// A call with an argument a line: texts, the operand, texts.
    private static func addCall(
        _ name: String, _ before: [String], _ operand: MetricExpression, _ after: [String],
        _ level: Int, to out: inout String
    ) {
        out += indent(level) + name + "(\n"
        for text in before { out += indent(level + 1) + text + ",\n" }
        add(operand, level + 1, to: &out)
        for text in after { out += ",\n" + indent(level + 1) + text }
        out += "\n" + indent(level) + ")"
    }

    /// A leg of a binary operation; one that is broken itself gets the brackets that short ones have.
    private static func addOperand(
        _ metric: MetricExpression, _ level: Int, to out: inout String
    ) {
        guard case .binary = metric, short(metric) == nil else {
            add(metric, level, to: &out)
            return
        }
        out += indent(level) + "(\n"
        add(metric, level + 1, to: &out)
        out += "\n" + indent(level) + ")"
    }

    private static func add(_ range: RangeAggregation, _ level: Int, to out: inout String) {
        out += indent(level) + range.function.rawValue + "(\n"
        if let parameters = parameters(range) { out += indent(level + 1) + parameters + ",\n" }
        addPipeline(range.log, level + 1, to: &out)
        if let unwrap = range.unwrap { out += "\n" + indent(level + 2) + text(unwrap) }
        out += " [\(DurationText.prometheusText(range.rangeNanoseconds))]"
        if range.offsetNanoseconds != 0 {
            out += " offset \(DurationText.offsetText(range.offsetNanoseconds))"
        }
        out += modifiers(0, range.at) + "\n" + indent(level) + ")" + grouping(range.grouping)
    }

    private static func grouping(_ grouping: Grouping?) -> String {
        guard let grouping, grouping.without || !grouping.labels.isEmpty else { return "" }
        return
            " \(grouping.without ? "without" : "by") (\(grouping.labels.joined(separator: ", ")))"
    }
}
