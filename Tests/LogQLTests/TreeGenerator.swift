import LogModel
import LogQL

/// Random trees that a query may parse to.
struct TreeGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    private mutating func below(_ n: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int(state >> 33) % n
    }
    private mutating func one<T>(of all: [T]) -> T { all[below(all.count)] }
    private mutating func flip() -> Bool { below(2) == 0 }
    private mutating func list<T>(_ most: Int, _ make: (inout TreeGenerator) -> T) -> [T] {
        let count = 1 + below(most)
        return (0..<count).map { _ in make(&self) }
    }

    private let here = SourcePosition(offset: 0, line: 1, column: 1)

    private mutating func name() -> String {
        one(of: ["app", "level", "x", "_a9", "trace_id", "or_b", "byte"])
    }
    private mutating func text() -> String {
        one(of: [
            "", "a", "with \"quotes\"", "back`tick", "\\d+", "new\nline", "한국어", "tab\t", "\u{1}",
            "{{.x}}", "100%", "\u{1F600}",
        ])
    }
    private mutating func number() -> Double {
        one(of: [0, 1, -1, 0.5, 2.75, 1e21, 1e-9, 123_456_789, 0.1, -3.25, 1e15, 9.007e15])
    }
    /// Nanoseconds.
    private mutating func span() -> Int64 {
        one(of: [
            1, 999, 1500, 1_000_000, 1_500_000, 1_000_000_000, 90_000_000_000, 3_600_000_000_000,
            86_400_000_000_000, 5_430_000_000_000, 604_800_000_000_000, 100_001_000_000,
        ])
    }

    /// Ranges have no units below a millisecond.
    private mutating func range() -> Int64 {
        max(1, span() / 1_000_000) * 1_000_000
    }

    private mutating func matcher(_ op: Matcher.Operator? = nil) -> Matcher {
        let op = op ?? one(of: [.equal, .notEqual, .match, .notMatch])
        let value = op == .match || op == .notMatch ? one(of: ["a.*", "x|y", "[0-9]+"]) : text()
        // The patterns above compile.
        return try! Matcher(name(), op, value)
    }

    mutating func query() -> QueryTree {
        if flip() { return .metric(metric(4)) }
        var first = log()
        if below(4) == 0 { first.alternatives = list(2) { $0.log() } }
        return .log(first)
    }

    private mutating func log() -> LogExpression {
        // One condition at least must refuse the empty text.
        let matchers =
            [try! Matcher("app", .equal, "shop")] + (flip() ? list(2) { $0.matcher() } : [])
        return LogExpression(
            matchers: matchers, stages: flip() ? stages() : [], position: here)
    }

    /// A bare name and `!=` or `!~` behind it always are one condition of `drop` or `keep`, so no
    /// text parses to these two stages.
    private func isPossible(_ stage: Stage, after previous: Stage?) -> Bool {
        guard case .lineFilter(let filter) = stage.kind,
            filter.op == .notContains || filter.op == .notMatches
        else { return true }
        switch previous?.kind {
        case .drop(let list), .keep(let list): return list.last?.matcher != nil
        default: return true
        }
    }

    private mutating func stages() -> [Stage] {
        var stages: [Stage] = []
        for stage in list(4, { $0.stage() }) where isPossible(stage, after: stages.last) {
            stages.append(stage)
        }
        return stages
    }

    private mutating func stage() -> Stage {
        Stage(kind(), at: here)
    }

    private mutating func kind() -> Stage.Kind {
        switch below(13) {
        case 0: return .lineFilter(lineFilter())
        case 1:
            // With expressions there is nothing left for the flag to say.
            let fields = flip() ? [] : list(2) { FieldExpression(name: $0.name(), path: "a.b[0]") }
            return .json(arrays: fields.isEmpty && flip(), fields)
        case 2:
            return .logfmt(
                strict: flip(), keepEmpty: flip(),
                flip() ? [] : list(2) { FieldExpression(name: $0.name(), path: "key") })
        case 3: return .pattern(one(of: ["<ip> <_>", "a <b> c", "<_>\"<x>\""]))
        case 4: return .regexp("(?P<n>\\d+) \"x\"")
        case 5: return .unpack
        case 6, 7: return .labelFilter(filter(3))
        case 8: return .lineFormat(text())
        case 9:
            var names = ["a", "b", "c"]
            return .labelFormat(
                list(3) { g in
                    LabelAssignment(name: names.removeLast(), value: g.assigned())
                })
        case 10: return .decolorize
        case 11: return .drop(list(2) { $0.selection() })
        default: return .keep(list(2) { $0.selection() })
        }
    }

    private mutating func lineFilter() -> LineFilter {
        let op: LineFilter.Operator = one(of: [
            .contains, .notContains, .matches, .notMatches, .pattern, .notPattern,
        ])
        switch op {
        case .pattern, .notPattern: return LineFilter(op: op, operands: [.text("a <_> b")])
        case .matches, .notMatches:
            return LineFilter(op: op, operands: list(2) { .text($0.one(of: ["a+", "x|y"])) })
        default:
            if below(4) == 0 { return LineFilter(op: op, operands: [.ip("10.0.0.0/8")]) }
            return LineFilter(op: op, operands: list(2) { .text($0.text()) })
        }
    }

    private mutating func assigned() -> LabelAssignment.Value {
        switch below(3) {
        case 0: .label(name())
        case 1: .template(text())
        default: .arithmetic(arithmetic(3))
        }
    }

    private mutating func arithmetic(_ depth: Int) -> LabelArithmetic {
        switch depth == 0 ? below(2) : below(4) {
        case 0: .number(number())
        case 1: .label(name(), one(of: [.none, .duration, .bytes]))
        default:
            .operation(
                one(of: [.add, .subtract, .multiply, .divide, .modulo, .power]),
                arithmetic(depth - 1), arithmetic(depth - 1))
        }
    }

    private mutating func selection() -> LabelSelection {
        let name = name()
        guard flip() else { return LabelSelection(name: name, matcher: nil) }
        let matcher = matcher()
        return LabelSelection(name: matcher.name, matcher: matcher)
    }

    private mutating func filter(_ depth: Int) -> LabelFilter {
        let op: LabelFilter.Comparison = one(of: [
            .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual,
        ])
        switch depth == 0 ? below(6) : below(9) {
        case 0: return .string(matcher())
        case 1: return .number(name: name(), op, number())
        case 2: return .duration(name: name(), op, span())
        case 3:
            return .bytes(
                name: name(), op, one(of: [1, 1000, 1500, 20_000, 5_000_000]))
        case 4: return .ip(name: name(), negated: flip(), pattern: "10.0.0.0/8")
        case 5: return .metadata(try! Matcher("metadata()", .equal, text()))
        case 6: return .or(filter(depth - 1), filter(depth - 1))
        default: return .and(filter(depth - 1), filter(depth - 1))
        }
    }

    private mutating func grouping() -> Grouping? {
        flip() ? nil : Grouping(without: flip(), labels: list(2) { $0.name() })
    }

    private mutating func anchor() -> TimeAnchor? {
        one(of: [nil, nil, .start, .end, .time(1_793_498_400_000_000_000), .time(1_500_000_000)])
    }

    private mutating func offset() -> Int64 { flip() ? 0 : span() * (flip() ? 1 : -1) }

    private mutating func metric(_ depth: Int) -> MetricExpression {
        switch depth == 0 ? below(2) : below(9) {
        case 0, 1: return .range(aggregated())
        case 2: return .vector(aggregation(depth))
        case 3: return binary(depth)
        case 4: return .constant(abs(number()))
        case 5:
            return .labelReplace(
                LabelReplace(
                    operand: metric(depth - 1), destination: "d", replacement: text(), source: "s",
                    pattern: "(.*)\"", position: here))
        case 6: return .subquery(subquery(depth))
        case 7:
            let name = one(of: VectorFunction.Name.allCases)
            let takes = name.argument ?? flip()
            return .function(
                VectorFunction(
                    name: name, operand: metric(depth - 1), argument: takes ? number() : nil,
                    position: here))
        default:
            return .fill(Fill(operand: metric(depth - 1), value: number(), position: here))
        }
    }

    private mutating func aggregated() -> RangeAggregation {
        let function = one(of: RangeAggregation.Function.allCases)
        let unwraps: Bool =
            switch function {
            case .countOverTime, .bytesRate, .bytesOverTime, .distinctOverTime: false
            case .rate, .absentOverTime, .presentOverTime: flip()
            default: true
            }
        let unwrap = Unwrap(
            label: name(), conversion: one(of: [.none, .duration, .durationSeconds, .bytes]),
            filters: flip() ? [] : [filter(1)])
        let grouped: Set<RangeAggregation.Function> = [
            .avgOverTime, .stddevOverTime, .stdvarOverTime, .quantileOverTime, .maxOverTime,
            .minOverTime, .firstOverTime, .lastOverTime, .presentOverTime, .distinctOverTime,
            .histogramOverTime,
        ]
        var range = RangeAggregation(
            function: function, parameter: function == .quantileOverTime ? number() : nil,
            log: log(), unwrap: unwraps ? unwrap : nil, rangeNanoseconds: range(),
            offsetNanoseconds: offset(),
            grouping: grouped.contains(function) ? grouping() : nil, position: here)
        range.at = anchor()
        if function == .distinctOverTime { range.label = name() }
        if function == .histogramOverTime { range.buckets = flip() ? .linear(0.25) : .log(2) }
        return range
    }

    private mutating func subquery(_ depth: Int) -> Subquery {
        let function = one(of: [
            RangeAggregation.Function.maxOverTime, .avgOverTime, .quantileOverTime, .lastOverTime,
        ])
        return Subquery(
            function: function, parameter: function == .quantileOverTime ? 0.9 : nil,
            operand: metric(depth - 1), rangeNanoseconds: range(),
            stepNanoseconds: flip() ? nil : range(), offsetNanoseconds: offset(), at: anchor(),
            position: here)
    }

    private mutating func aggregation(_ depth: Int) -> VectorAggregation {
        let function = one(of: VectorAggregation.Function.allCases)
        let takesK = [.topk, .bottomk, .approxTopk].contains(function)
        let mayGroup = ![.sort, .sortDesc, .approxTopk].contains(function)
        var aggregation = VectorAggregation(
            function: function, parameter: takesK ? 3 : nil, operand: metric(depth - 1),
            grouping: mayGroup ? grouping() : nil, position: here)
        if function == .countDistinct { aggregation.label = name() }
        return aggregation
    }

    private mutating func binary(_ depth: Int) -> MetricExpression {
        let op = one(of: BinaryOperation.Operator.allCases)
        let isSet = [.and, .or, .unless].contains(op)
        let compares = [.equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual]
            .contains(op)
        // Two numbers would be folded into one.
        let left: MetricExpression = !isSet && flip() ? .literal(number()) : metric(depth - 1)
        var matching: BinaryOperation.Matching?
        if flip() {
            matching = BinaryOperation.Matching(
                on: flip(), labels: list(2) { $0.name() },
                group: isSet
                    ? nil : one(of: [nil, .left(list(2) { $0.name() }), .right([])]))
        }
        return .binary(
            BinaryOperation(
                op: op, left: left, right: metric(depth - 1), returnsBool: compares && flip(),
                matching: matching, position: here))
    }
}
