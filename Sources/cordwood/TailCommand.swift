import ArgumentParser
import Foundation
import LogModel
import LogQL
import Wire

/// `cordwood tail`: prints entries as they arrive, by asking again and again.
struct TailCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tail", abstract: "Print entries as they arrive.")

    @Argument(help: "A LogQL log query.")
    var query: String
    @OptionGroup var connection: Connection
    @Option(help: "How far back to begin.")
    var since = "10s"
    @Option(name: .shortAndLong, help: "How to print entries: default, raw or jsonl.")
    var output = OutputFormat.default

    private static let every: Duration = .milliseconds(500)
    private static let pageEntries = 1000
    /// Entries that arrive late by no more than this are still printed, in nanoseconds.
    private static let lateNanoseconds = 10 * Nanoseconds.second

    func run() async throws {
        try await reporting {
            do {
                guard case .log = try LogQLParser.parse(query) else {
                    throw Failure("tail follows log queries; this is a metric query")
                }
            } catch let error as SyntaxError { throw Failure(error.report(in: query)) }
            guard let back = DurationText.parse(since), back >= 0 else {
                throw Failure("--since \(since): expected a duration such as 10s or 5m")
            }
            try await follow(from: TimeRange.now - back)
        }
    }

    /// An entry that was printed, to be known again.
    private struct Seen: Hashable {
        var timestamp: Int64
        var labels: Labels
        var line: [UInt8]
    }

    private func follow(from begin: Int64) async throws {
        let session = HTTPSession()
        let printer = EntryPrinter(output)
        var seen: [Seen: Int] = [:]
        var isDown = false
        while true {
            let end = TimeRange.now + Self.lateNanoseconds
            var start = max(begin, TimeRange.now - Self.lateNanoseconds)
            if let oldest = seen.keys.map(\.timestamp).max(), oldest < start {
                start = max(begin, oldest)
            }
            do {
                let page = try await page(session, start, end)
                if isDown {
                    FileHandle.standardError.write(Data("cordwood: connected again\n".utf8))
                }
                isDown = false
                var counts: [Seen: Int] = [:]
                for entry in page {
                    let key = Seen(
                        timestamp: entry.timestamp, labels: entry.labels, line: entry.line)
                    counts[key, default: 0] += 1
                    if counts[key, default: 0] > seen[key, default: 0] { printer.print(entry) }
                }
                seen = seen.filter { $0.key.timestamp >= start }.merging(counts) { max($0, $1) }
            } catch let failure as Failure {
                if !isDown {
                    let text = TerminalText.safe(failure.description, keepingNewlines: true)
                    FileHandle.standardError.write(Data("cordwood: \(text)\n".utf8))
                }
                isDown = true
            }
            try await Task.sleep(for: Self.every)
        }
    }

    /// Everything of a time, page by page.
    private func page(_ session: HTTPSession, _ from: Int64, _ end: Int64) async throws
        -> [PrintedEntry]
    {
        var all: [PrintedEntry] = []
        var start = from
        while true {
            let data = try await connection.ask(
                session, "/loki/api/v1/query_range",
                [
                    ("query", query), ("start", "\(start)"), ("end", "\(end)"),
                    ("limit", "\(Self.pageEntries)"), ("direction", "forward"),
                ])
            let page = try ResponseText.entries(data, forward: true)
            // The last timestamp of a full page is asked for again as a whole.
            guard page.count == Self.pageEntries, let last = page.last?.timestamp, last > start
            else {
                return all + page
            }
            all += page.filter { $0.timestamp < last }
            start = last
        }
    }
}
