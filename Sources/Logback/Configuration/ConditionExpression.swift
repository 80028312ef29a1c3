/// The condition of an `<if>`, as far as it can be told without running Java:
/// `isDefined("a")`, `isNull("a")`, `property("a").equals("b")`, `p("a").contains("b")`,
/// `"b".equals(p("a"))`, with `!`, `&&`, `||` and parentheses.
struct ConditionExpression {
    private let letters: [Character]
    private let lookup: (String) -> String?
    private var at = 0

    private static let maxBytes = 4096
    private static let maxDepth = 64

    /// Nil for what is not understood. `lookup`: the value of a variable, nil when undefined.
    static func evaluate(_ text: String, lookup: @escaping (String) -> String?) -> Bool? {
        guard text.utf8.count <= maxBytes else { return nil }
        var expression = ConditionExpression(letters: Array(text), lookup: lookup)
        guard let value = expression.either(0), expression.next() == nil else { return nil }
        return value
    }

    private init(letters: [Character], lookup: @escaping (String) -> String?) {
        self.letters = letters
        self.lookup = lookup
    }

    private mutating func next() -> Character? {
        while at < letters.count, letters[at].isWhitespace { at += 1 }
        return at < letters.count ? letters[at] : nil
    }

    private mutating func take(_ text: String) -> Bool {
        _ = next()
        guard letters[at...].starts(with: text) else { return false }
        at += text.count
        return true
    }

    private mutating func either(_ depth: Int) -> Bool? {
        guard var value = both(depth) else { return nil }
        while take("||") {
            guard let other = both(depth) else { return nil }
            value = value || other
        }
        return value
    }

    private mutating func both(_ depth: Int) -> Bool? {
        guard var value = one(depth) else { return nil }
        while take("&&") {
            guard let other = one(depth) else { return nil }
            value = value && other
        }
        return value
    }

    private mutating func one(_ depth: Int) -> Bool? {
        guard depth < Self.maxDepth else { return nil }
        if take("!") { return one(depth + 1).map { !$0 } }
        if take("(") {
            let value = either(depth + 1)
            return take(")") ? value : nil
        }
        if take("true") { return true }
        if take("false") { return false }
        if take("isDefined") { return argument().map { lookup($0) != nil } }
        if take("isNull") { return argument().map { lookup($0) == nil } }
        return comparison()
    }

    /// `("text")`.
    private mutating func argument() -> String? {
        guard take("("), let text = quoted(), take(")") else { return nil }
        return text
    }

    private mutating func quoted() -> String? {
        guard next() == "\"" else { return nil }
        at += 1
        guard let end = letters[at...].firstIndex(of: "\"") else { return nil }
        defer { at = end + 1 }
        return String(letters[at..<end])
    }

    /// A text or a variable; what is undefined is the empty text.
    private mutating func term() -> String? {
        if next() == "\"" { return quoted() }
        guard take("property") || take("p") else { return nil }
        return argument().map { lookup($0) ?? "" }
    }

    private mutating func comparison() -> Bool? {
        guard let left = term() else { return nil }
        for (name, test) in Self.tests where take(".\(name)") {
            guard take("("), let right = term(), take(")") else { return nil }
            return test(left, right)
        }
        if take(".isEmpty") { return take("(") && take(")") ? left.isEmpty : nil }
        return nil
    }

    private static let tests: [(String, @Sendable (String, String) -> Bool)] = [
        ("equalsIgnoreCase", { $0.lowercased() == $1.lowercased() }),
        ("equals", { $0 == $1 }),
        ("contains", { $1.isEmpty || $0.contains($1) }),
        ("startsWith", { $0.hasPrefix($1) }),
        ("endsWith", { $0.hasSuffix($1) }),
    ]
}
