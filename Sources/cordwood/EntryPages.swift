import LogModel
import Wire

/// The entries of a log query over a span of time, page by page: each entry once, in the order of
/// the query.
///
/// A server may cut a page off between entries of one time, and may order those differently on the
/// next page. So the last time of a full page is held back and asked for again as a whole: nothing
/// need be recognised, and whatever arrives in between is not lost.
struct EntryPages {
    /// How many entries one page asks for. It outlives the pages, because what a server said about
    /// its limit stays true.
    struct Size {
        /// Small enough to show something soon, and below what servers allow by default.
        private static let firstEntries = 1000
        /// Where a page stops growing on a server without a limit: some 100 MB of ordinary lines.
        private static let mostEntries = 256_000

        fileprivate private(set) var entries = firstEntries
        private var most = mostEntries

        fileprivate mutating func obey(_ allowed: Int) {
            most = allowed
            entries = min(entries, allowed)
        }

        /// False when it cannot grow any more.
        fileprivate mutating func grow() -> Bool {
            guard entries < most else { return false }
            entries = min(entries * 2, most)
            return true
        }
    }

    private let connection: Connection
    private let session: HTTPSession
    private let query: String
    private let forward: Bool
    private var start: Int64
    private var end: Int64
    /// Entries still wanted.
    private var remaining: Int
    private var isDone = false
    private(set) var size: Size
    private let cutsDenseTimes: Bool
    /// Times of which the server would not give all entries, in the order of the query.
    private(set) var cutTimes: [Int64] = []

    /// `limit` 0: all entries. `end` is exclusive. `cuttingDenseTimes`: where the server gives no more
    /// entries of one time, goes on behind it, instead of ending with an error.
    init(
        of query: String, from start: Int64, to end: Int64, forward: Bool, limit: Int = 0,
        size: Size = Size(), cuttingDenseTimes: Bool = false,
        over link: (connection: Connection, session: HTTPSession)
    ) {
        (self.connection, self.session) = link
        self.query = query
        self.forward = forward
        self.start = start
        self.end = end
        self.size = size
        cutsDenseTimes = cuttingDenseTimes
        remaining = limit == 0 ? .max : limit
    }

    /// The next entries, or nil after the last.
    ///
    /// Errors: a `Failure` of asking, or of a time with more entries than the server gives.
    mutating func next() async throws -> [PrintedEntry]? {
        while !isDone {
            let wanted = min(size.entries, remaining)
            let page: [PrintedEntry]
            do { page = try await ask(wanted) } catch let failure as Failure {
                guard let allowed = Self.allowedEntries(failure), (1..<wanted).contains(allowed)
                else { throw failure }
                size.obey(allowed)
                continue
            }
            guard page.count >= wanted, wanted < remaining, let last = page.last?.timestamp else {
                isDone = true
                return Array(page.prefix(remaining))
            }
            let whole = Array(page.prefix { $0.timestamp != last })
            if !whole.isEmpty {
                remaining -= whole.count
                goOn(at: last)
                return whole
            }
            if size.grow() { continue }
            guard cutsDenseTimes else { throw Self.tooDense(wanted, last) }
            cutTimes.append(last)
            remaining -= page.count
            goOn(behind: last)
            return page
        }
        return nil
    }

    private mutating func goOn(at last: Int64) {
        // At the end of time there is nothing to exclude.
        if forward { start = last } else { end = last == .max ? last : last + 1 }
    }

    private mutating func goOn(behind last: Int64) {
        if forward { start = last == .max ? last : last + 1 } else { end = last }
        isDone = start >= end
    }

    private func ask(_ wanted: Int) async throws -> [PrintedEntry] {
        let data = try await connection.ask(
            session, "/loki/api/v1/query_range",
            [
                ("query", query), ("start", "\(start)"), ("end", "\(end)"), ("limit", "\(wanted)"),
                ("direction", forward ? "forward" : "backward"),
            ])
        return try ResponseText.entries(data, forward: forward)
    }

    /// What a refusal says the server allows. Loki's API tells it in this sentence only:
    /// `… limit > max_entries_limit_per_query (1000 > 500)`.
    private static func allowedEntries(_ failure: Failure) -> Int? {
        guard failure.status == 400,
            let match = failure.description.firstMatch(
                of: /max_entries_limit_per_query \(\d+ > (\d+)\)/)
        else { return nil }
        return Int(match.1)
    }

    private static func tooDense(_ entries: Int, _ time: Int64) -> Failure {
        Failure(
            "\(entries) entries or more share the time \(CivilTime(time).rfc3339), \(denseReason)")
    }

    /// Goes on a sentence about a dense time.
    static let denseReason =
        "and the server gives no more at once: narrow the query, or raise max_entries_limit_per_query"
}
