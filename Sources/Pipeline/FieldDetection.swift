import Bytes
import LogModel

/// The fields of a line, found without knowing its format: JSON first, then logfmt.
package enum FieldDetection {
    /// Where each label of a JSON object comes from, by the label.
    package typealias Paths = [String: [String]]

    /// Names as the parser stages would give them to a row of the stream. The parser is nil when
    /// the line has no format that is known.
    package static func fields(
        of line: [UInt8], stream: Labels
    ) -> (parser: String?, fields: [Label]) {
        line.withUnsafeBytes { bytes in
            var labels = RowLabels(stream: stream, metadata: .empty)
            JSONStage().run(bytes, &labels, .everything)
            if labels.error == nil { return ("json", labels.parsed.filter { !$0.value.isEmpty }) }
            labels = RowLabels(stream: stream, metadata: .empty)
            guard let stage = try? LogfmtStage(strict: false, keepEmpty: false, fields: []) else {
                return (nil, [])
            }
            stage.run(bytes, &labels, .everything)
            return ("logfmt", labels.parsed.filter { !$0.value.isEmpty })
        }
    }

    /// The keys that lead to each value of a JSON object.
    package static func paths(of line: [UInt8]) -> Paths {
        line.withUnsafeBytes { bytes in
            var paths: Paths = [:]
            var reader = JSONReader(bytes, maxNesting: Limits.maxNesting)
            var open: [String] = []
            var key = ""
            var depth = 0
            while let token = try? reader.next(), token != .end {
                switch token {
                case .key(let range, _): key = JSONText.string(reader, range)
                case .objectStart:
                    if depth > 0 { open.append(key) }
                    depth += 1
                case .objectEnd:
                    depth -= 1
                    if depth > 0 { open.removeLast() }
                case .arrayStart: try? JSONStage.skipArray(&reader)
                case .string, .number, .true, .false:
                    let path = open + [key]
                    let name = path.map { sanitized($0.trimmingBlanks) }.joined(separator: "_")
                    if paths[name] == nil { paths[name] = path }
                case .null, .arrayEnd, .end: break
                }
            }
            return paths
        }
    }
}
