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
        for field in fields where !Array(field.path.utf8).withUnsafeBytes(isPlainName) {
            throw PipelineError("cannot parse expression [\(field.path)]: no key of logfmt")
        }
        self.strict = strict
        self.keepEmpty = keepEmpty
        self.fields = fields
    }

    func run(_ line: UnsafeRawBufferPointer, _ labels: inout RowLabels, _ demand: ParserDemand) {
        if !fields.isEmpty { return pick(line, &labels) }
        var at = 0
        while let pair = Self.next(line, &at) {
            switch pair {
            case .bad(let offset, let what):
                if strict {
                    fail(&labels, offset, what)
                    return
                }
            case .good(let key, let value):
                if value.isEmpty, !keepEmpty { continue }
                guard let name = Self.label(line, key, demand) else { continue }
                // A quoted text is read only when somebody wants it, unless its fault would count.
                if let text = Self.text(line, value) {
                    labels.extract(name, text)
                    if demand.isMet(by: labels) { return }
                } else if strict {
                    fail(&labels, value.range.lowerBound, "invalid quoted value")
                    return
                }
            }
        }
    }

    private func fail(_ labels: inout RowLabels, _ offset: Int, _ what: String) {
        labels.fail("LogfmtParserErr", "logfmt syntax error at pos \(offset) : \(what)")
    }

    /// The form with expressions: each label that is asked for is there afterwards, empty unless a
    /// key of that name, made a name of labels, or the label's own name is in the line. The last wins.
    private func pick(_ line: UnsafeRawBufferPointer, _ labels: inout RowLabels) {
        // A label that the row came with is not emptied by a line without it.
        for field in fields where !labels.hasBase(field.name) { labels.set(field.name, "") }
        var at = 0
        pairs: while let pair = Self.next(line, &at) {
            switch pair {
            case .bad(let offset, let what):
                if strict {
                    fail(&labels, offset, what)
                    break pairs
                }
            case .good(let range, let value):
                let key = Self.label(line, range, .everything) ?? ""
                var wanted = fields.filter { $0.path == key }
                if wanted.isEmpty { wanted = fields.filter { $0.name == key } }
                if wanted.isEmpty { continue }
                if let text = Self.text(line, value) {
                    for field in wanted { labels.pick(field.name, text) }
                } else if strict {
                    fail(&labels, value.range.lowerBound, "invalid quoted value")
                    break pairs
                }
            }
        }
    }

    /// Where a value lies; between quotes it may hold escapes.
    private struct Value {
        var range: Range<Int>
        var isQuoted = false
        var isEmpty: Bool { range.isEmpty }
    }

    private enum Pair {
        case good(Range<Int>, Value)
        case bad(Int, String)
    }

    private static func label(
        _ line: UnsafeRawBufferPointer, _ key: Range<Int>, _ demand: ParserDemand
    ) -> String? {
        let bytes = UnsafeRawBufferPointer(rebasing: line[key])
        if isPlainName(bytes) { return demand.label(bytes) }
        let name = sanitized(String(decoding: bytes, as: UTF8.self))
        return !name.isEmpty && demand.wants(name) ? name : nil
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
        let key = start..<at
        if at < line.count, line[at] == UInt8(ascii: "\"") {
            return skipBad(line, &at, "unexpected '\"'")
        }
        guard at < line.count, line[at] == UInt8(ascii: "=") else {
            return .good(key, Value(range: at..<at))
        }
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
        return .good(key, Value(range: value..<at))
    }

    private static func skipBad(
        _ line: UnsafeRawBufferPointer, _ at: inout Int, _ what: String
    ) -> Pair {
        let place = at + 1
        while at < line.count, line[at] > 0x20 { at += 1 }
        return .bad(place, what)
    }

    private static func quotedValue(
        _ line: UnsafeRawBufferPointer, _ at: inout Int, _ key: Range<Int>
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
        defer { at += 1 }
        return .good(key, Value(range: start..<at, isQuoted: true))
    }

    /// A value without quotes.
    static func text(_ bytes: UnsafeRawBufferPointer) -> String {
        let text = String(decoding: bytes, as: UTF8.self)
        guard text.utf8.contains(0xef), text.contains("\u{FFFD}") else { return text }
        return text.replacing("\u{FFFD}", with: " ")
    }

    /// Nil when the escapes between quotes are wrong.
    private static func text(_ line: UnsafeRawBufferPointer, _ value: Value) -> String? {
        let bytes = line[value.range]
        if value.isQuoted {
            guard bytes.contains(UInt8(ascii: "\\")) else {
                return String(decoding: bytes, as: UTF8.self)
            }
            var out: [UInt8] = []
            let reader = JSONReader(line, maxNesting: 1)
            guard (try? reader.unescape(value.range, into: &out)) != nil else { return nil }
            return String(decoding: out, as: UTF8.self)
        }
        return text(UnsafeRawBufferPointer(rebasing: bytes))
    }
}
