import Regexp
import Testing

@Suite struct RegexpMatchTests {
    private func find(_ pattern: String, _ text: [UInt8], from: Int = 0) throws -> Range<Int>? {
        let regexp = try Regexp(pattern)
        return text.withUnsafeBytes { regexp.find(in: $0, from: from) }
    }

    @Test func findsAnywhere() throws {
        #expect(try Regexp("b+").matches("abbc"))
        #expect(try !Regexp("^b").matches("abbc"))
        #expect(try Regexp("").matches(""))
        #expect(try find("b+", Array("abbcb".utf8)) == 1..<3)
        #expect(try find("b+", Array("abbcb".utf8), from: 3) == 4..<5)
        #expect(try find("b+", Array("abbcb".utf8), from: 5) == nil)
        #expect(try find("b+", Array("ab".utf8), from: 3) == nil)
        #expect(try find("b+", Array("ab".utf8), from: -1) == nil)
    }

    @Test func emptyTextHasNoAddress() throws {
        let regexp = try Regexp("(a*)(b)?")
        let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
        #expect(regexp.matches(nothing))
        #expect(regexp.find(in: nothing) == 0..<0)
        #expect(regexp.captures(in: nothing) == [0..<0, 0..<0, nil])
    }

    @Test func groups() throws {
        let regexp = try Regexp(#"(?P<method>GET|POST) (\S+)( HTTP)?"#)
        #expect(regexp.groupNames == [nil, "method", nil, nil])
        let text = Array("x GET /a y".utf8)
        #expect(text.withUnsafeBytes { regexp.captures(in: $0) } == [2..<8, 2..<5, 6..<8, nil])
        #expect(text.withUnsafeBytes { regexp.captures(in: $0, from: 3) } == nil)
    }

    @Test func namesOfGroupsAreGos() throws {
        #expect(try Regexp("(?<a>x)(?P<b_1>y)").groupNames == [nil, "a", "b_1"])
        #expect(try Regexp(#"[(?<a>]+\(?<b>"#).matches("a(<b>"))
        #expect(try Regexp(#"\Q(?<a>\E(?<b>x)"#).groupNames == [nil, "b"])
        #expect(try Regexp("[]](?<b>x)").groupNames == [nil, "b"])
        for pattern in ["(?P<한>x)", "(?<>x)", "(?<a", "(?<a-b>x)", "(?<=x)"] {
            #expect(throws: RegexpError.self) { try Regexp(pattern) }
        }
    }

    @Test func moreGroupsThanAreReportedStillMatch() throws {
        let regexp = try Regexp(String(repeating: "(a)", count: 100))
        let text = [UInt8](repeating: 0x61, count: 100)
        #expect(text.withUnsafeBytes { regexp.captures(in: $0) }?.first == 0..<100)
    }

    @Test func aPatternThatDoesNotCompileSaysWhy() {
        for (pattern, reason) in [
            ("(", "missing ): ("), ("[a", "missing ]: [a"), ("a**", "bad repetition operator: **"),
            (#"\8"#, #"invalid escape sequence: \8"#), ("(?=a)", "invalid perl operator: (?="),
        ] {
            do throws(RegexpError) {
                _ = try Regexp(pattern)
                Issue.record("\(pattern) compiles")
            } catch {
                #expect(error.pattern == pattern)
                #expect(error.reason == reason)
            }
        }
        #expect(throws: RegexpError.self) { try Regexp("(a{1000}){1000}") }
        #expect(throws: RegexpError.self) { try Regexp(String(repeating: "(", count: 100_000)) }
    }

    @Test func bytesThatAreNoTextAreHarmless() throws {
        let text: [UInt8] = Array("주문".utf8) + [0xff, 0xfe, 0x00, 0xc3] + Array(" ERROR x".utf8)
        #expect(try find("ERROR", text) == 11..<16)
        #expect(try find("주.", text) == 0..<6)
        // A dot takes characters, and these bytes are none.
        #expect(try find("문..ERROR", text) == nil)
        #expect(try find(#"\x00"#, text) == 8..<9)
        #expect(try Regexp("[^a]+").matches(String(decoding: text, as: UTF8.self)))
    }

    /// Patterns that backtrack for ages elsewhere; a doubled text must not cost more than a few times.
    @Test func patternsOfDeathStayLinear() throws {
        let clock = ContinuousClock()
        for pattern in ["(a*)*b", "(a|aa)+$", "(x+x+)+y", "^(([a-z])+.)+[A-Z]([a-z])+$"] {
            let regexp = try Regexp(pattern)
            let text = [UInt8](repeating: 0x61, count: 200_000) + [0x21]
            let time = clock.measure {
                text.withUnsafeBytes { _ = regexp.captures(in: $0) }
            }
            #expect(time < .seconds(10), "\(pattern) took \(time)")
        }
    }

    @Test func anExpressionServesManyThreads() async throws {
        let regexp = try Regexp("(?i)order-([0-9]+) (failed|done)")
        await withTaskGroup(of: Int.self) { group in
            for task in 0..<8 {
                group.addTask {
                    (0..<500).count { regexp.matches("Order-\(task)\($0) FAILED") }
                }
            }
            for await matched in group { #expect(matched == 500) }
        }
    }
}
