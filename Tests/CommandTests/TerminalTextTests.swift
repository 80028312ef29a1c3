import Testing
import cordwood

@Suite struct TerminalTexts {
    @Test(arguments: [
        ("plain é 漢", "plain é 漢"), ("a\tb", "a\tb"), ("a\nb", "a\\x0ab"),
        ("\u{1b}[2J", "\\x1b[2J"), ("\u{7f}\u{9b}", "\\x7f\\x9b"), ("\u{202e}x", "\\u202ex"),
        ("\u{61c}\u{2028}\u{2069}", "\\u061c\\u2028\\u2069"),
    ])
    func showsWhatATerminalWouldObey(_ text: String, _ shown: String) {
        #expect(TerminalText.safe(text) == shown)
    }

    @Test func keepsNewlinesWhereTheyAreMeant() {
        #expect(TerminalText.safe("a\nb\r", keepingNewlines: true) == "a\nb\\x0d")
    }

    @Test(arguments: [
        (#"{"line":"a\nb"}"#, #"{"line":"a\nb"}"#),
        ("{\"line\":\"\u{9b}\u{202e}\u{7f}\u{85}\"}", #"{"line":"\u009b\u202e\u007f\u0085"}"#),
    ])
    func documentsMeanTheSame(_ json: String, _ safe: String) {
        #expect(TerminalText.safe(json: json) == safe)
    }
}
