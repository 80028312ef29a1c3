import Bytes
import LogModel
import LogQL

/// `| logfmt`: `key=value key="quoted value"`. Without `--strict` a bad pair is passed over.
struct LogfmtStage {
    let strict: Bool
    let keepEmpty: Bool
    /// Source key and label, for the form with expressions.
    let fields: [FieldExpression]

    init(strict: Bool, keepEmpty: Bool, fields: [FieldExpression]) throws(PipelineError) {
        for field in fields
        where field.path.isEmpty
            || !field.path.unicodeScalars.allSatisfy({
                $0 != "." && $0 != " " && $0 != "="
            })
        {
            throw PipelineError("cannot parse expression [\(field.path)]: no key of logfmt")
        }
        self.strict = strict
        self.keepEmpty = keepEmpty
        self.fields = fields
    }

    func run(
        _ line: UnsafeRawBufferPointer, _ labels: inout RowLabels, isDone: (RowLabels) -> Bool
    ) {
        var found: [String: String] = [:]
        var at = 0
        while let pair = Self.next(line, &at) {
            switch pair {
            case .bad(let offset, let what):
                if strict {
                    labels.fail("LogfmtParserErr", "logfmt syntax error at pos \(offset) : \(what)")
                    at = line.count
                }
            case .good(let key, let value):
                let name = sanitized(key)
                if name.isEmpty { continue }
                if fields.isEmpty {
                    if value.isEmpty, !keepEmpty { continue }
                    labels.extract(name, value)
                    if isDone(labels) { return }
                } else if fields.contains(where: { $0.path == key }) {
                    found[key] = value
                }
            }
        }
        for field in fields {
            // A label that the row has already is not emptied by a line without it.
            if found[field.path] == nil, labels.hasBase(field.name) { continue }
            labels.extract(field.name, found[field.path] ?? "")
        }
    }

    private enum Pair {
        case good(String, String)
        case bad(Int, String)
    }

    /// The next pair, or nil at the end of the line.
    private static func next(_ line: UnsafeRawBufferPointer, _ at: inout Int) -> Pair? {
        while at < line.count, line[at] <= 0x20 { at += 1 }
        guard at < line.count else { return nil }
        let start = at
        while at < line.count, line[at] > 0x20, line[at] != UInt8(ascii: "="),
            line[at] != UInt8(ascii: "\"")
        {
            at += 1
        }
        let key = String(decoding: line[start..<at], as: UTF8.self)
        if at < line.count, line[at] == UInt8(ascii: "\"") {
            return skipBad(line, &at, "unexpected '\"'")
        }
        guard at < line.count, line[at] == UInt8(ascii: "=") else { return .good(key, "") }
        if key.isEmpty { return skipBad(line, &at, "unexpected '='") }
        at += 1
        if at < line.count, line[at] == UInt8(ascii: "\"") { return quotedValue(line, &at, key) }
        let value = at
        while at < line.count, line[at] > 0x20 {
            if line[at] == UInt8(ascii: "=") || line[at] == UInt8(ascii: "\"") {
                return skipBad(line, &at, "unexpected '\(Character(Unicode.Scalar(line[at])))'")
            }
            at += 1
        }
        return .good(key, text(line, value..<at))
    }

    private static func skipBad(
        _ line: UnsafeRawBufferPointer, _ at: inout Int, _ what: String
    ) -> Pair {
        let place = at + 1
        while at < line.count, line[at] > 0x20 { at += 1 }
        return .bad(place, what)
    }

    private static func quotedValue(
        _ line: UnsafeRawBufferPointer, _ at: inout Int, _ key: String
    ) -> Pair {
        let start = at + 1
        at = start
        while at < line.count, line[at] != UInt8(ascii: "\"") {
            at += line[at] == UInt8(ascii: "\\") ? 2 : 1
        }
        guard at < line.count else {
            at = line.count
            return .bad(start, "unterminated quoted value")
        }
        let range = start..<at
        at += 1
        var out: [UInt8] = []
        let reader = JSONReader(line, maxNesting: 1)
        guard (try? reader.unescape(range, into: &out)) != nil else {
            return .bad(start, "invalid quoted value")
        }
        return .good(key, String(decoding: out, as: UTF8.self))
    }

    private static func text(_ line: UnsafeRawBufferPointer, _ range: Range<Int>) -> String {
        let text = String(decoding: line[range], as: UTF8.self)
        return text.contains("\u{FFFD}") ? text.replacing("\u{FFFD}", with: " ") : text
    }
}
