import LogModel
import Query

/// Prints how an answer was found, as an indented tree.
package enum ExplanationPrinter {
    static func print(_ explanation: QueryExplanation) {
        EntryPrinter.write(Array(text(explanation).utf8))
    }

    /// Ends with a newline; holds nothing that a terminal obeys.
    package static func text(_ explanation: QueryExplanation) -> String {
        var lines = explanation.scans.flatMap(lines)
        if explanation.scansLeftOut > 0 {
            lines.append("and \(FigureText.count(explanation.scansLeftOut, "scan")) more")
        }
        if lines.isEmpty { lines = ["nothing was asked of the source"] }
        return lines.map { FigureText.safe($0) + "\n" }.joined()
    }

    private static func lines(_ scan: ScanReport) -> [String] {
        var lines = [
            "scan \(scan.selector)", "  wanted: \(scan.projection)",
            "  looked for: \(scan.condition)",
        ]
        if let remark = scan.remark {
            lines += [
                "  \(remark)",
                "  text read: \(FigureText.count(scan.bytes, "byte")) in "
                    + "\(FigureText.count(scan.pages, "piece"))",
                "  entries loaded, with their lines or without: \(FigureText.grouped(scan.rows))",
            ]
            return lines
        }
        lines.append("  segments")
        lines += counts([
            ("outside of the time", scan.segments.outsideTime),
            ("without a stream asked for", scan.segments.withoutStream),
            ("without a template that may hold the text (index)", scan.segments.withoutTemplate),
            ("not needed: the answer was whole before", scan.segments.notNeeded),
            ("answered from roll-ups", scan.segments.fromRollups),
            ("read", scan.segments.read),
        ])
        lines.append("  chunks")
        lines += counts([
            ("skipped by the index of templates", scan.chunks.skippedByIndex),
            ("known from a query before", scan.chunks.known),
            ("skipped by their templates", scan.chunks.skippedByTemplates),
            ("skipped by their filter of ids", scan.chunks.skippedByFilter),
            ("answered from templates alone", scan.chunks.fromTemplates),
            ("searched in columns", scan.chunks.searched),
            ("read without a search", scan.chunks.unsearched),
            ("lines as text (RAW), read", scan.chunks.text),
        ])
        lines += [
            "  entries loaded, with their lines or without: \(FigureText.grouped(scan.rows))",
            "  lines put together: \(FigureText.grouped(scan.lines))",
            "  read from files: \(FigureText.count(scan.pages, "page")), "
                + FigureText.count(scan.bytes, "byte"),
        ]
        return lines + columns(scan)
    }

    private static func counts(_ list: [(what: String, count: Int)]) -> [String] {
        let told = list.filter { $0.count > 0 }
        guard !told.isEmpty else { return ["    none"] }
        return told.map { "    \($0.what): \(FigureText.grouped($0.count))" }
    }

    private static func columns(_ scan: ScanReport) -> [String] {
        guard !scan.columns.isEmpty else { return [] }
        var lines = ["  columns looked at, in memory or in files"]
        for column in scan.columns {
            lines.append(
                "    \"\(column.context)\": \(FigureText.count(column.pages, "page")), "
                    + FigureText.count(column.bytes, "byte"))
        }
        if scan.columnsLeftOut > 0 {
            lines.append("    and \(FigureText.count(scan.columnsLeftOut, "column")) more")
        }
        return lines
    }
}
