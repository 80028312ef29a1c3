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
            while let row = try rows.next() {
                let text: String = row[1]
                let labels =
                    try labelSets[text]
                    ?? labelSets.keep(Self.labels(text, of: row[0], tenant, db), text)
                take(labels, row[2])
            }
            return found
        }
    }

    /// The label set of a stream. Where its text does not tell it, as of names with quotation marks that were
    /// taken once, all postings of the tenant are looked through.
    static func labels(
        _ text: String, of stream: Int64, _ tenant: String, _ db: Database
    ) throws -> Labels {
        if let labels = Labels(description: text) { return labels }
        let pairs = try db.cachedStatement(
            sql: "SELECT name, value FROM postings WHERE tenant = ? AND stream = ?")
        return Labels(
            sorted: try Row.fetchAll(pairs, arguments: [tenant, stream])
                .map { Label($0[0], $0[1]) }.sorted())
    }
}
