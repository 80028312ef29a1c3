import LogModel
import Regexp

/// The doors of the language.
package enum LogQLParser {
    /// Parses and validates a query. Errors carry Loki's text and, where there is one, the place.
    package static func parse(
        _ text: String, maxBytes: Int = 131_072
    ) throws(SyntaxError) -> QueryTree {
        var parser = try Parser(text, maxBytes: maxBytes)
        return try parser.query()
    }

    /// A selector alone, as `/series` and `/labels` take it; `{}` is allowed.
    package static func parseSelector(_ text: String) throws(SyntaxError) -> [Matcher] {
        var parser = try Parser(text, maxBytes: 131_072)
        let matchers = try parser.selector()
        try parser.expectEnd()
        return matchers
    }
}

/// Recursive descent over the tokens of one query. This file has the tools and the entry; the
/// grammar of log queries and of metric queries is in the extensions.
struct Parser {
    static let reserved: Set<String> = [
        "by", "without", "bool", "offset", "on", "ignoring", "group_left", "group_right", "or",
        "and", "unless", "json", "regexp", "logfmt", "unpack", "pattern", "label_format",
        "line_format", "unwrap", "decolorize", "drop", "keep",
    ]

    private let tokens: [Token]
    private var at = 0
    private var depth = 0
    private var operations = 0

    init(_ text: String, maxBytes: Int) throws(SyntaxError) {
        guard text.utf8.count < maxBytes else {
            throw SyntaxError(
                "parse error : input size too long (\(text.utf8.count) > \(maxBytes))")
        }
        tokens = try Lexer.tokens(of: text)
    }

    mutating func query() throws(SyntaxError) -> QueryTree {
        let tree: QueryTree
        if startsLogQuery {
            tree = .log(try logQueries())
            if case .symbol(let op) = peek.kind, BinaryOperation.Operator(rawValue: op) != nil {
                throw .semantic(
                    "unexpected type for left leg of binary operation (\(op)): "
                        + "*syntax.MatchersExpr", at: peek.position)
            }
        } else {
            tree = .metric(try metric())
        }
        try expectEnd()
        return tree
    }

    /// True at `{` or at brackets around it.
    var startsLogQuery: Bool {
        var ahead = at
        while tokens[ahead].kind == .symbol("(") { ahead += 1 }
        return tokens[ahead].kind == .symbol("{")
    }

    // The tools: look, take, complain.

    var peek: Token { tokens[at] }

    func ahead(_ count: Int) -> Token { tokens[min(at + count, tokens.count - 1)] }

    @discardableResult
    mutating func take() -> Token {
        defer { at = min(at + 1, tokens.count - 1) }
        return tokens[at]
    }

    mutating func takeSymbol(_ text: String) -> Bool {
        guard peek.kind == .symbol(text) else { return false }
        take()
        return true
    }

    func isKeyword(_ word: String) -> Bool {
        if case .identifier(let text) = peek.kind { return text.lowercased() == word }
        return false
    }

    mutating func takeKeyword(_ word: String) -> Bool {
        guard isKeyword(word) else { return false }
        take()
        return true
    }

    func unexpected(_ expecting: String = "") -> SyntaxError {
        .syntax(
            "syntax error: unexpected \(peek.name)"
                + (expecting.isEmpty ? "" : ", expecting \(expecting)"),
            at: peek.position, length: peek.length)
    }

    mutating func expect(_ text: String, or others: String = "") throws(SyntaxError) {
        guard takeSymbol(text) else {
            throw unexpected(others.isEmpty ? text : "\(text) or \(others)")
        }
    }

    func expectEnd() throws(SyntaxError) {
        guard peek.kind == .end else { throw unexpected() }
    }

    mutating func string() throws(SyntaxError) -> String {
        guard case .string(let text) = peek.kind else { throw unexpected("STRING") }
        take()
        return text
    }

    /// A name that is no reserved word.
    mutating func name() throws(SyntaxError) -> String {
        guard case .identifier(let text) = peek.kind, !Self.reserved.contains(text.lowercased())
        else { throw unexpected("IDENTIFIER") }
        take()
        return text
    }

    /// Runs a nested rule with the depth counted: brackets come from remote texts.
    mutating func nested<T>(
        _ rule: (inout Parser) throws(SyntaxError) -> T
    ) throws(SyntaxError) -> T {
        guard depth < Limits.maxNesting else {
            throw .semantic(
                "expression nested deeper than \(Limits.maxNesting) levels", at: peek.position)
        }
        depth += 1
        defer { depth -= 1 }
        return try rule(&self)
    }

    /// Counts an operator of a chain, which makes the tree deeper without a bracket.
    mutating func countOperation() throws(SyntaxError) {
        operations += 1
        guard operations <= Limits.maxOperations else {
            throw .semantic(
                "more than \(Limits.maxOperations) operators in one query", at: peek.position)
        }
    }

    /// A matcher; a pattern that does not compile is an error of the query.
    func matcher(
        _ name: String, _ op: Matcher.Operator, _ value: String, at position: SourcePosition
    ) throws(SyntaxError) -> Matcher {
        do { return try Matcher(name, op, value) } catch {
            throw .semantic("error parsing regexp: \(error.reason): `\(value)`", at: position)
        }
    }
}
