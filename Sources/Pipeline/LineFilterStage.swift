import Bytes
import LogModel
import LogQL
import Regexp

/// `|= != |~ !~ |> !>` with their chains: any operand for the positive ones, none for the others.
struct LineFilterStage {
    enum Test {
        case literal(ByteSearch)
        case regexp(Regexp, required: ByteSearch?)
        case pattern(LinePattern)
        case ip(IPRange)
    }

    let tests: [Test]
    let negated: Bool

    init(_ filter: LineFilter) throws(PipelineError) {
        negated = filter.op == .notContains || filter.op == .notMatches || filter.op == .notPattern
        var tests: [Test] = []
        for operand in filter.operands {
            switch operand {
            case .ip(let pattern): tests.append(.ip(try IPRange(pattern)))
            case .text(let text): tests.append(try Self.test(text, filter.op))
            }
        }
        self.tests = tests
    }

    private static func test(
        _ text: String, _ op: LineFilter.Operator
    ) throws(PipelineError) -> Test {
        switch op {
        case .contains, .notContains: return .literal(ByteSearch(Array(text.utf8)))
        case .pattern, .notPattern: return .pattern(try LinePattern(text))
        case .matches, .notMatches:
            do {
                let regexp = try Regexp(text)
                return .regexp(regexp, required: regexp.requiredLiteral.map { ByteSearch($0) })
            } catch {
                throw PipelineError("error parsing regexp: \(error.reason): `\(text)`")
            }
        }
    }

    /// What every line which passes has in it.
    var search: RowSearch? {
        guard !negated, tests.count == 1 else { return nil }
        switch tests[0] {
        case .literal(let search): return search.needle.isEmpty ? nil : .literal(search)
        case .regexp(let regexp, let required):
            return required.map { .literal($0) } ?? RowSearch(leading: regexp)
        case .pattern, .ip: return nil
        }
    }

    /// What every line that passes fulfils, and whether every line that fulfils it passes.
    var condition: (LineCondition, isExact: Bool) {
        let parts = tests.map { Self.condition(of: $0) }
        let isExact = parts.allSatisfy(\.isExact)
        let either = LineCondition.either(parts.map(\.0))
        guard negated else { return (either, isExact) }
        return isExact ? (.not(either), true) : (.anything, false)
    }

    private static func condition(of test: Test) -> (LineCondition, isExact: Bool) {
        switch test {
        case .literal(let search):
            search.needle.isEmpty ? (.anything, true) : (.contains(search.needle), true)
        case .regexp(let regexp, _):
            (
                LineCondition(regexp.requiredText) { literal in
                    literal.bytes.isEmpty
                        ? .anything
                        : .contains(literal.bytes, ignoringCase: literal.ignoringCase)
                }, regexp.isRequiredTextEnough
            )
        case .pattern(let pattern):
            (
                pattern.literals.reduce(.anything) { known, literal in
                    literal.needle.isEmpty ? known : known.and(.contains(literal.needle))
                }, false
            )
        case .ip: (.anything, false)
        }
    }

    func passes(_ line: UnsafeRawBufferPointer) -> Bool {
        for test in tests where Self.holds(test, line) { return !negated }
        return negated
    }

    private static func holds(_ test: Test, _ line: UnsafeRawBufferPointer) -> Bool {
        switch test {
        case .literal(let search): search.occurs(in: line)
        case .regexp(let regexp, let required):
            (required?.occurs(in: line) ?? true) && regexp.matches(line)
        case .pattern(let pattern): pattern.matches(line)
        case .ip(let range): range.occurs(in: line)
        }
    }
}

/// `|> "<_> took <_>ms"`: literals in order, something between them.
struct LinePattern {
    let literals: [ByteSearch]
    private let startsWithCapture: Bool
    private let endsWithCapture: Bool
    private let isEmpty: Bool

    init(_ text: String) throws(PipelineError) {
        let parts = try PatternText.parts(text)
        var literals: [ByteSearch] = []
        var previousWasCapture = false
        for part in parts {
            switch part {
            case .literal(let bytes):
                literals.append(ByteSearch(bytes))
                previousWasCapture = false
            case .capture(let name):
                if name != "_" {
                    throw PipelineError("named captures are not allowed: found '<\(name)>'")
                }
                if previousWasCapture {
                    throw PipelineError("found consecutive capture '<_><_>': invalid expression")
                }
                previousWasCapture = true
            }
        }
        self.literals = literals
        isEmpty = parts.isEmpty
        if case .capture = parts.first {
            startsWithCapture = true
        } else {
            startsWithCapture = false
        }
        if case .capture = parts.last { endsWithCapture = true } else { endsWithCapture = false }
    }

    func matches(_ line: UnsafeRawBufferPointer) -> Bool {
        if isEmpty { return line.isEmpty }
        var at = 0
        for (index, literal) in literals.enumerated() {
            // What a capture takes is never empty.
            let mustSkip = index > 0 || startsWithCapture
            guard let hit = literal.find(in: line, from: at), hit > at || !mustSkip else {
                return false
            }
            at = hit + literal.needle.count
        }
        return endsWithCapture ? at < line.count : at == line.count
    }
}

/// The pieces of a pattern expression: `<name>` captures, all else is literal.
enum PatternText {
    enum Part { case literal([UInt8]), capture(String) }

    static func parts(_ text: String) throws(PipelineError) -> [Part] {
        var parts: [Part] = []
        var literal: [UInt8] = []
        var rest = Substring(text)
        while let first = rest.first {
            if first == "<", let close = rest.firstIndex(of: ">") {
                let name = rest[rest.index(after: rest.startIndex)..<close]
                if Self.isName(name) {
                    if !literal.isEmpty { parts.append(.literal(literal)) }
                    literal = []
                    parts.append(.capture(String(name)))
                    rest = rest[rest.index(after: close)...]
                    continue
                }
            }
            literal += String(first).utf8
            rest = rest.dropFirst()
        }
        if !literal.isEmpty { parts.append(.literal(literal)) }
        return parts
    }

    private static func isName(_ name: Substring) -> Bool {
        guard let first = name.utf8.first, !(48...57).contains(first) else { return false }
        return name.utf8.allSatisfy {
            $0 == UInt8(ascii: "_") || (48...57).contains($0) || (65...90).contains($0)
                || (97...122).contains($0)
        }
    }
}
