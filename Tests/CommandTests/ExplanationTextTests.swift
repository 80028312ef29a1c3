import LogModel
import Query
import Testing
import cordwood

/// What `cordwood query --explain` prints.
@Suite struct ExplanationTexts {
    private final class Segment: Sendable {}

    private func trace(_ text: String) throws -> ScanTrace {
        var selection = Selection(
            tenant: "t", matchers: [try Matcher("app", .equal, "shop")],
            start: Timestamp(nanoseconds: 0), end: Timestamp(nanoseconds: 1))
        selection.condition = .all([.contains(Array(text.utf8)), .not(.contains([0x78]))])
        return ScanTrace(selection)
    }

    @Test func isATree() throws {
        let trace = try trace("order")
        let segments = [Segment(), Segment()]
        trace.note(segments[0], .notNeeded)
        trace.note(segments[0], .read)
        trace.note(segments[0], .withoutTemplate)
        trace.note(segments[1], .withoutTemplate)
        trace.note(segments[0], frame: 0, .searched)
        trace.note(pages: 3, bytes: 1234)
        trace.note(column: "took=", pages: 1, bytes: 1000)
        trace.note(rows: 7)
        #expect(
            ExplanationPrinter.text(QueryExplanation(scans: [trace.report], scansLeftOut: 2)) == """
                scan {app="shop"}
                  wanted: lines
                  looked for: "order" and not "x"
                  segments
                    without a template that may hold the text (index): 1
                    read: 1
                  chunks
                    searched in columns: 1
                  entries loaded, with their lines or without: 7
                  lines put together: 0
                  read from files: 3 pages, 1,234 bytes
                  columns looked at, in memory or in files
                    "took=": 1 page, 1,000 bytes
                and 2 scans more

                """)
    }

    @Test func strangersTextDoesNotReachTheTerminal() throws {
        let trace = try trace("\u{1b}]0;owned\u{7}\u{9b}")
        trace.note(column: "evil\u{1b}[2J\t\u{202e}", pages: 1, bytes: 1)
        let text = ExplanationPrinter.text(QueryExplanation(scans: [trace.report]))
        #expect(
            !text.unicodeScalars.contains {
                $0.value < 0x20 && $0 != "\n" || $0.value == 0x9b || $0.value == 0x202e
            })
        #expect(text.contains("evil\\x1b[2J"))
    }
}
