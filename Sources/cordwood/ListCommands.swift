import ArgumentParser
import Foundation
import LogModel
import Wire

/// `cordwood labels [NAME]`: label names, or the values of one.
struct LabelsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "labels", abstract: "List label names, or the values of one label.")

    @Argument(help: "A label, to list its values.")
    var name: String?
    @OptionGroup var connection: Connection
    @OptionGroup var range: TimeRange

    func run() async throws {
        try await reporting {
            let (start, end) = try range.bounds(now: TimeRange.now)
            let allowed = CharacterSet.urlPathAllowed.subtracting(CharacterSet(charactersIn: "/"))
            let path = name.map {
                "/loki/api/v1/label/\($0.addingPercentEncoding(withAllowedCharacters: allowed) ?? "")/values"
            }
            let data = try await connection.withSession { session in
                try await connection.ask(
                    session, path ?? "/loki/api/v1/labels",
                    [("start", "\(start)"), ("end", "\(end)")])
            }
            let names = data as? [String] ?? []
            for name in names { EntryPrinter.write(Array((TerminalText.safe(name) + "\n").utf8)) }
            if names.isEmpty { throw ExitCode.nothingFound }
        }
    }
}

/// `cordwood series SELECTOR`: the streams that a selector names.
struct SeriesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "series", abstract: "List the streams that a selector names.")

    @Argument(help: "A selector, such as {app=\"shop\"}.")
    var selector: String
    @OptionGroup var connection: Connection
    @OptionGroup var range: TimeRange

    func run() async throws {
        try await reporting {
            let (start, end) = try range.bounds(now: TimeRange.now)
            let data = try await connection.withSession { session in
                try await connection.ask(
                    session, "/loki/api/v1/series",
                    [("match[]", selector), ("start", "\(start)"), ("end", "\(end)")])
            }
            let series = (data as? [[String: String]] ?? []).map { Labels($0).description }
            for text in series.sorted() {
                EntryPrinter.write(Array((TerminalText.safe(text) + "\n").utf8))
            }
            if series.isEmpty { throw ExitCode.nothingFound }
        }
    }
}
