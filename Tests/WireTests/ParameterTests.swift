import LogModel
import Testing
import Wire

@Suite struct Parameters {
    private let now = Timestamp(nanoseconds: 1_793_512_800_000_000_000)

    private func parameters(_ query: String) throws -> RequestParameters {
        try RequestParameters(query: query)
    }

    private func refusal(_ body: () throws -> Void) -> String? {
        do {
            try body()
            return nil
        } catch {
            return (error as? WireError)?.message
        }
    }

    @Test func formsComeBeforeURLs() throws {
        let both = try RequestParameters(
            query: "query=url&match%5B%5D=c",
            form: Array("query=%7Ba%3D%22b+c%22%7D&match[]=a&x".utf8))
        #expect(both["query"] == "{a=\"b c\"}")
        #expect(both.all("match[]") == ["a", "c"])
        #expect(both["x"] == "")
        #expect(refusal { _ = try parameters("a=%zz") } == "invalid URL escape \"%zz\"")
        #expect(refusal { _ = try parameters("a=%4") } == "invalid URL escape \"%4\"")
        #expect(refusal { _ = try parameters("a=1;b=2") } == "invalid semicolon separator in query")
    }

    @Test func moments() throws {
        for (text, nanoseconds) in [
            ("", now.nanoseconds), ("0", 0), ("1793498400", 1_793_498_400_000_000_000),
            ("9999999999", Int64.max), ("-999999999", -999_999_999_000_000_000),
            // Eleven digits and more are nanoseconds, milliseconds too.
            ("17934984000", 17_934_984_000), ("1793498400000", 1_793_498_400_000),
            ("1793498400000000001", 1_793_498_400_000_000_001),
            ("1793498400.5", 1_793_498_400_500_000_000),
            ("1793498400.1239", 1_793_498_400_124_000_000),
            ("2026-11-01T02:00:00Z", 1_793_498_400_000_000_000),
            ("2026-11-01T11:00:00.000000001+09:00", 1_793_498_400_000_000_001),
            ("1.0e300", Int64.max),
        ] as [(String, Int64)] {
            let time = try TimeText.timestamp(text, default: now).get()
            #expect(time.nanoseconds == nanoseconds, "\(text)")
        }
        for text in ["abc", "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z", "1.2.3", " 1", "+-1"] {
            #expect(
                TimeText.timestamp(text, default: now)
                    == .failure(
                        .init(
                            text: "strconv.ParseInt: parsing \(quoted(text)): invalid syntax")),
                "\(text)")
        }
        #expect(
            TimeText.timestamp("99999999999999999999", default: now)
                == .failure(
                    .init(
                        text:
                            "strconv.ParseInt: parsing \"99999999999999999999\": value out of range"
                    )))
    }

    @Test func spans() throws {
        for (text, nanoseconds) in [
            ("60", 60_000_000_000), ("0.5", 500_000_000), ("1h30m", 5_400_000_000_000),
            ("1y2w3d4h5m6s7ms", 33_019_506_007_000_000), ("500ms", 500_000_000),
            ("-5", -5_000_000_000),
            ("0s", 0), ("0", 0),
        ] as [(String, Int64)] {
            #expect(TimeText.secondsOrDuration(text) == .success(nanoseconds), "\(text)")
        }
        for text in ["abc", "-1s", "1m1h", "1h1h", "1.5h", "5us", "h", "", "1 h", "NaNs"] {
            #expect(
                TimeText.secondsOrDuration(text)
                    == .failure(.init(text: "cannot parse \(quoted(text)) to a valid duration")),
                "\(text)")
        }
        #expect(
            TimeText.secondsOrDuration("1e300")
                == .failure(
                    .init(
                        text: "cannot parse \"1e300\" to a valid duration. It overflows int64")))
        #expect(
            TimeText.prometheusDuration("99999999999y")
                == .failure(.init(text: "duration out of range")))
        #expect(
            TimeText.prometheusDuration("12")
                == .failure(.init(text: "not a valid duration string: \"12\"")))
    }

    @Test func boundsHaveLokisDefaults() throws {
        let hour = Nanoseconds.hour
        var bounds = try parameters("").bounds(now: now)
        #expect(bounds.start == now.advanced(byNanoseconds: -hour))
        #expect(bounds.end == now)
        // An end in the future does not move the start.
        bounds = try parameters("end=1800000000").bounds(now: now)
        #expect(bounds.start == now.advanced(byNanoseconds: -hour))
        bounds = try parameters("end=1793498400&since=10m").bounds(now: now)
        #expect(bounds.start.nanoseconds == 1_793_497_800_000_000_000)
        for (query, text) in [
            (
                "end=b&start=a",
                "could not parse 'end' parameter: strconv.ParseInt: parsing \"b\": invalid syntax"
            ),
            (
                "start=a",
                "could not parse 'start' parameter: strconv.ParseInt: parsing \"a\": invalid syntax"
            ),
            (
                "since=abc",
                "could not parse 'since' parameter: not a valid duration string: \"abc\""
            ),
        ] {
            #expect(refusal { _ = try parameters(query).bounds(now: now) } == text)
        }
    }

    @Test func countsAndChoices() throws {
        #expect(try parameters("").count("limit", default: 100) == 100)
        #expect(try parameters("limit=7").count("limit", default: 100) == 7)
        for value in ["0", "-1"] {
            #expect(
                refusal { _ = try parameters("limit=\(value)").count("limit", default: 1) }
                    == "limit must be a positive value")
        }
        #expect(
            refusal { _ = try parameters("limit=x").count("limit", default: 1) }
                == "strconv.Atoi: parsing \"x\": invalid syntax")
        #expect(try parameters("").direction() == .backward)
        #expect(try parameters("direction=ForWard").direction() == .forward)
        #expect(
            refusal { _ = try parameters("direction=up").direction() } == "invalid direction 'up'")
    }

    @Test func steps() throws {
        let start = Timestamp(nanoseconds: 0)
        func step(_ query: String, _ end: Int64) throws -> Int64 {
            try parameters(query).step(
                start: start, end: Timestamp(nanoseconds: end * Nanoseconds.second))
                / Nanoseconds.second
        }
        #expect(try step("", 3600) == 14)
        #expect(try step("", 100) == 1)
        #expect(try step("step=1m30s", 100) == 90)
        let wrong =
            "zero or negative query resolution step widths are not accepted. Try a positive integer"
        for value in ["0", "-5", "0s"] {
            #expect(refusal { _ = try step("step=\(value)", 9) } == wrong)
        }
        #expect(try parameters("interval=10m").interval() == 600 * Nanoseconds.second)
        #expect(
            refusal { _ = try parameters("interval=-1s").interval() }
                == "cannot parse \"-1s\" to a valid duration")
    }
}

