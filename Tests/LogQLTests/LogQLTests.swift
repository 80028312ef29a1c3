import Foundation
import LogModel
import LogQL
import Testing

@Suite struct ParserTests {
    private static let queries = [
        #"{app="a"}"#, #"{app=~"a|b", host!="c"} |= "x" or "y" != "z" |~ "re" !~ "no""#,
        #"{a="b"} | json | logfmt --strict --keep-empty | json x="a.b[0]",y="y""#,
        #"{a="b"} | pattern "<ip> <_>" | regexp "(?P<x>.)" | unpack | decolorize"#,
        #"{a="b"} | x=1 or y>2.5 and z=~"q" | d>=1m30s | s<5KB | i=ip("10.0.0.0/8")"#,
        #"{a="b"} | line_format "{{.x}}" | label_format a=b,c="{{.d}}" | drop x,y="z" | keep q"#,
        #"sum by (a) (rate({a="b"} |= "x" [5m]))"#,
        #"quantile_over_time(0.99,{a="b"} | unwrap duration(x) | y="" [1h] offset 5m) by (z)"#,
        #"topk(3, sum without (a) (count_over_time({a="b"}[1h]))) / 2 > bool 1"#,
        #"sum(rate({a="b"}[1m])) / on (x) group_left (y) sum by (x) (rate({c="d"}[1m]))"#,
        #"label_replace(rate({a="b"}[5m]), "x", "$1", "y", "(.*)") or vector(0)"#,
        #"absent_over_time({a="b"}[5m]) unless count_over_time(({a="b"} | json)[5m])"#,
        #"({a="b"} or {c="d"} | json --arrays) | metadata() =~ "x" | label_format ms=(b - a) * 2"#,
        #"max_over_time(sum(rate({a="b"}[5m]))[1h:5m] offset 1d @ end())"#,
        #"histogram_over_time(log(2), {a="b"} | unwrap x [5m]) by (y)"#,
        #"fill(round(count_distinct by (a) (b, distinct_over_time(c, {a="b"}[5m])), 0.1), -1)"#,
    ]

    @Test(arguments: queries)
    func printedAndParsedAgainItIsTheSame(text: String) throws {
        let printed = LogQLPrinter.print(try LogQLParser.parse(text))
        #expect(LogQLPrinter.print(try LogQLParser.parse(printed)) == printed)
    }

