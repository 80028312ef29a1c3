import ArgumentParser
import Foundation
import LogModel
import LogQL
import Query
import Wire

/// `cordwood query`: asks a server, or plain files.
struct QueryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "query", abstract: "Ask a LogQL query of a server, or of plain files.",
        discussion: "Exit codes: 0 something was found, 1 nothing, 2 an error.")

    @Argument(help: "The LogQL query.")
    var query: String
    @OptionGroup var connection: Connection
    @OptionGroup var range: TimeRange
    @Option(help: "Entries to print; 0 = all, fetched page by page.")
    var limit = 100
    @Flag(help: "Oldest first.")
    var forward = false
    @Flag(help: "Ask a metric query for one moment (--to, or now) instead of a range.")
    var instant = false
    @Option(help: "Step of a metric query, such as 30s.")
    var step: String?
    @Option(name: .shortAndLong, help: "How to print entries: default, raw or jsonl.")
    var output = OutputFormat.default
    @Option(help: "Read these files instead of asking a server; plain or .gz, patterns in quotes.")
    var file: [String] = []

    /// Entries of one page: what servers allow by default.
    private static let pageEntries = 1000

    func run() async throws {
        try await reporting {
            guard limit >= 0 else {
                throw Failure("--limit \(limit): 0 for all, or a number of entries")
            }
            let found = file.isEmpty ? try await askServer() : try askFiles()
            if !found { throw ExitCode(1) }
        }
    }

    private func tree(_ text: String) throws -> QueryTree {
        do { return try LogQLParser.parse(text) } catch { throw Failure(error.report(in: text)) }
    }

    // A server.

    private func askServer() async throws -> Bool {
        let tree = try tree(query)
        let session = HTTPSession()
        let progress = Progress()
        defer { progress.end() }
        let found: Bool
        do {
            switch tree {
            case .log: found = try await printPages(session, progress)
            case .metric: found = try await printMetric(session)
            }
        } catch {
            await session.close()
            throw error
        }
        await session.close()
        return found
    }

    private func printPages(_ session: HTTPSession, _ progress: Progress) async throws -> Bool {
        var (start, end) = try range.bounds(now: TimeRange.now)
        let printer = EntryPrinter(output)
        var printed = 0
        /// Entries at the edge of the last page, which the next page holds again.
        var edge: [Int64: Int] = [:]
        while limit == 0 || printed < limit {
            let overlap = edge.values.reduce(0, +)
            let wanted =
                limit == 0 ? Self.pageEntries : min(Self.pageEntries, limit - printed + overlap)
            let data = try await connection.ask(
                session, "/loki/api/v1/query_range",
                [
                    ("query", query), ("start", "\(start)"), ("end", "\(end)"),
                    ("limit", "\(wanted)"),
                    ("direction", forward ? "forward" : "backward"),
                ])
            let page = try ResponseText.entries(data, forward: forward)
            var skipped: [Int64: Int] = [:]
            var fresh = 0
            for entry in page {
                if skipped[entry.timestamp, default: 0] < edge[entry.timestamp, default: 0] {
                    skipped[entry.timestamp, default: 0] += 1
                    continue
                }
                guard limit == 0 || printed < limit else { break }
                printer.print(entry)
                printed += 1
                fresh += 1
            }
            progress.update("\(printed) entries")
            guard page.count >= wanted, let last = page.last?.timestamp else { break }
            guard fresh > 0 else {
                throw Failure("more than \(wanted) entries share one timestamp: narrow the query")
            }
            edge = [last: page.filter { $0.timestamp == last }.count]
            if forward { start = last } else { end = last + 1 }
        }
        return printed > 0
    }

    private func printMetric(_ session: HTTPSession) async throws -> Bool {
        let (start, end) = try range.bounds(now: TimeRange.now)
        var parameters = [("query", query)]
        if instant {
            parameters.append(("time", "\(end)"))
        } else {
            parameters += [("start", "\(start)"), ("end", "\(end)")]
            if let step { parameters.append(("step", step)) }
        }
        let path = instant ? "/loki/api/v1/query" : "/loki/api/v1/query_range"
        let data = try await connection.ask(session, path, parameters)
        return SeriesPrinter(output).print(try ResponseText.series(data))
    }

    // Files.

    private func askFiles() throws -> Bool {
        let text =
            query.hasPrefix("|") || query.hasPrefix("!") ? "{filename=~\".+\"} " + query : query
        _ = try tree(text)
        let source = try FileSource(patterns: file)
        var bounds = try range.isGiven ? range.bounds(now: TimeRange.now) : source.bounds()
        var isMetric = false
        if case .metric = try tree(text) { isMetric = true }
        if isMetric, !instant, !range.isGiven { bounds.end -= 1 }
        var request = QueryRequest(
            tenant: "", text: text, start: Timestamp(nanoseconds: bounds.start),
            end: Timestamp(nanoseconds: bounds.end), limit: limit,
            direction: forward ? .forward : .backward, isInstant: instant)
        request.stepNanoseconds = try stepNanoseconds(bounds)
        var limits = Limits()
        limits.queryTimeoutSeconds = 24 * 3600
        let answer: (value: QueryValue, stats: QueryStats)
        do { answer = try QueryEngine(source: source, limits: limits).run(request) } catch {
            throw Failure(error.message)
        }
        switch answer.value {
        case .streams(let rows):
            let printer = EntryPrinter(output)
            for row in rows {
                printer.print(
                    PrintedEntry(
                        timestamp: row.timestamp, labels: row.labels.merged, line: row.line))
            }
            return !rows.isEmpty
        case .matrix(let series), .vector(let series): return SeriesPrinter(output).print(series)
        case .scalar(let point):
            return SeriesPrinter(output).print([Series(labels: .empty, points: [point])])
        }
    }

    private func stepNanoseconds(_ bounds: (start: Int64, end: Int64)) throws -> Int64 {
        guard let step else {
            return max(
                Nanoseconds.second,
                (bounds.end - bounds.start) / 250 / Nanoseconds.second * Nanoseconds.second)
        }
        guard let span = DurationText.parse(step), span > 0 else {
            throw Failure("--step \(step): expected a duration such as 30s")
        }
        return span
    }
}
