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
                return expand(replace.replacement, captures, regexp.groupNames, text)
            }
            if let value {
                let others = row.labels.pairs.filter { $0.name != replace.destination }
                row.labels = Labels(others + [Label(replace.destination, value)])
            }
            return row
        }
    }

    /// `$1`, `${1}`, `${name}` and `$$`, as Go's `Regexp.Expand` has them.
    private static func expand(
        _ template: String, _ captures: [Range<Int>?], _ names: [String?],
        _ text: UnsafeRawBufferPointer
    ) -> String {
        var out = ""
        var rest = Substring(template)
        while let dollar = rest.firstIndex(of: "$") {
            out += rest[..<dollar]
            rest = rest[rest.index(after: dollar)...]
            if rest.first == "$" {
                out += "$"
                rest = rest.dropFirst()
                continue
            }
            let braced = rest.first == "{"
            if braced { rest = rest.dropFirst() }
            let name = rest.prefix { $0 == "_" || $0.isLetter || $0.isNumber }
            rest = rest.dropFirst(name.count)
            if braced, rest.first == "}" { rest = rest.dropFirst() }
            let group = Int(name) ?? names.firstIndex(of: String(name))
            if let group, group >= 0, group < captures.count, let range = captures[group] {
                out += String(decoding: text[range], as: UTF8.self)
            }
        }
        return out + rest
    }
}
