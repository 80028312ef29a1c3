import ArgumentParser
import Foundation
import LogModel

enum OutputFormat: String, ExpressibleByArgument, CaseIterable { case `default`, raw, jsonl }

/// An entry as the commands print it.
package struct PrintedEntry {
    package var timestamp: Int64
    package var labels: Labels
    package var line: [UInt8]

    package init(timestamp: Int64, labels: Labels, line: [UInt8]) {
        self.timestamp = timestamp
        self.labels = labels
        self.line = line
    }
}

/// Writes entries to standard output.
struct EntryPrinter {
    private let format: OutputFormat
    private let isTerminal = isatty(STDOUT_FILENO) == 1
    private let isColoured: Bool

    init(_ format: OutputFormat) {
        self.format = format
        isColoured =
            isatty(STDOUT_FILENO) == 1 && ProcessInfo.processInfo.environment["NO_COLOR"] == nil
    }

    /// `isDim`: an entry that stands beside what was looked for.
    func print(_ entry: PrintedEntry, isDim: Bool = false) {
        var out: [UInt8] = []
        switch format {
        case .raw where !isTerminal: out = entry.line
        case .raw: out = Array(TerminalText.safe(text(entry), keepingNewlines: true).utf8)
        case .jsonl: out = document(entry)
        case .default:
            let line = TerminalText.safe(text(entry), keepingNewlines: true)
            let labels = TerminalText.safe(entry.labels.description)
            let time = CivilTime(entry.timestamp).rfc3339
            let colour = isColoured ? isDim ? "2" : Self.colour(entry) : nil
            out = Array(
                (colour.map { "\u{1b}[2m\(time) \(labels)\u{1b}[0m \u{1b}[\($0)m\(line)\u{1b}[0m" }
                    ?? "\(time) \(labels) \(line)").utf8)
        }
        out.append(0x0a)
        Self.write(out)
    }

    private func text(_ entry: PrintedEntry) -> String {
        String(decoding: entry.line, as: UTF8.self)
    }

    private func document(_ entry: PrintedEntry) -> [UInt8] {
        let labels = Dictionary(entry.labels.pairs.map { ($0.name, $0.value) }) { $1 }
        let document: [String: Any] = [
            "labels": labels, "line": text(entry), "timestamp": CivilTime(entry.timestamp).rfc3339,
        ]
        let options: JSONSerialization.WritingOptions = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? JSONSerialization.data(withJSONObject: document, options: options)
        else { return [] }
        return Array(TerminalText.safe(json: String(decoding: data, as: UTF8.self)).utf8)
    }

    /// SGR number of a level; the default colour for entries that tell none.
    private static func colour(_ entry: PrintedEntry) -> String {
        switch (entry.labels["level"] ?? entry.labels[detectedLevelName] ?? "").lowercased() {
        case "error", "fatal", "critical": "31"
        case "warn", "warning": "33"
        case "debug", "trace": "36"
        default: "0"
        }
    }

    /// Writes all of it, or ends the program quietly when the reader has gone.
    static func write(_ bytes: [UInt8]) {
        var offset = 0
        while offset < bytes.count {
            let count = bytes.withUnsafeBytes {
                Foundation.write(
                    STDOUT_FILENO, $0.baseAddress.map { $0 + offset }, bytes.count - offset)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { Foundation.exit(0) }
            offset += count
        }
    }
}
