/// Why a query is no LogQL. The message has Loki's words; `report` adds the place for people.
package struct SyntaxError: Error, Equatable, Sendable {
    package let message: String
    /// Nil when the whole query is meant.
    package let position: SourcePosition?
    /// How many characters the caret underlines.
    package let length: Int

    package init(_ message: String, at position: SourcePosition? = nil, length: Int = 1) {
        self.message = message
        self.position = position
        self.length = max(1, length)
    }

    /// An error of meaning: Loki gives no place for these in its text.
    static func semantic(_ text: String, at position: SourcePosition?) -> SyntaxError {
        SyntaxError("parse error : " + text, at: position)
    }

    static func syntax(_ text: String, at position: SourcePosition, length: Int = 1) -> SyntaxError
    {
        SyntaxError(
            "parse error at line \(position.line), col \(position.column): \(text)", at: position,
            length: length)
    }

    /// The message, the line it speaks of, and a caret under the place.
    package func report(in query: String) -> String {
        guard let position else { return message }
        let lines = query.split(separator: "\n", omittingEmptySubsequences: false)
        guard position.line <= lines.count else { return message }
        let line = lines[position.line - 1]
        let indent = line.prefix(position.column - 1).map { $0 == "\t" ? "\t" : " " }.joined()
        let room = max(1, line.count - position.column + 1)
        return
            "\(message)\n  \(line)\n  \(indent)\(String(repeating: "^", count: min(length, room)))"
    }
}
