import ArgumentParser
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
    /// What was printed within it is remembered.
    private static let longestLate = 30 * Nanoseconds.day
    @Option(help: "How late an entry may arrive and still be printed.")
    var late = "5m"
    @Option(name: .shortAndLong, help: "How to print entries: default, raw or jsonl.")
    var output = OutputFormat.default

    /// Between two questions: often enough to look like following.
    private static let every: Duration = .milliseconds(500)

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
            guard let late = DurationText.parse(late), (0...Self.longestLate).contains(late) else {
                throw Failure("--late \(late): expected a duration such as 30s or 5m, 30d at most")
            }
            try await connection.withSession { session in
                try await follow(from: TimeRange.now - back, late: late, session)
            }
        }
    }

    private func follow(
        from begin: Int64, late: Int64, _ session: HTTPSession
    ) async throws {
        let printer = EntryPrinter(output)
        var window = TailWindow(begin: begin, late: late, now: TimeRange.now)
        var printed = PrintedEntries()
        var size = EntryPages.Size()
        var isDown = false
        /// The last time about which a warning was given.
        var lastCut = Int64.min
        while true {
            let began = TimeRange.now
            var span = window.next(began)
            span.start = max(span.start, printed.floor)
            do {
                var pages = EntryPages(
                    of: query, from: span.start, to: span.end, forward: true, size: size,
                    cuttingDenseTimes: true, over: (connection, session))
                var oldest: Int64?
                printed.begin()
                while let page = try await pages.next() {
                    if isDown { StandardError.say("connected again") }
                    isDown = false
                    for entry in page where printed.take(entry) {
                        oldest = oldest ?? entry.timestamp
                        printer.print(entry)
                    }
                }
                size = pages.size
                for time in pages.cutTimes where time > lastCut {
                    lastCut = time
                    StandardError.say(
                        "not all entries of the time \(CivilTime(time).rfc3339) are shown: it has "
                            + "many, \(EntryPages.denseReason)")
                }
                let now = TimeRange.now
                window.answered(span, began: began, now: now, oldest: oldest)
                if span.isWhole, printed.forget(before: window.wholeStart(now)) {
                    StandardError.say(
                        "more than \(PrintedEntries.most) entries in --late \(self.late): what "
                            + "comes later than \(CivilTime(printed.floor).rfc3339) is not shown")
                }
            } catch let failure as Failure where failure.mayPass {
                if !isDown { StandardError.say(failure.description) }
                isDown = true
                window.failed(TimeRange.now)
            }
            try await Task.sleep(for: Self.every)
        }
    }
}
