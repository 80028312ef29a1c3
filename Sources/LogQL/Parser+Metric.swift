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
            return .range(try rangeAggregation(range, position))
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
        default: throw unexpected()
        }
    }

    private mutating func grouping() throws(SyntaxError) -> Grouping? {
        let without = isKeyword("without")
        guard without || isKeyword("by") else { return nil }
        take()
        return Grouping(without: without, labels: try labelList())
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
        return VectorAggregation(
            function: function, parameter: parameter, operand: operand, grouping: grouping,
            position: position)
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

    // Range aggregations: the range stands behind the selector, inside or behind the pipeline.

    private mutating func rangeAggregation(
        _ function: RangeAggregation.Function, _ position: SourcePosition
    ) throws(SyntaxError) -> RangeAggregation {
        try expect("(")
        var parameter: Double?
        let negative =
            peek.kind == .symbol("-")
            && { if case .number = ahead(1).kind { true } else { false } }()
        if negative { take() }
        if case .number(let text) = peek.kind {
            take()
            try expect(",")
            let value = (Double(text) ?? .nan) * (negative ? -1 : 1)
            guard function == .quantileOverTime else {
                throw .semantic(
                    "parameter \(LogQLPrinter.number(value)) not supported for operation "
                        + function.rawValue, at: position)
            }
            parameter = value
        }
        var range = LogRange()
        try logRange(&range)
        try expect(")")
        guard let log = range.log, let span = range.span else { throw unexpected("RANGE") }
        let aggregation = RangeAggregation(
            function: function, parameter: parameter, log: log, unwrap: range.unwrap,
            rangeNanoseconds: span, offsetNanoseconds: range.offset, grouping: try grouping(),
            position: position)
        try validate(aggregation)
        return aggregation
    }

    /// What stands inside the brackets of a range aggregation.
    private struct LogRange {
        var log: LogExpression?
        var span: Int64?
        var offset: Int64 = 0
        var unwrap: Unwrap?
    }

    private mutating func logRange(_ range: inout LogRange) throws(SyntaxError) {
        if takeSymbol("(") {
            range = try nested { (p) throws(SyntaxError) in
                var inner = LogRange()
                try p.logRange(&inner)
                return inner
            }
            try expect(")")
        } else {
            let position = peek.position
            range.log = LogExpression(
                matchers: try validSelector(), stages: [], position: position)
        }
        while true {
            if case .range(let span) = peek.kind, range.span == nil {
                take()
                range.span = span
                if takeKeyword("offset") { range.offset = try offset() }
            } else if isUnwrap, range.unwrap == nil {
                range.unwrap = try unwrap()
            } else if startsStage, range.unwrap == nil {
                range.log?.stages.append(try stage())
            } else if peek.kind == .symbol("|"), range.unwrap != nil {
                take()
                range.unwrap?.filters.append(try labelFilter())
            } else {
                if range.span == nil, peek.kind != .symbol(")") { throw unexpected("RANGE or |") }
                return
            }
        }
    }

    private var isUnwrap: Bool {
        guard peek.kind == .symbol("|"), case .identifier(let text) = ahead(1).kind else {
            return false
        }
        return text.lowercased() == "unwrap"
    }

    private mutating func offset() throws(SyntaxError) -> Int64 {
        let negative = takeSymbol("-")
        guard case .duration(let span) = peek.kind else { throw unexpected("DURATION") }
        take()
        return negative ? -span : span
    }

    private mutating func unwrap() throws(SyntaxError) -> Unwrap {
        take()
        take()
        guard case .identifier(let text) = peek.kind else { throw unexpected("IDENTIFIER") }
        let conversions: [Unwrap.Conversion] = [.duration, .durationSeconds, .bytes]
        if ahead(1).kind == .symbol("("),
            let conversion = conversions.first(where: { $0.rawValue == text.lowercased() })
        {
            take()
            take()
            let label = try name()
            try expect(")")
            return Unwrap(label: label, conversion: conversion, filters: [])
        }
        return Unwrap(label: try name(), conversion: .none, filters: [])
    }

    private func validate(_ aggregation: RangeAggregation) throws(SyntaxError) {
        let function = aggregation.function
        let needsUnwrap: Bool? =
            switch function {
            case .countOverTime, .bytesRate, .bytesOverTime: false
            case .rate, .absentOverTime: nil
            default: true
            }
        if needsUnwrap == true, aggregation.unwrap == nil {
            throw .semantic(
                "invalid aggregation \(function.rawValue) without unwrap", at: aggregation.position)
        }
        if needsUnwrap == false, aggregation.unwrap != nil {
            throw .semantic(
                "invalid aggregation \(function.rawValue) with unwrap", at: aggregation.position)
        }
        let grouped: Set<RangeAggregation.Function> = [
            .avgOverTime, .stddevOverTime, .stdvarOverTime, .quantileOverTime, .maxOverTime,
            .minOverTime, .firstOverTime, .lastOverTime,
        ]
        if aggregation.grouping != nil, !grouped.contains(function) {
            throw .semantic(
                "grouping not allowed for \(function.rawValue) aggregation",
                at: aggregation.position)
        }
        if function == .quantileOverTime, aggregation.parameter == nil {
            throw .semantic(
                "parameter required for operation quantile_over_time", at: aggregation.position)
        }
    }
}
