import LogModel
import Regexp

/// Selectors and pipeline stages.
extension Parser {
    /// Log queries joined by `or`; each answers with its own entries.
    mutating func logQueries() throws(SyntaxError) -> LogExpression {
        var all = try logQuery()
        while isKeyword("or"), ahead(1).kind == .symbol("{") || ahead(1).kind == .symbol("(") {
            take()
            var next = try logQuery()
            let more = next.alternatives
            next.alternatives = []
            all.alternatives += [next] + more
            guard all.alternatives.count < Limits.maxNesting else {
                throw .semantic(
                    "more than \(Limits.maxNesting) selectors in one query", at: peek.position)
            }
        }
        return all
    }

    private mutating func logQuery() throws(SyntaxError) -> LogExpression {
        if takeSymbol("(") {
            var inner = try nested { (p) throws(SyntaxError) in try p.logQueries() }
            try expect(")")
            // Stages behind brackets are for every selector inside.
            while !inner.alternatives.isEmpty, startsStage {
                let stage = try stage()
                inner.stages.append(stage)
                for i in inner.alternatives.indices { inner.alternatives[i].stages.append(stage) }
            }
            return inner
        }
        let position = peek.position
        let matchers = try validSelector()
        var stages: [Stage] = []
        while startsStage { stages.append(try stage()) }
        return LogExpression(matchers: matchers, stages: stages, position: position)
    }

    /// A selector that names at least something.
    mutating func validSelector() throws(SyntaxError) -> [Matcher] {
        let position = peek.position
        let matchers = try selector()
        guard matchers.contains(where: { !$0.matchesEmpty }) else {
            throw .semantic(
                "queries require at least one regexp or equality matcher that does not have an "
                    + "empty-compatible value. For instance, app=~\".*\" does not meet this "
                    + "requirement, but app=~\".+\" will", at: position)
        }
        return matchers
    }

    mutating func selector() throws(SyntaxError) -> [Matcher] {
        try expect("{")
        var matchers: [Matcher] = []
        if takeSymbol("}") { return matchers }
        repeat {
            let position = peek.position
            guard case .identifier(let text) = peek.kind,
                !Self.reserved.contains(text.lowercased())
            else { throw unexpected(matchers.isEmpty ? "IDENTIFIER or }" : "IDENTIFIER") }
            take()
            guard case .symbol(let symbol) = peek.kind,
                let op = Matcher.Operator(rawValue: symbol)
            else { throw unexpected("=, =~, !~ or !=") }
            take()
            matchers.append(try matcher(text, op, try string(), at: position))
        } while takeSymbol(",")
        try expect("}", or: ",")
        return matchers
    }

    var startsStage: Bool {
        guard case .symbol(let text) = peek.kind else { return false }
        return text == "|" || LineFilter.Operator(rawValue: text) != nil
    }

    mutating func stage() throws(SyntaxError) -> Stage {
        let position = peek.position
        if case .symbol(let text) = peek.kind, let op = LineFilter.Operator(rawValue: text) {
            take()
            return Stage(.lineFilter(try lineFilter(op)), at: position)
        }
        try expect("|")
        return Stage(try stageKind(), at: position)
    }

    private mutating func lineFilter(_ op: LineFilter.Operator) throws(SyntaxError) -> LineFilter {
        var operands: [LineFilter.Operand] = []
        repeat {
            if isKeyword("ip"), ahead(1).kind == .symbol("(") {
                let place = peek.position
                guard op == .contains || op == .notContains else {
                    throw .semantic("ip: invalid operation", at: place)
                }
                operands.append(.ip(try ipPattern()))
            } else {
                guard case .string(let text) = peek.kind else {
                    throw unexpected("STRING or ip")
                }
                take()
                operands.append(.text(text))
            }
        } while ahead(1).kind != .symbol("{") && takeKeyword("or")
        return LineFilter(op: op, operands: operands)
    }

    private mutating func ipPattern() throws(SyntaxError) -> String {
        take()
        try expect("(")
        let pattern = try string()
        try expect(")")
        return pattern
    }

    private mutating func stageKind() throws(SyntaxError) -> Stage.Kind {
        guard case .identifier(let text) = peek.kind else {
            if peek.kind == .symbol("(") { return .labelFilter(try labelFilter()) }
            throw unexpected()
        }
        switch text.lowercased() {
        case "json":
            take()
            return try json()
        case "logfmt":
            take()
            return try logfmt()
        case "pattern":
            take()
            return .pattern(try string())
        case "regexp":
            take()
            return .regexp(try string())
        case "unpack":
            take()
            return .unpack
        case "decolorize":
            take()
            return .decolorize
        case "line_format":
            take()
            return .lineFormat(try string())
        case "label_format":
            take()
            return .labelFormat(try assignments())
        case "drop":
            take()
            return .drop(try labelSelections())
        case "keep":
            take()
            return .keep(try labelSelections())
        default: return .labelFilter(try labelFilter())
        }
    }

    private mutating func json() throws(SyntaxError) -> Stage.Kind {
        var arrays = false
        while case .flag(let flag) = peek.kind {
            guard flag == "arrays" else {
                throw .syntax(
                    "unknown parser flag --\(flag)", at: peek.position, length: peek.length)
            }
            arrays = true
            take()
        }
        let position = peek.position
        let fields = try fieldExpressions()
        guard !arrays || fields.isEmpty else {
            throw .semantic(
                "--arrays goes with json alone: expressions name what they take", at: position)
        }
        return .json(arrays: arrays, fields)
    }

