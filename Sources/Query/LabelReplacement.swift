import LogModel
import LogQL
import Regexp

/// `label_replace`: sets a label from a match of another one's whole value.
enum LabelReplacement {
    static func run(_ replace: LabelReplace, _ rows: [SeriesRow]) throws(QueryError) -> [SeriesRow]
    {
        let regexp: Regexp
        do { regexp = try Regexp("^(?:\(replace.pattern))$") } catch {
            throw QueryError(
                .invalid, "parse error : invalid regex in label_replace: \(error.reason)")
        }
        let replacement = Array(replace.replacement.utf8)
        var out: [SeriesRow] = []
        for var row in rows {
            var source = row.labels[replace.source] ?? ""
            let value = source.withUTF8 { bytes -> [UInt8]? in
                let text = UnsafeRawBufferPointer(bytes)
                guard let captures = regexp.captures(in: text) else { return nil }
                return regexp.expanded(replacement, captures, text, limit: maxValueBytes)
            }
            if let value {
                guard value.count <= maxValueBytes else {
                    throw QueryError(
                        .invalid,
                        "label_replace makes a label of more than \(maxValueBytes) bytes")
                }
                let others = row.labels.pairs.filter { $0.name != replace.destination }
                let label = Label(replace.destination, String(decoding: value, as: UTF8.self))
                row.labels = Labels(others + [label])
            }
            out.append(row)
        }
        return out
    }

    /// A group may be named thousands of times in a replacement; a label is for people to read.
    private static let maxValueBytes = 64 * 1024
}
