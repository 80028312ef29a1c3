import Regexp

/// One condition of a selector on a label of a stream. A label that is missing counts as "".
/// Regular expressions are anchored at both ends and their dot takes newlines, as in Loki.
package struct Matcher: Sendable {
    package enum Operator: String, Sendable {
        case equal = "="
        case notEqual = "!="
        case match = "=~"
        case notMatch = "!~"
    }

    package let name: String
    package let op: Operator
    package let value: String
    private let regexp: Regexp?

    /// Throws `RegexpError` when the pattern does not compile.
    package init(_ name: String, _ op: Operator, _ value: String) throws(RegexpError) {
        self.name = name
        self.op = op
        self.value = value
        switch op {
        case .equal, .notEqual: regexp = nil
        case .match, .notMatch: regexp = try Regexp("^(?s:\(value))$")
        }
    }

    package func matches(_ candidate: String) -> Bool {
        switch op {
        case .equal: candidate.hasSameBytes(as: value)
        case .notEqual: !candidate.hasSameBytes(as: value)
        case .match: regexp?.matches(candidate) ?? false
        case .notMatch: !(regexp?.matches(candidate) ?? true)
        }
    }

    /// True when a stream without the label passes.
    package var matchesEmpty: Bool { matches("") }
}

extension Matcher: CustomStringConvertible {
    package var description: String { name + op.rawValue + quoted(value) }
}

extension Array where Element == Matcher {
    /// True when every matcher accepts the set.
    package func accept(_ labels: Labels) -> Bool {
        allSatisfy { $0.matches(labels[$0.name] ?? "") }
    }
}
