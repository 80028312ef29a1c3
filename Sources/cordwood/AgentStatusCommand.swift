import Agent
import ArgumentParser
import Foundation

/// `cordwood agent status`: what an agent has shipped, has yet to ship, and could not ship.
struct AgentStatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Tell how far an agent is, from its state folder; it need not run.")

    @Option(help: "The agent's configuration file.")
    var config: String?
    @Option(help: "The agent's state folder.")
    var state: String?
    @Flag(help: "Print JSON.")
    var json = false
    @Option(help: "Print so many ranges that were lost or set aside, the latest; 0: all.")
    var ranges = 20

    func run() async throws {
        var found: [(output: String?, status: AgentStatus)] = []
        do {
            guard let folder = try state ?? config.map({ try AgentConfiguration.read($0).state })
            else { throw ValidationError("--state or --config is needed") }
            let folders = AgentConfiguration.stateFolders(folder)
            for (output, folder) in folders {
                found.append((output, try AgentStatus.read(state: folder)))
            }
        } catch let error as AgentError {
            StandardError.say("agent status: \(error)")
            throw ExitCode.error
        }
        guard json else {
            for (output, status) in found {
                if let output { print("output \(TerminalText.safe(output)):") }
                print(text(status))
            }
            return
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        // Several outputs: an object with one for each.
        let names = found.map { $0.output ?? "" }
        let content =
            found.count == 1
            ? try encoder.encode(found[0].status)
            : try encoder.encode(Dictionary(zip(names, found.map(\.status))) { $1 })
        print(String(decoding: content, as: UTF8.self))
    }

    private func text(_ status: AgentStatus) -> String {
        var lines: [String] = []
        let state =
            status.isRunning
            ? "running\(status.pid.map { ", process \($0)" } ?? "")" : "not running"
        lines.append("agent \(state)\(status.server.map { ", server \($0)" } ?? "")")
        if let at = status.at { lines.append("last change \(Self.time(at))") }
        if let error = status.lastError { lines.append("last error: \(error)") }
        if let count = status.unwatchedFolders, count > 0 {
            lines.append("\(count) folders cannot be watched and are swept instead")
        }
        for path in status.unnameable ?? [] {
            lines.append(
                "not followed, as its name is no UTF-8 (rename it): \(TerminalText.safe(path))")
        }
        for (path, reason) in (status.unreadable ?? [:]).sorted(by: { $0.key < $1.key }) {
            lines.append("may not be read: \(TerminalText.safe(path)): \(reason)")
        }
        lines.append("")
        lines.append("lag: lines  bytes  seconds   bytes/s  file")
        for file in status.files {
            let numbers = [
                "\(file.lagLines)", "\(file.lagBytes)", "\(Int(file.lagSeconds))",
                "\(Int(file.bytesPerSecond))",
            ]
            let widths = [10, 6, 8, 9]
            let columns = zip(numbers, widths).map { Self.right($0, $1) }.joined(separator: " ")
            var line = "\(columns)  \(TerminalText.safe(file.path))"
            if file.isMoved { line += " (not under this name any more)" }
            if let expected = file.deletionExpected, file.lagBytes > 0 {
                line += " (deleted about \(Self.time(expected)))"
            }
            if let error = file.lastError { line += ": \(TerminalText.safe(error))" }
            lines.append(line)
        }
        lines.append("")
        for (fate, sum) in status.totals.sorted(by: { $0.key > $1.key }) {
            let isOpen = status.notShipped.contains { $0.what.rawValue == fate && $0.to == nil }
            let unknown = isOpen ? " that are known; how far some went nobody saw" : ""
            lines.append("\(fate): \(sum.ranges) ranges, \(sum.bytes) bytes\(unknown)")
        }
        for (why, count) in status.dropped.sorted(by: { $0.key < $1.key }) {
            lines.append("dropped \(count) entries lately: \(TerminalText.safe(why))")
        }
        let shown = ranges > 0 ? status.notShipped.suffix(ranges) : status.notShipped[...]
        for range in shown {
            let end = range.to.map { "\($0)" } ?? "its end"
            lines.append(
                "\(range.what.rawValue) \(Self.time(Double(range.at))) \(TerminalText.safe(range.file)) "
                    + "from byte \(range.from) to \(end)"
                    + (range.why.map { ": \(TerminalText.safe($0))" } ?? ""))
        }
        return lines.joined(separator: "\n")
    }

    private static func right(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }

    private static func time(_ seconds: Double) -> String {
        Date(timeIntervalSince1970: seconds).formatted(.iso8601)
    }
}