    private mutating func logfmt() throws(SyntaxError) -> Stage.Kind {
        var strict = false
        var keepEmpty = false
        while case .flag(let flag) = peek.kind {
            switch flag {
            case "strict": strict = true
            case "keep-empty": keepEmpty = true
            default:
                throw .syntax(
                    "unknown parser flag --\(flag)", at: peek.position, length: peek.length)
            }
            take()
        }
        return .logfmt(strict: strict, keepEmpty: keepEmpty, try fieldExpressions())
    }

    private var startsName: Bool {
        if case .identifier(let text) = peek.kind {
            return !Self.reserved.contains(text.lowercased())
        }
        return false
    }

    private mutating func fieldExpressions() throws(SyntaxError) -> [FieldExpression] {
        guard startsName else { return [] }
        var fields: [FieldExpression] = []
        repeat {
            let name = try name()
            let path = takeSymbol("=") ? try string() : name
            fields.append(FieldExpression(name: name, path: path))
        } while takeSymbol(",")
        return fields
    }

    private mutating func assignments() throws(SyntaxError) -> [LabelAssignment] {
        var assignments: [LabelAssignment] = []
        repeat {
            let name = try name()
            try expect("=")
            if case .string(let template) = peek.kind {
                take()
                assignments.append(LabelAssignment(name: name, value: .template(template)))
            } else if startsArithmetic {
                assignments.append(
                    LabelAssignment(name: name, value: .arithmetic(try arithmetic())))
            } else {
                guard startsName else { throw unexpected("STRING or IDENTIFIER") }
                assignments.append(LabelAssignment(name: name, value: .label(try self.name())))
            }
        } while takeSymbol(",")
        return assignments
    }

    private mutating func labelSelections() throws(SyntaxError) -> [LabelSelection] {
        var selections: [LabelSelection] = []
        repeat {
            let position = peek.position
            let name = try name()
            if case .symbol(let symbol) = peek.kind, let op = Matcher.Operator(rawValue: symbol) {
                take()
                let matcher = try matcher(name, op, try string(), at: position)
                selections.append(LabelSelection(name: name, matcher: matcher))
            } else {
                selections.append(LabelSelection(name: name, matcher: nil))
            }
        } while takeSymbol(",")
        return selections
    }

    // Label filters. `and` binds tighter than `or`; a comma or nothing at all between two filters
    // means "and", but takes all that follows on its right, because Loki's grammar gives it no
    // precedence: `a, b or c` is `a and (b or c)`, `a or b, c` is `a or (b and c)`.

    mutating func labelFilter() throws(SyntaxError) -> LabelFilter {
        try nested { (p) throws(SyntaxError) in
            var left = try p.conjunction()
            while p.ahead(1).kind != .symbol("{"), p.takeKeyword("or") {
                try p.countOperation()
                left = .or(left, try p.conjunction())
            }
            return left
        }
    }

    private mutating func conjunction() throws(SyntaxError) -> LabelFilter {
        var left = try operand()
        while takeKeyword("and") {
            try countOperation()
            left = .and(left, try operand())
        }
        return left
    }

    private mutating func operand() throws(SyntaxError) -> LabelFilter {
        let first: LabelFilter
        if takeSymbol("(") {
            first = try labelFilter()
            try expect(")")
        } else {
            first = try comparison()
        }
        if takeSymbol(",") || startsName || peek.kind == .symbol("(") {
            return .and(first, try labelFilter())
        }
        return first
    }

    private mutating func comparison() throws(SyntaxError) -> LabelFilter {
        let position = peek.position
        let label = try name()
        if label.lowercased() == "metadata", peek.kind == .symbol("(") {
            take()
            try expect(")")
            guard case .symbol(let symbol) = peek.kind, let op = Matcher.Operator(rawValue: symbol)
            else { throw unexpected("=, =~, !~ or !=") }
            take()
            return .metadata(try matcher("metadata()", op, try string(), at: position))
        }
        guard case .symbol(let symbol) = peek.kind,
            ["=", "==", "!=", "=~", "!~", "<", "<=", ">", ">="].contains(symbol)
        else { throw unexpected() }
        take()
        if case .string(let value) = peek.kind {
            guard let op = Matcher.Operator(rawValue: symbol) else { throw unexpected() }
            take()
            return .string(try matcher(label, op, value, at: position))
        }
        if isKeyword("ip"), ahead(1).kind == .symbol("("), symbol == "=" || symbol == "!=" {
            return .ip(name: label, negated: symbol == "!=", pattern: try ipPattern())
        }
        guard let op = LabelFilter.Comparison(rawValue: symbol == "=" ? "==" : symbol) else {
            throw unexpected("STRING")
        }
        return try quantityFilter(label, op)
    }

    private mutating func quantityFilter(
        _ label: String, _ op: LabelFilter.Comparison
    ) throws(SyntaxError) -> LabelFilter {
        let negative = takeSymbol("-")
        if !negative { _ = takeSymbol("+") }
        switch peek.kind {
        case .number(let text):
            take()
            return .number(name: label, op, (Double(text) ?? .nan) * (negative ? -1 : 1))
        case .duration(let span):
            take()
            return .duration(name: label, op, negative ? -span : span)
        case .bytes(let amount) where !negative:
            take()
            return .bytes(name: label, op, ByteText.roundedAsLoki(amount))
        default: throw unexpected()
        }
    }
}
