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
        discussion: """
            Exit codes: 0 something was found, 1 nothing, 2 an error. Of several files, those that \
            cannot be read are named and left out; then the code is 2, whatever was found.
            """)

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
    @Flag(help: "Print how the answer was found, instead of the answer.")
    var explain = false
    @OptionGroup(title: "Context") var context: ContextOptions
    @Option(help: "Read these files instead of asking a server; plain or .gz, patterns in quotes.")
    var file: [String] = []

    func run() async throws {
        try await reporting {
            guard limit >= 0 else {
                throw Failure("--limit \(limit): 0 for all, or a number of entries")
            }
            if file.isEmpty { try await askServer() } else { try askFiles() }
        }
    }

    private func tree(_ text: String) throws -> QueryTree {
        do { return try LogQLParser.parse(text) } catch { throw Failure(error.report(in: text)) }
    }

    // A server.

    private func askServer() async throws {
        let tree = try tree(query)
        let progress = Progress()
        defer { progress.end() }
        let found = try await connection.withSession { session in
            switch tree {
            case _ where explain: try await printExplanation(session, tree, progress)
            case .log where try context.wanted().isWanted:
                try await printContext(session, progress)
            case .log: try await printPages(session, progress)
            case .metric: try await printMetric(session, progress)
            }
        }
        if !found { throw ExitCode.nothingFound }
    }

    private func printPages(_ session: HTTPSession, _ progress: Progress) async throws -> Bool {
        let (start, end) = try range.bounds(now: TimeRange.now)
        progress.update("waiting for \(connection.base)")
        let printer = EntryPrinter(output)
        var pages = EntryPages(
            of: query, from: start, to: end, forward: forward, limit: limit,
            over: (connection, session))
        var printed = 0
        while let page = try await pages.next() {
            progress.aside { for entry in page { printer.print(entry) } }
            printed += page.count
            guard let last = page.last else { continue }
            progress.update("\(printed) entries, up to \(CivilTime(last.timestamp).rfc3339)")
        }
        return printed > 0
    }

    private func printContext(_ session: HTTPSession, _ progress: Progress) async throws -> Bool {
        guard limit > 0 else {
            throw Failure("--limit 0 with context: name a number of matches, such as --limit 1000")
        }
        let (start, end) = try range.bounds(now: TimeRange.now)
        progress.update("waiting for \(connection.base)")
        var request = QueryRequest(
            tenant: "", text: query, start: Timestamp(nanoseconds: start),
            end: Timestamp(nanoseconds: end), limit: limit,
            direction: forward ? .forward : .backward)
        request.context = try context.wanted()
        let entries = try await connection.entries(session, request)
        progress.end()
        var printer = ContextPrinter(output)
        for entry in entries { printer.print(entry) }
        return !entries.isEmpty
    }

    /// Asks once, for the plan and not for the answer.
    private func printExplanation(
        _ session: HTTPSession, _ tree: QueryTree, _ progress: Progress
    ) async throws -> Bool {
        progress.update("waiting for \(connection.base)")
        var parameters = try metricParameters()
        if case .log = tree {
            let wanted = try context.wanted()
            parameters += [
                ("limit", "\(limit == 0 ? Self.explainedEntries : limit)"),
                ("direction", forward ? "forward" : "backward"),
                ("context_before", "\(wanted.before)"), ("context_after", "\(wanted.after)"),
            ]
        }
        let data = try await connection.ask(session, path, parameters + [("explain", "true")])
        let explanation = try ResponseText.explanation(data)
        progress.end()
        ExplanationPrinter.print(explanation)
        return true
    }

    /// What `--limit 0` asks for when it is explained.
    private static let explainedEntries = 5000

    private var path: String { instant ? "/loki/api/v1/query" : "/loki/api/v1/query_range" }

    private func metricParameters() throws -> [(String, String)] {
        let (start, end) = try range.bounds(now: TimeRange.now)
        guard !instant else { return [("query", query), ("time", "\(end)")] }
        return [("query", query), ("start", "\(start)"), ("end", "\(end)")]
            + (step.map { [("step", $0)] } ?? [])
    }

    private func printMetric(_ session: HTTPSession, _ progress: Progress) async throws -> Bool {
        progress.update("waiting for \(connection.base)")
        let data = try await connection.ask(session, path, try metricParameters())
        let series = try ResponseText.series(data)
        progress.end()
        return SeriesPrinter(output).print(series)
    }

    // Files.

    private func askFiles() throws {
        let text =
            query.hasPrefix("|") || query.hasPrefix("!") ? "{filename=~\".+\"} " + query : query
        let tree = try tree(text)
        let progress = Progress()
        defer { progress.end() }
        let source = FileSource(patterns: file) { progress.update($0) }
        var isWhole = true
        func warn() {
            for warning in source.takeWarnings() {
                isWhole = false
                StandardError.say(warning)
            }
        }
        progress.aside { warn() }
        let (value, stats) = try answer(text, tree, source)
        progress.end()
        if let explanation = stats.explanation { ExplanationPrinter.print(explanation) }
        let found = explain || print(value)
        warn()
        // What is missing may be what was looked for, so neither "found" nor "nothing" is true.
        guard isWhole else { throw ExitCode.error }
        if !found { throw ExitCode.nothingFound }
    }

    private func answer(
        _ text: String, _ tree: QueryTree, _ source: FileSource
    ) throws -> (value: QueryValue, stats: QueryStats) {
        var bounds = try range.isGiven ? range.bounds(now: TimeRange.now) : source.bounds()
        if case .metric = tree, !instant, !range.isGiven { bounds.end -= 1 }
        var request = QueryRequest(
            tenant: "", text: text, start: Timestamp(nanoseconds: bounds.start),
            end: Timestamp(nanoseconds: bounds.end), limit: limit,
            direction: forward ? .forward : .backward, isInstant: instant)
        request.stepNanoseconds = try stepNanoseconds(bounds)
        request.context = try context.wanted()
        request.explain = explain
        var limits = Limits()
        // The memory is that of whoever asks: there is nobody to protect.
        limits.maxQueryMemory = 64 << 30
        // Whoever waits at a terminal ends it when it takes too long.
        limits.queryTimeoutSeconds = 24 * 3600
        do { return try QueryEngine(source: source, limits: limits).run(request) } catch {
            throw Failure(error.message)
        }
    }

    /// True when there was anything.
    private func print(_ value: QueryValue) -> Bool {
        switch value {
        case .streams(let rows):
            var printer = ContextPrinter(output)
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
