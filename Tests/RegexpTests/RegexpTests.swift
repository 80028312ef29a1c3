import Regexp
import Testing

@Suite struct RegexpTests {
    private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    @Test func matchesFindsAndCaptures() throws {
        let regexp = try Regexp("(?P<key>[a-z]+)=(?P<value>[0-9]+)?")
        #expect(regexp.groupNames == [nil, "key", "value"])
        let text = bytes("  took=12 ")
        #expect(text.withUnsafeBytes { regexp.find(in: $0) } == 2..<9)
        #expect(text.withUnsafeBytes { regexp.captures(in: $0) } == [2..<9, 2..<6, 7..<9])
        let empty = bytes("took= ")
        #expect(empty.withUnsafeBytes { regexp.captures(in: $0) }?[2] == nil)
        #expect(try Regexp("").matches(""))
    }

    @Test func aBrokenPatternSaysWhy() {
        #expect(throws: RegexpError.self) { try Regexp("a(") }
    }

    @Test func aRegexOfDeathTakesLinearTime() throws {
        // A backtracking engine would need more time than there is.
        let text = String(repeating: "a", count: 100_000) + "!"
        #expect(try !Regexp("^(a+)+$").matches(text))
    }

    @Test func bytesThatAreNoTextDoNoHarm() throws {
        let text: [UInt8] = [0xff, 0xfe, 0x61, 0x00, 0x62]
        #expect(try text.withUnsafeBytes { try Regexp("a\\x00b").matches($0) })
    }

    @Test func aRequiredLiteralIsInEveryMatch() throws {
        let cases: [(pattern: String, literal: String?)] = [
            ("OutOfMemoryError", "OutOfMemoryError"), ("status=5\\d\\d", "status=5"),
            ("JWT expired [0-9]{5} milliseconds", " milliseconds"), ("a|b", nil),
            ("(?i)error", nil), ("colou?r", "colo"), ("ab*c", nil), ("x\\.yz+", "x.yz"),
            ("^abc$", "abc"), ("[ab]cd", "cd"), ("(foo|bar)bazz", "bazz"), ("a{2}bcd", "bcd"),
        ]
        for one in cases {
            let literal = try Regexp(one.pattern).requiredLiteral
            #expect(literal.map { String(decoding: $0, as: UTF8.self) } == one.literal)
        }
    }
}
