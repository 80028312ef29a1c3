/// Parses templates by the grammar of Go's text/template.
struct TemplateParser {
    /// Blocks and parentheses inside each other: deeper ones would end the stack, not the query.
    private static let maxDepth = 64

    private let tokens: [TemplateToken]
    private var at = 0
    private var depth = 0
    private var loops = 0
    private var variables: [String] = ["$"]
    private var templates: [[UInt8]: [TemplateNode]] = [:]

    /// The main template and those that it defines.
    static func parse(
        _ text: String
    ) throws(TemplateError) -> (main: [TemplateNode], defined: [[UInt8]: [TemplateNode]]) {
        var parser = TemplateParser(tokens: try TemplateLexer.tokens(of: text))
        let (main, end) = try parser.list(isTop: true)
        guard end == nil else { throw TemplateError("unexpected {{\(end ?? "")}}") }
        return (main, parser.templates)
    }

    private init(tokens: [TemplateToken]) { self.tokens = tokens }

    private var peek: TemplateToken { tokens[at] }

    private mutating func take() -> TemplateToken {
        defer { if at < tokens.count - 1 { at += 1 } }
        return tokens[at]
    }

    private mutating func takeWord(_ word: String) -> Bool {
        guard peek.kind == .word(word) else { return false }
        at += 1
        return true
    }

    private mutating func takeSymbol(_ symbol: String) -> Bool {
        guard peek.kind == .symbol(symbol) else { return false }
        at += 1
        return true
    }

    private func unexpected(_ context: String) -> TemplateError {
        let what =
            switch peek.kind {
            case .close: "}}"
            case .end: "EOF"
            case .word(let word): "<\(word)>"
            case .field(let name): "<.\(name)>"
            case .variable(let name): "<\(name)>"
            case .symbol(let symbol): "<\(symbol)>"
            case .number, .string, .text, .open: "operand"
            }
        return TemplateError("unexpected \(what) in \(context)")
    }

    private mutating func close(_ context: String) throws(TemplateError) {
        guard peek.kind == .close else { throw unexpected(context) }
        _ = take()
    }

    private mutating func nested<T>(
        _ body: (inout TemplateParser) throws(TemplateError) -> T
    ) throws(TemplateError) -> T {
        guard depth < Self.maxDepth else {
            throw TemplateError("nested deeper than \(Self.maxDepth)")
        }
        depth += 1
        defer { depth -= 1 }
        return try body(&self)
    }

    /// Nodes up to the end, `{{end}}` or `{{else}}`, whose word is given back; behind `else` the
    /// parser stands before what follows it.
    private mutating func list(
        isTop: Bool = false
    ) throws(TemplateError) -> ([TemplateNode], String?) {
        var nodes: [TemplateNode] = []
        while true {
            switch peek.kind {
            case .end:
                guard isTop else { throw TemplateError("unexpected EOF") }
                return (nodes, nil)
            case .text(let text):
                nodes.append(.text(text))
                _ = take()
            default:
                _ = take()
                if takeWord("end") {
                    try close("end")
                    return (nodes, "end")
                }
                if takeWord("else") { return (nodes, "else") }
                if isTop, takeWord("define") {
                    try define()
                    continue
                }
                nodes.append(try action())
            }
        }
    }

    private mutating func define() throws(TemplateError) {
        guard case .string(let name) = take().kind else {
            throw TemplateError("missing name in define clause")
        }
        try close("define clause")
        templates[name] = try body("define")
    }

    /// A list with variables of its own, closed by `end`.
    private mutating func body(_ context: String) throws(TemplateError) -> [TemplateNode] {
        let outer = variables
        let outerLoops = loops
        variables = ["$"]
        loops = 0
        let (nodes, end) = try nested { parser throws(TemplateError) in try parser.list() }
        guard end == "end" else { throw TemplateError("unexpected {{else}} in \(context)") }
        variables = outer
        loops = outerLoops
        return nodes
    }

    private mutating func action() throws(TemplateError) -> TemplateNode {
        if takeWord("if") { return try branch(.if) }
        if takeWord("with") { return try branch(.with) }
        if takeWord("range") { return try branch(.range) }
        if takeWord("break") || takeWord("continue") {
            let isBreak = tokens[at - 1].kind == .word("break")
            guard loops > 0 else {
                throw TemplateError("{{break}} or {{continue}} outside {{range}}")
            }
            try close("break or continue")
            return isBreak ? .breakLoop : .continueLoop
        }
        if takeWord("template") || takeWord("block") { return try call() }
        let pipe = try pipeline("command")
        try close("command")
        return .action(pipe)
    }

    private mutating func call() throws(TemplateError) -> TemplateNode {
        let isBlock = tokens[at - 1].kind == .word("block")
        guard case .string(let name) = take().kind else {
            throw TemplateError("missing name in template clause")
        }
        var pipe: TemplatePipe?
        if peek.kind != .close { pipe = try pipeline("template clause") }
        try close("template clause")
        if isBlock {
            guard pipe != nil else { throw TemplateError("missing value for block clause") }
            templates[name] = try body("block")
        }
        return .template(name: name, pipe)
    }

