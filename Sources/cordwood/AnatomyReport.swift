import Foundation
import LogModel
import Segment

/// A segment's anatomy as text for a terminal, and as JSON.
package struct AnatomyReport {
    private let anatomy: SegmentAnatomy
    private let path: String
    private let contexts: ArraySlice<ColumnAnatomy>
    private let templates: ArraySlice<TemplateAnatomy>

    private var stored: Int { anatomy.summary.storedBytes }
    private var strips: Int { anatomy.templates.reduce(0) { $0 + $1.strips } }

    /// `columns`, `templates`: how many of them are told.
    package init(_ anatomy: SegmentAnatomy, path: String, columns: Int, templates: Int) {
        self.anatomy = anatomy
        self.path = path
        contexts = anatomy.contexts.prefix(columns)
        self.templates = anatomy.templates.prefix(templates)
    }

    // Text.

    /// Ends with a newline; holds nothing that a terminal obeys.
    package var text: String {
        ([head, parts, chunks] + (anatomy.contexts.isEmpty ? [] : [columns, templateList]))
            .joined(separator: "\n")
    }

    private var head: String {
        let summary = anatomy.summary
        let lines = [
            path,
            "  format \(anatomy.version), level \(summary.level), tenant \(summary.tenant), "
                + "\(FigureText.count(summary.streams.count, "stream"))",
            "  \(CivilTime(summary.first).rfc3339) to \(CivilTime(summary.last).rfc3339)",
            "  \(FigureText.count(summary.rows, "row")), \(FigureText.grouped(summary.bytes)) bytes "
                + "of lines in \(FigureText.grouped(stored)): ratio \(ratio)",
        ]
        return lines.map { FigureText.safe($0) + "\n" }.joined()
    }

    private var ratio: String {
        FigureText.fraction(Double(summary.bytes) / Double(max(stored, 1)), digits: 2)
    }

    private var summary: SegmentSummary { anatomy.summary }

    private var sizes: [(name: String, bytes: Int)] {
        var sizes = [
            ("chunks RAW", anatomy.raw.storedBytes),
            ("chunks COLUMNS", anatomy.columns.storedBytes),
        ]
        sizes += anatomy.sections.map { ($0.name, $0.bytes) }
        if anatomy.otherBytes > 0 { sizes.append(("unknown to this program", anatomy.otherBytes)) }
        return sizes
    }

    private var parts: String {
        var table = TextTable(["bytes", "share", "part"])
        for (name, bytes) in sizes { table.add([FigureText.grouped(bytes), share(bytes), name]) }
        return table.text
    }

    private func share(_ bytes: Int) -> String {
        FigureText.fraction(100 * Double(bytes) / Double(max(stored, 1)), digits: 1) + " %"
    }

    private typealias Kind = KeyPath<SegmentAnatomy, SegmentAnatomy.Chunks> & Sendable
    private typealias Figure = KeyPath<SegmentAnatomy.Chunks, Int> & Sendable

    private static let kinds: [(String, Kind)] = [("RAW", \.raw), ("COLUMNS", \.columns)]

    private static let figures: [(String, Figure)] = [
        ("chunks", \.chunks), ("rows", \.rows), ("raw bytes", \.rawBytes),
        ("stored bytes", \.storedBytes), ("page T", \.times), ("page M", \.metadata),
        ("lines", \.lines), ("header", \.header), ("template numbers", \.numbers),
        ("columns", \.columns), ("filters of ids", \.filters),
    ]

    private var chunks: String {
        var table = TextTable(Self.kinds.map(\.0) + ["of the chunks"])
        for (name, figure) in Self.figures {
            table.add(
                Self.kinds.map { FigureText.grouped(anatomy[keyPath: $0.1][keyPath: figure]) }
                    + [name])
        }
        return table.text
    }

    private var columns: String {
        var table = TextTable(
            ["bytes", "share", "values", "shortest", "longest", "filter", "context", "encoding"],
            leftFrom: 6)
        for column in contexts {
            table.add([
                FigureText.grouped(column.storedBytes), share(column.storedBytes),
                FigureText.grouped(column.values), "\(column.shortest)", "\(column.longest)",
                column.hasIDs ? FigureText.grouped(column.filterBytes) : "-",
                "\"\(FigureText.safe(column.context.text))\"", encoding(column),
            ])
        }
        return table.text
            + rest(
                anatomy.contexts.count - contexts.count, "column",
                anatomy.contexts.dropFirst(contexts.count).reduce(0) { $0 + $1.storedBytes },
                "bytes", "--columns")
    }

    private func rest(
        _ count: Int, _ what: String, _ sum: Int, _ unit: String, _ option: String
    ) -> String {
        count == 0
            ? ""
            : "  and \(FigureText.count(count, what)) more with \(FigureText.grouped(sum)) \(unit) "
                + "(\(option) 0 prints all)\n"
    }

    private func encoding(_ column: ColumnAnatomy) -> String {
        var parts: [String] = []
        if let distinct = column.distinct {
            let counts =
                distinct.count == 1
                ? "\(distinct.lowerBound)" : "\(distinct.lowerBound) to \(distinct.upperBound)"
            var text = "dictionary of \(counts)"
            if column.dictionaries < column.chunks {
                text += " in \(column.dictionaries) of \(column.chunks) chunks"
            }
            if column.inlineBytes > 0 {
                text += ", \(FigureText.grouped(column.inlineBytes)) bytes in headers"
            }
            parts.append(text)
        }
        let kinds = column.kinds.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        parts += kinds.map { $0.value == 1 ? $0.key : "\($0.key) x\($0.value)" }
        return parts.joined(separator: "; ")
    }

    private var templateList: String {
        let all = strips
        var table = TextTable(["lines", "share", "template"])
        for template in templates {
            table.add([
                FigureText.grouped(template.strips),
                FigureText.fraction(100 * Double(template.strips) / Double(max(all, 1)), digits: 1)
                    + " %",
                FigureText.safe(template.text),
            ])
        }
        let left = anatomy.templates.dropFirst(templates.count)
        return table.text
            + rest(
                left.count, "template", left.reduce(0) { $0 + $1.strips }, "lines", "--templates")
    }

    // JSON.

    /// One line.
    package var json: String {
        get throws {
            let document: [String: Any] = [
                "file": path, "format": anatomy.version, "level": summary.level,
                "tenant": summary.tenant, "streams": summary.streams.count,
                "start": CivilTime(summary.first).rfc3339, "end": CivilTime(summary.last).rfc3339,
                "rows": summary.rows, "rawBytes": summary.bytes, "storedBytes": stored,
                "parts": sizes.map { ["name": $0.name, "bytes": $0.bytes] as [String: Any] },
                "chunks": Dictionary(
                    uniqueKeysWithValues: Self.kinds.map { name, kind in
                        (name, chunkDocument(anatomy[keyPath: kind]))
                    }),
                "columnCount": anatomy.contexts.count, "columns": contexts.map(document),
                "templateCount": anatomy.templates.count, "templates": templates.map(document),
            ]
            let data = try JSONSerialization.data(
                withJSONObject: document, options: [.sortedKeys, .withoutEscapingSlashes])
            return TerminalText.safe(json: String(decoding: data, as: UTF8.self)) + "\n"
        }
    }

    private func chunkDocument(_ chunks: SegmentAnatomy.Chunks) -> [String: Int] {
        [
            "chunks": chunks.chunks, "frames": chunks.frames, "rows": chunks.rows,
            "rawBytes": chunks.rawBytes, "storedBytes": chunks.storedBytes,
            "pageT": chunks.times, "pageM": chunks.metadata, "lines": chunks.lines,
            "header": chunks.header, "templateNumbers": chunks.numbers, "columns": chunks.columns,
            "idFilters": chunks.filters,
        ]
    }

    private func document(_ column: ColumnAnatomy) -> [String: Any] {
        var document: [String: Any] = [
            "context": column.context.text, "isTime": column.isTime,
            "chunks": column.chunks, "values": column.values, "shortest": column.shortest,
            "longest": column.longest, "storedBytes": column.storedBytes,
            "kinds": column.kinds, "inFilter": column.hasIDs, "filterBytes": column.filterBytes,
        ]
        if let distinct = column.distinct {
            document["dictionaries"] = [
                "chunks": column.dictionaries, "fewest": distinct.lowerBound,
                "most": distinct.upperBound, "bytesInHeaders": column.inlineBytes,
            ]
        }
        return document
    }

    private func document(_ template: TemplateAnatomy) -> [String: Any] {
        [
            "lines": template.strips, "chunks": template.chunks,
            "template": template.text,
        ]
    }
}
