/// `dev | staging`, `!prod & eu`, `a, b` (any of them): whether profiles that are active fulfil it.
enum ProfileExpression {
    /// Nil for a text that is no expression.
    static func isFulfilled(_ text: String, by active: Set<String>) -> Bool? {
        guard text.utf8.count <= maxBytes else { return nil }
        var result = false
        for alternative in text.split(separator: ",") {
            var parser = Parser(letters: Array(alternative), active: active)
            guard let value = parser.either(depth: 0), parser.isAtEnd else { return nil }
            result = result || value
        }
        return result
    }

    private static let maxBytes = 4096
    private static let maxDepth = 64

    private struct Parser {
        let letters: [Character]
        let active: Set<String>
        var at = 0

        init(letters: [Character], active: Set<String>) {
            self.letters = letters
            self.active = active
        }

        private mutating func next() -> Character? {
            while at < letters.count, letters[at].isWhitespace { at += 1 }
            return at < letters.count ? letters[at] : nil
        }

        var isAtEnd: Bool { letters[min(at, letters.count)...].allSatisfy(\.isWhitespace) }

        mutating func either(depth: Int) -> Bool? {
            guard var value = both(depth: depth) else { return nil }
            while next() == "|" {
                at += 1
                guard let other = both(depth: depth) else { return nil }
                value = value || other
            }
            return value
        }

        private mutating func both(depth: Int) -> Bool? {
            guard var value = one(depth: depth) else { return nil }
            while next() == "&" {
                at += 1
                guard let other = one(depth: depth) else { return nil }
                value = value && other
            }
            return value
        }

        private mutating func one(depth: Int) -> Bool? {
            guard depth < ProfileExpression.maxDepth, let first = next() else { return nil }
            if first == "!" {
                at += 1
                return one(depth: depth + 1).map { !$0 }
            }
            if first == "(" {
                at += 1
                let value = either(depth: depth + 1)
                guard next() == ")" else { return nil }
                at += 1
                return value
            }
            let start = at
            while at < letters.count, !"|&!()".contains(letters[at]), !letters[at].isWhitespace {
                at += 1
            }
            return at > start ? active.contains(String(letters[start..<at])) : nil
        }
    }
}
