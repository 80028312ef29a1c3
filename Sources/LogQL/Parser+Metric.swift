import LogModel
import Regexp

/// Range and vector aggregations, binary operations.
extension Parser {
    mutating func metric() throws(SyntaxError) -> MetricExpression {
        try nested { (p) throws(SyntaxError) in try p.binary(minPrecedence: 0) }
    }

    /// Low to high, as Loki has them; `^` binds to the right.
    private static let precedence: [String: Int] = [
        "or": 1, "and": 2, "unless": 2, "==": 3, "!=": 3, "<": 3, "<=": 3, ">": 3, ">=": 3, "+": 4,
        "-": 4, "*": 5, "/": 5, "%": 5, "^": 6,
    ]

    private var operatorName: String? {
        switch peek.kind {
        case .symbol(let text): Self.precedence[text] == nil ? nil : text
        case .identifier(let text):
            Self.precedence[text.lowercased()] == nil ? nil : text.lowercased()
        default: nil
        }
    }

    private mutating func binary(minPrecedence: Int) throws(SyntaxError) -> MetricExpression {
        var left = try primary()
        while let name = operatorName, let level = Self.precedence[name], level >= minPrecedence,
            let op = BinaryOperation.Operator(rawValue: name)
        {
            let position = peek.position
            try countOperation()
            take()
            let returnsBool = takeKeyword("bool")
            let matching = try vectorMatching()
            let right = try nested { (p) throws(SyntaxError) in
                try p.binary(minPrecedence: op == .power ? level : level + 1)
            }
            left = try combine(
                BinaryOperation(
                    op: op, left: left, right: right, returnsBool: returnsBool, matching: matching,
                    position: position))
        }
        return left
    }

    /// Folds two numbers; refuses numbers under set operators.
    private func combine(_ operation: BinaryOperation) throws(SyntaxError) -> MetricExpression {
        if operation.op == .and || operation.op == .or || operation.op == .unless {
            for (leg, operand) in [("left", operation.left), ("right", operation.right)] {
                if case .literal(let value) = operand {
                    throw .semantic(
                        "unexpected literal for \(leg) leg of logical/set binary operation "
                            + "(\(operation.op.rawValue)): \(LogQLPrinter.sixDecimals(value))",
                        at: operation.position)
                }
            }
        }
        if case .literal(let a) = operation.left, case .literal(let b) = operation.right {
            return .literal(operation.op.apply(a, b))
        }
        return .binary(operation)
    }

    private mutating func vectorMatching() throws(SyntaxError) -> BinaryOperation.Matching? {
        let on = isKeyword("on")
        guard on || isKeyword("ignoring") else { return nil }
        take()
        let labels = try labelList()
        var group: BinaryOperation.Group?
        if takeKeyword("group_left") {
            group = .left(peek.kind == .symbol("(") ? try labelList() : [])
        } else if takeKeyword("group_right") {
            group = .right(peek.kind == .symbol("(") ? try labelList() : [])
        }
        return BinaryOperation.Matching(on: on, labels: labels, group: group)
    }

    private mutating func labelList() throws(SyntaxError) -> [String] {
        try expect("(")
        var labels: [String] = []
        if takeSymbol(")") { return labels }
        repeat { labels.append(try name()) } while takeSymbol(",")
        try expect(")", or: ",")
        return labels
    }

    private mutating func primary() throws(SyntaxError) -> MetricExpression {
        let position = peek.position
        switch peek.kind {
        case .symbol("("):
            take()
            let inner = try metric()
            try expect(")")
            return inner
        case .symbol("-"), .symbol("+"):
            let negative = peek.kind == .symbol("-")
            take()
            guard case .number(let text) = peek.kind else { throw unexpected("NUMBER") }
            take()
            return .literal((Double(text) ?? .nan) * (negative ? -1 : 1))
        case .number(let text):
            take()
            return .literal(Double(text) ?? .nan)
        case .identifier(let text): return try function(text.lowercased(), position)
        case .symbol("{"):
            throw .semantic(
                "unexpected type for right leg of binary operation: *syntax.MatchersExpr",
                at: position)
        default: throw unexpected()
        }
    }