@Suite struct LabelTexts {
    @Test func readsWhatPrometheusReads() throws {
        for (text, labels) in [
            (#"{}"#, []), (#" { a = "b" , } "#, [Label("a", "b")]),
            (#"{b='x', a=`y\n`}"#, [Label("a", "y\\n"), Label("b", "x")]),
            (#"{a="\"\\\n\x41\101\u00e9\U0001F600"}"#, [Label("a", "\"\\\nAAé😀")]),
            (#"{a=""}"#, []), (#"{"my.label"="v"}"#, [Label("my.label", "v")]),
            (#"foo{a="b"}"#, [Label("__name__", "foo"), Label("a", "b")]),
            (#"{a="1", a="2"}"#, [Label("a", "1"), Label("a", "2")]),
        ] as [(String, [Label])] {
            #expect(try LabelText.parse(text) == labels, "\(text)")
        }
    }

    @Test func saysWhereItIsWrong() {
        for (text, error) in [
            ("", "1:1: parse error: unexpected end of input"),
            (
                "{",
                "1:2: parse error: unexpected end of input in label set, expected identifier or \"}\""
            ),
            ("{1a=\"x\"}", "1:2: parse error: unexpected character inside braces: '1'"),
            ("{a}", "1:3: parse error: unexpected \"}\" in label set, expected \"=\""),
            (
                "{a=\"b\" c=\"d\"}",
                "1:8: parse error: unexpected identifier \"c\" in label set, expected \",\" or \"}\""
            ),
            ("{a=\"b", "1:4: parse error: unterminated quoted string"),
            ("{a=\"b\n\"}", "1:4: parse error: unterminated quoted string"),
            ("{a=\"\\q\"}", "1:5: parse error: unknown escape sequence 'q'"),
            (
                "{'a\"'=\"b\"}",
                "1:2: parse error: the label name \"a\\\"\" has a quotation mark"
            ),
            ("{a=\"b\"}x", "1:8: parse error: unexpected character: 'x'"),
            ("{\n한=\"b\"}", "2:1: parse error: unexpected character inside braces: '한'"),
        ] {
            #expect(throws: WireError.badRequest("couldn't parse labels: " + error), "\(text)") {
                _ = try LabelText.parse(text)
            }
        }
    }
}

@Suite struct Positions {
    @Test func comeBackAsTheyWent() throws {
        let sources = ["a", "quote \" back \\ 한"]
        #expect(
            try PositionExchange.decodeQuestion(PositionExchange.encodeQuestion(sources: sources))
                == sources)
        let positions = [
            Position(source: "a", offset: .max, events: 0),
            Position(source: "b", offset: 1, events: 2),
        ]
        for (error, size) in [(nil, 1 << 20), ("the pushed ranges do not follow", nil)] {
            let body = PositionExchange.encodeAnswer(positions, error: error, maxLineSize: size)
            let answer = try PositionExchange.decodeAnswer(body)
            #expect(answer == .init(positions: positions, maxLineSize: size))
        }
    }
}
