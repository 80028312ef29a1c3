import Bytes
import LogModel
import LogQL

/// `| json`: flattens an object; keys are joined by `_`, null is left out, and so are arrays unless
/// they are asked for.
struct JSONStage {
    static let errorCode = "JSONParserErr"

    /// Keeps arrays as raw text under their key.
    var keepsArrays = false

    func run(_ line: UnsafeRawBufferPointer, _ labels: inout RowLabels, _ demand: ParserDemand) {
        var reader = JSONReader(line, maxNesting: Limits.maxNesting)
        do throws(BytesError) {
            guard try reader.next() == .objectStart else {
                throw .invalid(
                    "Value looks like object, but can't find closing '}' symbol", offset: 0)
            }
            try object(line, &reader, &labels, demand)
        } catch {
            labels.fail(Self.errorCode, "\(error)")
        }
    }

    private func object(
        _ line: UnsafeRawBufferPointer, _ reader: inout JSONReader, _ labels: inout RowLabels,
        _ demand: ParserDemand
    ) throws(BytesError) {
        var path = KeyPath()
        var depth = 1
        while true {
            var value: String?
            let token = try reader.next()
            switch token {
            case .key(let range, let escaped): path.key = (range, escaped)
            case .objectStart:
                path.enter(line, reader)
                depth += 1
            case .objectEnd:
                path.leave()
                depth -= 1
                if depth == 0 {
                    _ = try reader.next()
                    return
                }
            case .arrayStart:
                let start = reader.offset - 1
                try Self.skipArray(&reader)
                guard keepsArrays, let name = path.label(line, reader, demand) else { continue }
                value = String(decoding: line[start..<reader.offset], as: UTF8.self)
                labels.extract(name, value ?? "")
            case .string, .number, .true, .false:
                guard let name = path.label(line, reader, demand) else { continue }
                labels.extract(name, JSONText.value(token, line, reader))
                value = name
            case .null: break
            case .arrayEnd, .end: return
            }
            if value != nil, demand.isMet(by: labels) { return }
        }
    }

    static func skipArray(_ reader: inout JSONReader) throws(BytesError) {
        var depth = 1
        while depth > 0 {
            switch try reader.next() {
            case .arrayStart, .objectStart: depth += 1
            case .arrayEnd, .objectEnd: depth -= 1
            default: break
            }
        }
    }
}

/// The keys that lead to a value, as one label name in bytes.
private struct KeyPath {
    private var bytes: [UInt8] = []
    /// Where the name of each open object begins.
    private var marks: [Int] = []
    /// The last key, not yet part of the name.
    var key: (range: Range<Int>, escaped: Bool) = (0..<0, false)

    mutating func enter(_ line: UnsafeRawBufferPointer, _ reader: JSONReader) {
        marks.append(bytes.count)
        append(line, reader)
    }

    mutating func leave() { bytes.removeLast(bytes.count - (marks.popLast() ?? bytes.count)) }

    private mutating func append(_ line: UnsafeRawBufferPointer, _ reader: JSONReader) {
        if !bytes.isEmpty { bytes.append(UInt8(ascii: "_")) }
        let text = UnsafeRawBufferPointer(rebasing: line[key.range])
        if !key.escaped, isPlainName(text) {
            bytes += text
        } else {
            bytes += sanitized(JSONText.string(reader, key.range).trimmingBlanks).utf8
        }
    }

    /// The label for the last key, if anybody wants it.
    mutating func label(
        _ line: UnsafeRawBufferPointer, _ reader: JSONReader, _ demand: ParserDemand
    ) -> String? {
        let mark = bytes.count
        append(line, reader)
        defer { bytes.removeLast(bytes.count - mark) }
        return bytes.isEmpty ? nil : bytes.withUnsafeBytes { demand.label($0) }
    }
}

/// Texts of JSON tokens as label values.
enum JSONText {
    /// Unescaped; bytes that are no text become blanks, and a faulty escape empties the text, as in
    /// Loki.
    static func string(_ reader: JSONReader, _ range: Range<Int>) -> String {
        var out: [UInt8] = []
        guard (try? reader.unescape(range, into: &out, refusingHalves: true)) != nil else {
            return ""
        }
        return blanked(String(decoding: out, as: UTF8.self))
    }

    /// The text of a string without escapes, or of a number.
    static func plain(_ bytes: UnsafeRawBufferPointer) -> String {
        blanked(String(decoding: bytes, as: UTF8.self))
    }

    private static func blanked(_ text: String) -> String {
        guard text.utf8.contains(0xef), text.unicodeScalars.contains("\u{FFFD}") else {
            return text
        }
        return String(
            String.UnicodeScalarView(text.unicodeScalars.map { $0 == "\u{FFFD}" ? " " : $0 }))
    }

    /// The text of a token that is a plain value.
    static func value(
        _ token: JSONToken, _ line: UnsafeRawBufferPointer, _ reader: JSONReader
    ) -> String {
        switch token {
        case .string(let range, let escaped):
            // Only an escape makes the text differ from its bytes.
            escaped
                ? string(reader, range) : plain(UnsafeRawBufferPointer(rebasing: line[range]))
        case .number(let range): String(decoding: line[range], as: UTF8.self)
        case .true: "true"
        case .false: "false"
        default: ""
        }
    }
}

extension String {
    var trimmingBlanks: String {
        guard first?.isWhitespace == true || last?.isWhitespace == true else { return self }
        return String(
            drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed())
    }
}
