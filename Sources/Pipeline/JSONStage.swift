import Bytes
import LogModel
import LogQL

/// `| json`: flattens an object; keys are joined by `_`, arrays and null are left out.
struct JSONStage {
    static let errorCode = "JSONParserErr"

    func run(
        _ line: UnsafeRawBufferPointer, _ labels: inout RowLabels,
        isDone: (RowLabels) -> Bool
    ) {
        var reader = JSONReader(line, maxNesting: Limits.maxNesting)
        do throws(BytesError) {
            guard try reader.next() == .objectStart else {
                throw .invalid(
                    "Value looks like object, but can't find closing '}' symbol", offset: 0)
            }
            try object(&reader, &labels, isDone)
        } catch {
            labels.fail(Self.errorCode, "\(error)")
        }
    }

    private func object(
        _ reader: inout JSONReader, _ labels: inout RowLabels, _ isDone: (RowLabels) -> Bool
    ) throws(BytesError) {
        var prefixes: [String] = [""]
        var key = ""
        while true {
            switch try reader.next() {
            case .key(let range, _): key = JSONText.string(reader, range)
            case .objectStart:
                prefixes.append(Self.joined(prefixes[prefixes.count - 1], key))
            case .objectEnd:
                prefixes.removeLast()
                if prefixes.isEmpty {
                    guard try reader.next() == .end else { return }
                    return
                }
            case .arrayStart: try Self.skipArray(&reader)
            case .string(let range, _):
                Self.add(&labels, prefixes, key, JSONText.string(reader, range))
            case .number(let range): Self.add(&labels, prefixes, key, JSONText.raw(reader, range))
            case .true: Self.add(&labels, prefixes, key, "true")
            case .false: Self.add(&labels, prefixes, key, "false")
            case .null: break
            case .arrayEnd, .end: return
            }
            if isDone(labels) { return }
        }
    }

    private static func joined(_ prefix: String, _ key: String) -> String {
        let name = sanitized(key.trimmingBlanks)
        return prefix.isEmpty ? name : prefix + "_" + name
    }

    private static func add(
        _ labels: inout RowLabels, _ prefixes: [String], _ key: String, _ value: String
    ) {
        let name = joined(prefixes[prefixes.count - 1], key)
        if !name.isEmpty { labels.extract(name, value) }
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

/// Texts of JSON tokens as label values.
enum JSONText {
    /// Unescaped; bytes that are no text become blanks, as in Loki.
    static func string(_ reader: JSONReader, _ range: Range<Int>) -> String {
        var out: [UInt8] = []
        guard (try? reader.unescape(range, into: &out)) != nil else { return "" }
        let text = String(decoding: out, as: UTF8.self)
        return text.contains("\u{FFFD}")
            ? String(
                String.UnicodeScalarView(text.unicodeScalars.map { $0 == "\u{FFFD}" ? " " : $0 }))
            : text
    }

    static func raw(_ reader: JSONReader, _ range: Range<Int>) -> String {
        var out: [UInt8] = []
        // A number holds no escapes, so this copies it.
        guard (try? reader.unescape(range, into: &out)) != nil else { return "" }
        return String(decoding: out, as: UTF8.self)
    }
}

extension String {
    var trimmingBlanks: String {
        guard first?.isWhitespace == true || last?.isWhitespace == true else { return self }
        return String(
            drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed())
    }
}
