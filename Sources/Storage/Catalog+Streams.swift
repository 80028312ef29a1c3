import GRDB
import LogModel

// Which streams a selection is about.
extension Catalog {
    /// Streams that every matcher accepts and that hold anything from first to last which is kept; without
    /// a cut all of it is.
    func streams(
        tenant: String, matchers: [Matcher], first: Int64, last: Int64, cut: RetentionCut?
    ) throws(StorageError) -> [Labels] {
        try reading { db in
            // The index narrows by equalities; all other matchers look at whole label sets.
            var condition = "tenant = ? AND last >= ? AND first <= ?"
            var arguments: StatementArguments = [tenant, max(first, cut?.earliest ?? .min), last]
            for matcher in matchers where matcher.op == .equal && !matcher.value.isEmpty {
                condition += """
                     AND id IN (SELECT stream FROM postings WHERE tenant = ? AND name = ? AND value = ?)
                    """
                arguments += [tenant, matcher.name, matcher.value]
            }
            var found: [Labels] = []
            func take(_ labels: Labels, _ end: Int64) {
                guard matchers.accept(labels), end >= cut?.first(of: labels) ?? .min else { return }
                found.append(labels)
            }
            let rows = try Row.fetchCursor(
                db, sql: "SELECT id, labels, last FROM streams WHERE \(condition)",
                arguments: arguments)
            var unknown: [(id: Int64, text: String, end: Int64)] = []
            while let row = try rows.next() {
                let text: String = row[1]
                let end: Int64 = row[2]
                if let labels = labelSets[text] {
                    take(labels, end)
                } else {
                    unknown.append((row[0], text, end))
                }
            }
            let pairs = try db.cachedStatement(
                sql: "SELECT name, value FROM postings WHERE stream = ?")
            for stream in unknown {
                let labels = Labels(
                    sorted: try Row.fetchAll(pairs, arguments: [stream.id])
                        .map { Label($0[0], $0[1]) }.sorted())
                guard !labels.isEmpty else { continue }
                take(labelSets.keep(labels, stream.text), stream.end)
            }
            return found
        }
    }
}
