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
        return rows.map { row in
            var row = row
            var source = row.labels[replace.source] ?? ""
            let value = source.withUTF8 { bytes -> String? in
                let text = UnsafeRawBufferPointer(bytes)
                guard let captures = regexp.captures(in: text) else { return nil }
                let expanded = regexp.expanded(Array(replace.replacement.utf8), captures, text)
                return String(decoding: expanded, as: UTF8.self)
            }
            if let value {
                let others = row.labels.pairs.filter { $0.name != replace.destination }
                row.labels = Labels(others + [Label(replace.destination, value)])
            }
            return row
        }
    }
}
