import Regexp
import Testing

@Suite struct LeadingBytesTests {
    private func places(_ pattern: String) throws -> [String] {
        try Regexp(pattern).leadingBytes.map { set in
            set.count > 40 ? "…" : String(decoding: set.sorted(), as: UTF8.self)
        }
    }

    @Test func placesOfWhatAMatchBeginsWith() throws {
        #expect(try places("[0-9][a-c]{2}x") == ["0123456789", "abc", "abc", "x"])
        #expect(try places("ab|cde") == ["ac", "bd"])
        #expect(try places("a*b") == ["ab"])
        #expect(try places("a+b") == ["a", "ab"])
        #expect(try places("a{2,}[xy]?z") == ["a", "a", "axyz"])
        #expect(try places(#"^\d\bz$"#) == ["0123456789", "z"])
        #expect(try places("(?i)a[bc]") == ["Aa", "BCbc"])
        #expect(try places("(?:a(?i)b)c") == ["a", "Bb", "c"])
        #expect(try places("[[:xdigit:]-]]") == ["-0123456789ABCDEFabcdef", "]"])
        #expect(try places(#"[\d.\]]"#) == [".0123456789]"])
        #expect(try places("a.") == ["a", "…"])
        #expect(try places("(ab){1000}") == ["a", "b", "a", "b", "a", "b", "a", "b"])
        #expect(try places("[^\u{00}-\u{7f}]").count == 2)
    }

    @Test func nothingIsSaidWhenNothingIsSure() throws {
        for pattern in ["", "a*", "a|", "a?b?", #"\pL"#, #"\Qa\E"#, "((((a{40}){25}))*)"] {
            #expect(try places(pattern).isEmpty, "\(pattern)")
        }
    }

    /// Letters that fold to others outside of ASCII are in both.
    @Test func foldedLetters() throws {
        for (pattern, text) in [
            ("(?i)k", "\u{212a}"), ("(?i)\u{212a}", "k"), ("(?i)[\u{17f}]", "S"),
            ("(?i)[r-t]", "\u{17f}"), ("(?i)[^k]", "x"), ("(?i)é", "É"),
            (#"(?i)\w"#, "\u{17f}"), (#"(?i)[\w]"#, "\u{212a}"), ("(?i)[[:alpha:]]", "\u{17f}"),
            (#"(?i)[^\W]"#, "\u{17f}"),
        ] {
            let regexp = try Regexp(pattern)
            #expect(regexp.matches(text), "\(pattern)")
            let first = Array(text.utf8)[0]
            #expect(regexp.leadingBytes.first?.contains(first) ?? true, "\(pattern)")
        }
    }

    @Test func everyMatchBeginsWithThem() throws {
        let seed: UInt64 = 20_261_124
        var random = SeededGenerator(seed: seed)
        let pieces = [
            "a", "b", "k", "(a|b)", "(?:ab|1)", "[ab]", "[^a]", "a*", "b?", "c+", "a{2}", "b{0,1}",
            "c{1,3}", ".", "^", "$", "|", #"\."#, #"\d"#, #"\W"#, #"\w"#, #"[^\W]"#, "(?i)",
            "(ab)*", "é", "é?",
            #"\b"#,
            "()", "[a-c1]", "[^é]", "[é-í]", "[[:alpha:]]", "[.-]", "[]a]", #"[\w-]"#, "(?s:.)",
            "(?-i)",
            "(?i:k|s)", "[K-S]", "(?:[ab]c?){2,}", "K", "ſ",
        ]
        var looked = 0
        for _ in 0..<30_000 {
            let count = Int.random(in: 1...6, using: &random)
            let pattern = (0..<count).map { _ in pieces.randomElement(using: &random) ?? "" }
                .joined()
            guard let regexp = try? Regexp(pattern), !regexp.leadingBytes.isEmpty else { continue }
            for _ in 0..<4 {
                let text = Array(
                    String(
                        (0..<8).map { _ in "abckKsSſK1é.-] \n".randomElement(using: &random) ?? "a"
                        }
                    )
                    .utf8)
                guard let match = text.withUnsafeBytes({ regexp.find(in: $0) }) else { continue }
                looked += 1
                let begins =
                    match.count >= regexp.leadingBytes.count
                    && zip(text[match], regexp.leadingBytes).allSatisfy { $1.contains($0) }
                #expect(begins, "seed \(seed): \(pattern) in \(text)")
            }
        }
        #expect(looked > 5000)
    }
}
