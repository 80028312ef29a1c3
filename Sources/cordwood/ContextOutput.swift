import ArgumentParser
import Foundation
import LogModel
import Query
import Wire

/// `-A`, `-B` and `-C`, as grep has them.
struct ContextOptions: ParsableArguments {
    @Option(name: .customShort("A"), help: "Entries of the same stream to print after each match.")
    var after: Int?
    @Option(name: .customShort("B"), help: "Entries of the same stream to print before each match.")
    var before: Int?
    @Option(name: .customShort("C"), help: "Entries to print on both sides of each match.")
    var context: Int?

    /// Errors: a `Failure` for a negative number.
    func wanted() throws -> QueryRequest.Context {
        for (name, value) in [("A", after), ("B", before), ("C", context)] {
            if let value, value < 0 { throw Failure("-\(name) \(value): a number of entries") }
        }
        return QueryRequest.Context(
            before: before ?? context ?? 0, after: after ?? context ?? 0)
    }
}

/// Prints groups of entries with a line between them.
struct ContextPrinter {
    private let printer: EntryPrinter
    private let isLabelled: Bool
    private var group: String?

    init(_ output: OutputFormat) {
        printer = EntryPrinter(output)
        // Documents keep what tells matches and groups; people see it.
        isLabelled = output == .jsonl
    }

    /// Entries in the order of their groups.
    mutating func print(_ entry: PrintedEntry) {
        let name = entry.labels[QueryRequest.Context.groupLabel]
        guard let name, !isLabelled else {
            printer.print(entry)
            return
        }
        if let group, group != name { EntryPrinter.write(Array("--\n".utf8)) }
        group = name
        var entry = entry
        let isMatch = entry.labels[QueryRequest.Context.matchLabel] != nil
        entry.labels = Labels(
            entry.labels.pairs.filter {
                $0.name != QueryRequest.Context.groupLabel
                    && $0.name != QueryRequest.Context.matchLabel
            })
        printer.print(entry, isDim: !isMatch)
    }

    /// Entries of an answer by group; within one in the order of the query, as they come.
    static func grouped(_ entries: [PrintedEntry]) -> [PrintedEntry] {
        func number(_ entry: PrintedEntry) -> Int {
            entry.labels[QueryRequest.Context.groupLabel].flatMap { Int($0) } ?? 0
        }
        let order = entries.indices.sorted { a, b in
            let (x, y) = (number(entries[a]), number(entries[b]))
            return x == y ? a < b : x < y
        }
        return order.map { entries[$0] }
    }
}

extension Connection {
    /// The entries around the matches of a query, `limit` matches at most.
    ///
    /// Contexts cannot be cut into pages, so this is one question: a server allows a few thousand
    /// matches.
    func entries(
        _ session: HTTPSession, _ request: QueryRequest
    ) async throws -> [PrintedEntry] {
        let isForward = request.direction == .forward
        let data = try await ask(
            session, "/loki/api/v1/query_range",
            [
                ("query", request.text), ("start", "\(request.start.nanoseconds)"),
                ("end", "\(request.end.nanoseconds)"), ("limit", "\(request.limit)"),
                ("direction", isForward ? "forward" : "backward"),
                ("context_before", "\(request.context.before)"),
                ("context_after", "\(request.context.after)"),
            ])
        return ContextPrinter.grouped(try ResponseText.entries(data, forward: isForward))
    }
}
