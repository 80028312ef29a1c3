import LogModel

/// Range aggregations: the range stands behind the selector, inside or behind the pipeline.
extension Parser {
    mutating func rangeAggregation(
        _ function: RangeAggregation.Function, _ position: SourcePosition
    ) throws(SyntaxError) -> MetricExpression {
        try expect("(")
        let parameters = try parameters(of: function, position)
        guard startsLogQuery else { return try subquery(function, parameters.number, position) }
        var range = LogRange()
        try logRange(&range)
        try expect(")")
        guard let log = range.log, let span = range.span else { throw unexpected("RANGE") }
        var aggregation = RangeAggregation(
            function: function, parameter: parameters.number, log: log, unwrap: range.unwrap,
            rangeNanoseconds: span, offsetNanoseconds: range.offset, grouping: try grouping(),
            position: position)
        aggregation.at = range.at
        aggregation.label = parameters.label
        aggregation.buckets = parameters.buckets
        try validate(aggregation)
        return .range(aggregation)
    }

    private struct Parameters {
        var number: Double?
        var label: String?
        var buckets: HistogramBuckets?
    }

    /// What stands before the range: φ, a label, buckets.
    private mutating func parameters(
        of function: RangeAggregation.Function, _ position: SourcePosition
    ) throws(SyntaxError) -> Parameters {
        var parameters = Parameters()
        switch function {
        case .distinctOverTime:
            parameters.label = try name()
            try expect(",")
        case .histogramOverTime:
            parameters.buckets = try buckets()
            try expect(",")
        default:
            guard startsNumber else { break }
            let value = try signedNumber()
            guard function == .quantileOverTime else {
                throw .semantic(
                    "parameter \(LogQLPrinter.number(value)) not supported for operation "
                        + function.rawValue, at: position)
            }
            try expect(",")
            parameters.number = value
        }
        return parameters
    }

    /// True at a number or its sign, unless a calculation with it follows.
    private var startsNumber: Bool {
        let sign = peek.kind == .symbol("-") || peek.kind == .symbol("+")
        if case .number = ahead(sign ? 1 : 0).kind {
            return ahead(sign ? 2 : 1).kind == .symbol(",")
        }
        return false
    }

    private mutating func buckets() throws(SyntaxError) -> HistogramBuckets {
        let position = peek.position
        if isKeyword("log") {
            take()
            try expect("(")
            let base = try signedNumber()
            try expect(")")
            guard base > 1, base.isFinite else {
                throw .semantic("the base of log buckets must be greater than 1", at: position)
            }
            return .log(base)
        }
        let width = try signedNumber()
        guard width > 0, width.isFinite else {
            throw .semantic("the width of buckets must be greater than 0", at: position)
        }
        return .linear(width)
    }

    private mutating func subquery(
        _ function: RangeAggregation.Function, _ parameter: Double?, _ position: SourcePosition
    ) throws(SyntaxError) -> MetricExpression {
        let operand = try metric()
        guard case .subrange(let span, let step) = peek.kind else {
            throw unexpected("RANGE with a step, as in [1h:5m]")
        }
        take()
        let (offset, anchor) = try modifiers()
        try expect(")")
        let allowed: Set<RangeAggregation.Function> = [
            .countOverTime, .sumOverTime, .avgOverTime, .minOverTime, .maxOverTime,
            .stddevOverTime, .stdvarOverTime, .quantileOverTime, .firstOverTime, .lastOverTime,
            .presentOverTime, .absentOverTime, .rateCounter,
        ]
        guard allowed.contains(function) else {
            throw .semantic("\(function.rawValue) cannot be taken over a subquery", at: position)
        }
        if function == .quantileOverTime, parameter == nil {
            throw .semantic("parameter required for operation quantile_over_time", at: position)
        }
        return .subquery(
            Subquery(
                function: function, parameter: parameter, operand: operand, rangeNanoseconds: span,
                stepNanoseconds: step, offsetNanoseconds: offset, at: anchor, position: position))
    }

    /// What stands inside the brackets of a range aggregation.
    private struct LogRange {
        var log: LogExpression?
        var span: Int64?
        var offset: Int64 = 0
        var at: TimeAnchor?
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
                (range.offset, range.at) = try modifiers()
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

    /// `offset 5m` and `@ start()`, in either order.
    private mutating func modifiers() throws(SyntaxError) -> (Int64, TimeAnchor?) {
        var shift: Int64?
        var anchor: TimeAnchor?
        while true {
            if shift == nil, takeKeyword("offset") {
                shift = try offset()
            } else if anchor == nil, takeSymbol("@") {
                anchor = try timeAnchor()
            } else {
                return (shift ?? 0, anchor)
            }
        }
    }

    private mutating func timeAnchor() throws(SyntaxError) -> TimeAnchor {
        if isKeyword("start") || isKeyword("end") {
            let anchor: TimeAnchor = isKeyword("start") ? .start : .end
            take()
            try expect("(")
            try expect(")")
            return anchor
        }
        let position = peek.position
        let seconds = try signedNumber()
        guard abs(seconds) < 9e9 else {
            throw .semantic("the time behind @ is in seconds since 1970", at: position)
        }
        return .time(Int64((seconds * 1e3).rounded()) * Nanoseconds.millisecond)
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
            case .countOverTime, .bytesRate, .bytesOverTime, .distinctOverTime: false
            case .rate, .absentOverTime, .presentOverTime: nil
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
            .minOverTime, .firstOverTime, .lastOverTime, .presentOverTime, .distinctOverTime,
            .histogramOverTime,
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
