import Regexp
import Testing

@Suite struct RequiredLiteralTests {
    private func literal(_ pattern: String) throws -> String? {
        try Regexp(pattern).requiredLiteral.map { String(decoding: $0, as: UTF8.self) }
    }

    @Test func runsOfPlainText() throws {
        #expect(try literal("Connection reset") == "Connection reset")
        #expect(try literal(#"status=5\d\d"#) == "status=5")
        #expect(try literal(#"user=u1[0-9]{4} status=200"#) == " status=200")
        #expect(try literal(#"a\.b\|c"#) == "a.b|c")
        #expect(try literal("^주문 완료$") == "주문 완료")
        #expect(try literal("(GET|POST) /api") == " /api")
    }

    @Test func quantifiersTakeTheirCharacterAway() throws {
        #expect(try literal("abcd*") == "abc")
        #expect(try literal("abcd?") == "abc")
        #expect(try literal("abcd{0,3}") == "abc")
        #expect(try literal("abcd+ef") == "abcd")
        #expect(try literal("주문*") == "주")
    }

    @Test func nothingIsSaidWhenNothingIsSure() throws {
        for pattern in [
            "", "a", "foo|bar", "(?i)error", "(foo|bar)", "[abc]", ".*", #"\Qa|b\E"#, "(?i:error)",
        ] {
            #expect(try literal(pattern) == nil, "\(pattern)")
        }
    }

    /// RE2 repeats what stands in front of them.
    @Test func repeatedFlagsTakeTheAtomBeforeThemAway() throws {
        for pattern in ["ab(?i)*", "ab(?s)?", "(?:ab)(?i){0}", "x(?:ab)(?-i)*?"] {
            let regexp = try Regexp(pattern)
            #expect(regexp.requiredText == .anything && !regexp.isRequiredTextEnough, "\(pattern)")
        }
        #expect(try Regexp("ab(?i)*").matches("a"))
    }

    /// One literal says all, unless its letters have forms outside of ASCII.
    @Test func aLiteralInAnyCaseIsEnough() throws {
        for (pattern, isEnough) in [
            ("(?i)error", true), ("(?i)1", true), ("(?i:Time)out", false), ("(?i)timeout$", false),
            ("(?i)disk", false), ("(?i)K", false), ("(?i)é", false), ("(?i)a|b", false),
        ] {
            let regexp = try Regexp(pattern)
            #expect(regexp.isRequiredTextEnough == isEnough, "\(pattern)")
        }
        #expect(try Regexp("(?i)disk").matches("di\u{17f}\u{212a}"))
        #expect(
            try Regexp("(?i)1").requiredText == .contains(Array("1".utf8), ignoringCase: true))
    }

    /// A text is made from a pattern; where the pattern matches, the literal must be inside.
    @Test func everyMatchContainsTheLiteral() throws {
        let seed: UInt64 = 41
        var random = SeededGenerator(seed: seed)
        let pieces = [
            "a", "b", "ab", "c", "(a|b)", "(?:ab)", "[ab]", "[^a]", "a*", "b?", "c+", "a{2}",
            "b{0,1}",
            ".", "^", "$", "|", #"\."#, #"\d"#, "(?i)", "(ab)*", "é", "é?", #"\b"#, "()", "(?s)*",
            "(?i)?",
        ]
        var matches = 0
        for _ in 0..<20_000 {
            let count = Int.random(in: 1...6, using: &random)
            let pattern = (0..<count).map { _ in pieces.randomElement(using: &random) ?? "" }
                .joined()
            guard let regexp = try? Regexp(pattern), let literal = regexp.requiredLiteral else {
                continue
            }
            for _ in 0..<4 {
                let text = String(
                    (0..<8).map { _ in "abcé.1A".randomElement(using: &random) ?? "a" })
                guard regexp.matches(text) else { continue }
                matches += 1
                let found = text.contains(String(decoding: literal, as: UTF8.self))
                #expect(found, "\(pattern) matches \(text), seed \(seed)")
            }
        }
        #expect(matches > 500)
    }
}