    @Test func commaAndNothingBindLooserThanOrOnTheirRight() throws {
        func filter(_ text: String) throws -> String {
            LogQLPrinter.print(try LogQLParser.parse(#"{x="y"} | "# + text))
        }
        #expect(try filter("a=1, b=2 or c=3") == #"{x="y"} | ( a==1 , ( b==2 or c==3 ) )"#)
        #expect(try filter("a=1 or b=2, c=3") == #"{x="y"} | ( a==1 or ( b==2 , c==3 ) )"#)
        #expect(try filter("a=1 and b=2 or c=3") == #"{x="y"} | ( ( a==1 , b==2 ) or c==3 )"#)
    }

    @Test func numbersFoldAndSignsBindTight() throws {
        #expect(LogQLPrinter.print(try LogQLParser.parse("1+2*3")) == "7")
        #expect(LogQLPrinter.print(try LogQLParser.parse("-2^2")) == "4")
        #expect(LogQLPrinter.print(try LogQLParser.parse("2^3^2")) == "512")
    }

    @Test func errorsShowThePlace() {
        let text = "{app=\"x\"}\n  | json | status >"
        do {
            _ = try LogQLParser.parse(text)
            Issue.record("parsed")
        } catch {
            #expect(
                error.report(in: text)
                    == """
                    parse error at line 2, col 20: syntax error: unexpected $end
                        | json | status >
                                         ^
                    """)
        }
    }

    @Test(arguments: [
        "", "{", "{}", #"{a=~".*"}"#, #"{a="b""#, #"{a='b'}"#, #"{a="b"} |"#, "sum(", "1 and 2",
        #"{a="b",}"#, #"rate({a="b"})"#, #"sum_over_time({a="b"}[5m])"#, "topk(0, vector(1))",
        #"count_over_time({a="b"} | unwrap x [5m])"#, #"{a="b"} | line_format"#, "0x10",
        #"({a="b"}) |= "x""#, "-sum(vector(1))", #"{by="x"}"#, #"rate({a="b"}[5minutes])"#,
    ])
    func refusesWhatLokiRefuses(text: String) {
        #expect(throws: SyntaxError.self) { try LogQLParser.parse(text) }
    }

    @Test func depthAndLengthAreBounded() throws {
        func brackets(_ n: Int) -> String {
            String(repeating: "(", count: n) + "1" + String(repeating: ")", count: n)
        }
        #expect(throws: Never.self) { try LogQLParser.parse(brackets(60)) }
        #expect(throws: SyntaxError.self) { try LogQLParser.parse(brackets(Limits.maxNesting + 1)) }
        #expect(throws: SyntaxError.self) { try LogQLParser.parse(brackets(60_000)) }
        #expect(throws: SyntaxError.self) {
            try LogQLParser.parse(#"{a=""# + String(repeating: "x", count: 131_072) + #""}"#)
        }
    }

    @Test func mutatedQueriesNeverTrap() {
        var state: UInt64 = 42
        func random(_ n: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % n
        }
        let alphabet = Array(#"{}()[]|=~!<>"`'abc 019.,+-*/%^\ue5m#가"#)
        // A soak asks for more.
        let rounds = Int(ProcessInfo.processInfo.environment["CORDWOOD_MUTATIONS"] ?? "") ?? 100_000
        for round in 0..<rounds {
            var text = Array(Self.queries[round % Self.queries.count])
            for _ in 0...random(4) {
                let at = random(text.count)
                switch random(3) {
                case 0: text[at] = alphabet[random(alphabet.count)]
                case 1: text.insert(alphabet[random(alphabet.count)], at: at)
                default: text.remove(at: at)
                }
                if text.isEmpty { break }
            }
            _ = try? LogQLParser.parse(String(text))
        }
    }
}

@Suite struct QuantityTests {
    /// As Go's strconv.ParseFloat.
    @Test func numbers() {
        for (text, value) in [
            ("1", 1), ("-1.5", -1.5), (".5", 0.5), ("5.", 5), ("+1e3", 1000), ("1E-2", 0.01),
            ("0x1p-2", 0.25), ("0X1.8P1", 3), ("1_000.5", 1000.5), ("0x_1p4", 16), ("1e-400", 0),
            ("-inf", -Double.infinity), ("+Infinity", .infinity),
        ] {
            #expect(NumberText.parse(text) == value, "\(text)")
        }
        #expect(NumberText.parse("NaN")?.isNaN == true)
        for text in [
            "", "-", "1e", "0x1F", "1e400", "-1e400", "1__0", "_1", "1_", "-nan", "nan(1)", "infin",
            " 1", "1 ", "١", "1,000", "0x", "1.2.3",
        ] {
            #expect(NumberText.parse(text) == nil, "\(text)")
        }
    }

    @Test func durations() {
        #expect(DurationText.parsePrometheus("1h30m") == 5400 * Nanoseconds.second)
        #expect(DurationText.parsePrometheus("30m1h") == nil)
        #expect(DurationText.parseGo("1.5h") == 5400 * Nanoseconds.second)
        #expect(DurationText.parseGo("1d") == nil)
        #expect(DurationText.goText(5400 * Nanoseconds.second) == "1h30m0s")
        #expect(DurationText.prometheusText(Nanoseconds.day) == "1d")
    }

    @Test func bytes() {
        #expect(ByteText.parse("1,000 KB") == 1_000_000)
        #expect(ByteText.parse("1.5KiB") == 1536)
        #expect(ByteText.parse("-1") == nil)
    }
}
