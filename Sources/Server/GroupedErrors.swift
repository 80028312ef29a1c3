/// The reasons why parts of a push were refused, equal ones counted together. Bounded: a push of a
/// million bad lines gets an answer that a person can read.
package struct GroupedErrors {
    private static let mostKinds = 20

    private var kinds: [(text: String, count: Int)] = []
    private var indices: [String: Int] = [:]
    private var others = 0

    package init() {}

    package var isEmpty: Bool { kinds.isEmpty }

    package mutating func add(_ text: String) {
        if let index = indices[text] {
            kinds[index].count += 1
        } else if kinds.count < Self.mostKinds {
            indices[text] = kinds.count
            kinds.append((text, 1))
        } else {
            others += 1
        }
    }

    /// `X` for one error alone, else `2 errors like: X; 1 errors like: Y`.
    package var text: String {
        if kinds.count == 1, kinds[0].count == 1 { return kinds[0].text }
        var parts = kinds.map { "\($0.count) errors like: \($0.text)" }
        if others > 0 { parts.append("\(others) other errors") }
        return parts.joined(separator: "; ")
    }
}