    private mutating func branch(_ kind: TemplateNode.Branch) throws(TemplateError) -> TemplateNode
    {
        let known = variables.count
        let pipe = try pipeline(kind.rawValue, isRange: kind == .range)
        try close(kind.rawValue)
        if kind == .range { loops += 1 }
        let (list, end) = try nested { parser throws(TemplateError) in try parser.list() }
        if kind == .range { loops -= 1 }
        var otherwise: [TemplateNode] = []
        if end == "else" {
            if kind != .range, takeWord(kind.rawValue) {
                // `else if x` is an if inside else that shares its end.
                otherwise = [
                    try nested { parser throws(TemplateError) in try parser.branch(kind) }
                ]
            } else {
                try close("else")
                let (rest, last) = try nested { parser throws(TemplateError) in try parser.list() }
                guard last == "end" else { throw TemplateError("expected end; found {{else}}") }
                otherwise = rest
            }
        }
        variables.removeLast(variables.count - known)
        return .branch(kind, pipe, list, otherwise: otherwise)
    }

    private mutating func pipeline(
        _ context: String, isRange: Bool = false
    ) throws(TemplateError) -> TemplatePipe {
        var pipe = try declarations(isRange: isRange)
        while true {
            let command = try operands(context)
            if !pipe.commands.isEmpty {
                switch command.first {
                case .bool, .dot, .nil, .number, .string:
                    throw TemplateError(
                        "non executable command in pipeline stage \(pipe.commands.count + 1)")
                default: break
                }
            }
            pipe.commands.append(command)
            if takeSymbol("|") { continue }
            return pipe
        }
    }

    /// `$x :=`, `$x =`, and for a range `$i, $x :=`.
    private mutating func declarations(isRange: Bool) throws(TemplateError) -> TemplatePipe {
        var pipe = TemplatePipe()
        guard case .variable(let first) = peek.kind, at + 1 < tokens.count else { return pipe }
        let next = tokens[at + 1].kind
        if next == .symbol(":=") || next == .symbol("=") {
            at += 2
            pipe.variables = [first]
            pipe.assigns = next == .symbol("=")
        } else if isRange, next == .symbol(","), at + 3 < tokens.count,
            case .variable(let second) = tokens[at + 2].kind
        {
            let sign = tokens[at + 3].kind
            guard sign == .symbol(":=") || sign == .symbol("=") else { throw unexpected("range") }
            at += 4
            pipe.variables = [first, second]
            pipe.assigns = sign == .symbol("=")
        } else {
            return pipe
        }
        if pipe.assigns {
            for name in pipe.variables { try check(name) }
        } else {
            variables += pipe.variables
        }
        return pipe
    }

    private func check(_ variable: String) throws(TemplateError) {
        guard variables.contains(variable) else {
            throw TemplateError("undefined variable \"\(variable)\"")
        }
    }

    private mutating func operands(_ context: String) throws(TemplateError) -> [TemplateOperand] {
        var out: [TemplateOperand] = []
        while let operand = try operand() {
            out.append(operand)
            switch peek.kind {
            case .close, .symbol("|"), .symbol(")"): break
            default:
                guard peek.isSpaced || peek.kind == .symbol("(") else {
                    throw unexpected("operand")
                }
                continue
            }
            break
        }
        guard !out.isEmpty else { throw TemplateError("missing value for \(context)") }
        return out
    }

    /// A term with the fields that hang on it; nil where none begins.
    private mutating func operand() throws(TemplateError) -> TemplateOperand? {
        guard let term = try term() else { return nil }
        var fields: [String] = []
        while case .field(let name) = peek.kind, !peek.isSpaced {
            fields.append(name)
            _ = take()
        }
        if fields.isEmpty { return term }
        switch term {
        case .field(let names): return .field(names + fields)
        case .variable(let name, let names): return .variable(name, names + fields)
        case .bool, .string, .number, .nil, .dot:
            throw TemplateError("unexpected . after term")
        default: return .chain(term, fields)
        }
    }

    private mutating func term() throws(TemplateError) -> TemplateOperand? {
        switch peek.kind {
        case .word("nil"):
            _ = take()
            return .nil
        case .word("true"), .word("false"): return .bool(take().kind == .word("true"))
        case .word(let name):
            guard TemplateFunctions.isKnown(name) else {
                throw TemplateError("function \"\(name)\" not defined")
            }
            _ = take()
            return .function(name)
        case .symbol("."):
            _ = take()
            return .dot
        case .field(let name):
            _ = take()
            return .field([name])
        case .variable(let name):
            try check(name)
            _ = take()
            return .variable(name, [])
        case .number(let number):
            _ = take()
            return .number(number)
        case .string(let text):
            _ = take()
            return .string(text)
        case .symbol("("):
            _ = take()
            let pipe = try nested { parser throws(TemplateError) in
                try parser.pipeline("parenthesized pipeline")
            }
            guard takeSymbol(")") else { throw unexpected("parenthesized pipeline") }
            return .pipe(pipe)
        default: return nil
        }
    }
}