    private mutating func function(
        _ name: String, _ position: SourcePosition
    ) throws(SyntaxError) -> MetricExpression {
        if let range = RangeAggregation.Function(rawValue: name) {
            take()
            return try rangeAggregation(range, position)
        }
        if let vector = VectorAggregation.Function(rawValue: name) {
            take()
            return .vector(try vectorAggregation(vector, position))
        }
        switch name {
        case "vector":
            take()
            try expect("(")
            guard case .number(let text) = peek.kind else { throw unexpected("NUMBER") }
            take()
            try expect(")")
            return .constant(Double(text) ?? .nan)
        case "label_replace":
            take()
            return .labelReplace(try labelReplace(position))
        case "fill":
            take()
            return .fill(try fill(position))
        default:
            guard let function = VectorFunction.Name(rawValue: name) else { throw unexpected() }
            take()
            return .function(try vectorFunction(function, position))
        }
    }

    mutating func grouping() throws(SyntaxError) -> Grouping? {
        let without = isKeyword("without")
        guard without || isKeyword("by") else { return nil }
        take()
        return Grouping(without: without, labels: try labelList())
    }

    private mutating func fill(_ position: SourcePosition) throws(SyntaxError) -> Fill {
        try expect("(")
        let operand = try metric()
        try expect(",")
        let value = try signedNumber()
        try expect(")")
        return Fill(operand: operand, value: value, position: position)
    }

    private mutating func vectorFunction(
        _ name: VectorFunction.Name, _ position: SourcePosition
    ) throws(SyntaxError) -> VectorFunction {
        try expect("(")
        let operand = try metric()
        var argument: Double?
        if name.argument == true || (name.argument == nil && peek.kind == .symbol(",")) {
            try expect(",")
            argument = try signedNumber()
        }
        try expect(")")
        return VectorFunction(name: name, operand: operand, argument: argument, position: position)
    }

    mutating func signedNumber() throws(SyntaxError) -> Double {
        let negative = takeSymbol("-")
        if !negative { _ = takeSymbol("+") }
        guard case .number(let text) = peek.kind else { throw unexpected("NUMBER") }
        take()
        return (Double(text) ?? .nan) * (negative ? -1 : 1)
    }

    private mutating func vectorAggregation(
        _ function: VectorAggregation.Function, _ position: SourcePosition
    ) throws(SyntaxError) -> VectorAggregation {
        var grouping = try grouping()
        try expect("(")
        var parameter: Int?
        let takesParameter = function == .topk || function == .bottomk || function == .approxTopk
        if case .number(let text) = peek.kind, ahead(1).kind == .symbol(",") {
            guard takesParameter else {
                throw .semantic(
                    "unsupported parameter for operation \(function.rawValue)(\(text),",
                    at: peek.position)
            }
            guard let k = Int(text) else {
                throw .semantic(
                    "invalid parameter \(function.rawValue)(\(text),", at: peek.position)
            }
            guard k > 0 else {
                throw .semantic(
                    "invalid parameter (must be greater than 0) \(function.rawValue)(\(text)",
                    at: peek.position)
            }
            take()
            take()
            parameter = k
        }
        var label: String?
        if function == .countDistinct {
            label = try name()
            try expect(",")
        }
        let operand = try metric()
        try expect(")")
        if takesParameter, parameter == nil {
            throw .semantic("parameter required for operation \(function.rawValue)", at: position)
        }
        if grouping == nil { grouping = try self.grouping() }
        if grouping != nil, function == .sort || function == .sortDesc {
            throw .semantic("sort and sort_desc doesn't allow grouping by ", at: position)
        }
        if grouping != nil, function == .approxTopk {
            throw .semantic("grouping not allowed for approx_topk aggregation", at: position)
        }
        var aggregation = VectorAggregation(
            function: function, parameter: parameter, operand: operand, grouping: grouping,
            position: position)
        aggregation.label = label
        return aggregation
    }

    private mutating func labelReplace(
        _ position: SourcePosition
    ) throws(SyntaxError) -> LabelReplace {
        try expect("(")
        let operand = try metric()
        var texts: [String] = []
        for _ in 0..<4 {
            try expect(",")
            texts.append(try string())
        }
        try expect(")")
        do { _ = try Regexp("^(?:\(texts[3]))$") } catch {
            throw .semantic(
                "invalid regex in label_replace: error parsing regexp: \(error.reason): "
                    + "`^(?:\(texts[3]))$`", at: position)
        }
        return LabelReplace(
            operand: operand, destination: texts[0], replacement: texts[1], source: texts[2],
            pattern: texts[3], position: position)
    }
}
