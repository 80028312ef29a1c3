import LogModel
import LogQL
import Pipeline
import Regexp
import Testing

/// What stages make of lines, written as a person reads it: `line {parsed labels}`.
@Suite struct StageTests {
    private static let stream = Labels([Label("app", "shop"), Label("level", "info")])

    private func stages(_ text: String) throws -> [Stage] {
        let tree = try LogQLParser.parse("{app=\"shop\"} " + text)
        guard case .log(let log) = tree else { return [] }
        return log.stages
    }

    private func runAll(
        _ pipeline: LogPipeline, _ entries: Entries, _ result: inout PipelineResult
    ) throws {
        var next = 0
        repeat {
            next = try pipeline.run(
                streams: [Self.stream], entries: entries, from: next, into: &result)
        } while next < entries.count
    }

    private func run(
        _ text: String, _ lines: [String], metadata: Labels = .empty
    ) throws -> [String] {
        var entries = Entries()
        for (i, line) in lines.enumerated() {
            entries.append(timestamp: Int64(i), line: line.utf8, metadata: metadata)
        }
        let pipeline = try LogPipeline(stages: try stages(text))
        var result = PipelineResult()
        try runAll(pipeline, entries, &result)
        return result.rows.indices.map { i in
            let labels = pipeline.labels[result.labelIDs[i]]
            let parsed = labels.parsed.pairs.filter { $0.name != "__error_details__" }
            return String(decoding: result.lines[i], as: UTF8.self) + " "
                + Labels(sorted: parsed).description
        }
    }

    /// Lines lie side by side: what begins in one and ends in the next is in neither.
    @Test func patternsWithoutTextAreSearchedForInManyLines() throws {
        let letters = ["a", "b", "1", "2", " ", "é"]
        var state: UInt64 = 20_261_124
        let lines = (0..<3000).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (0..<Int(state >> 60)).map { letters[Int(state >> (3 * UInt64($0)) % 6)] }
                .joined()
        }
        for pattern in [
            "[12][ab][12]", "[ab]{2}[12]+$", "^[12][ab]", "[12]é[ab]", "1.*[ab][12]", "é",
        ] {
            let regexp = try Regexp(pattern)
            let expected = lines.filter { regexp.matches($0) }.map { $0 + " {}" }
            #expect(!expected.isEmpty && expected.count < lines.count)
            #expect(try run("|~ `\(pattern)`", lines) == expected, "\(pattern)")
        }
    }

    @Test func lineFiltersAndTheirChains() throws {
        let lines = ["alpha one", "beta two", "gamma", ""]
        #expect(try run(#"|= "a" |= "one""#, lines) == ["alpha one {}"])
        #expect(try run(#"|= "one" or "two""#, lines) == ["alpha one {}", "beta two {}"])
        #expect(try run(#"!= "one" or "two""#, lines) == ["gamma {}", " {}"])
        #expect(try run(#"|~ "^.amma$""#, lines) == ["gamma {}"])
        #expect(try run(#"!~ ".*""#, lines) == [])
        #expect(try run(#"|= """#, lines).count == 4)
        #expect(try run(#"|> "<_> one""#, lines) == ["alpha one {}"])
        let addresses = ["a 10.1.2.3 b", "11.0.0.1"]
        #expect(try run(#"|= ip("10.0.0.0/8")"#, addresses) == ["a 10.1.2.3 b {}"])
    }

    @Test func aNeedleAcrossTwoLinesIsInNeither() throws {
        #expect(try run(#"|= "ab""#, ["xa", "bx", "ab"]) == ["ab {}"])
    }

    @Test func jsonFlattensAndKeepsWhatItFoundBeforeAnError() throws {
        #expect(
            try run("| json", [#"{"a":{"b":1.0,"c d":"x"},"e":[1],"n":null,"t":true}"#]) == [
                #"{"a":{"b":1.0,"c d":"x"},"e":[1],"n":null,"t":true} {a_b="1.0", a_c_d="x", t="true"}"#
            ])
        #expect(
            try run("| json", [#"{"a":1,"b"#]) == [
                #"{"a":1,"b {__error__="JSONParserErr", a="1"}"#
            ])
        #expect(try run("| json", [#"{"app":"x"}"#]) == [#"{"app":"x"} {app_extracted="x"}"#])
        #expect(
            try run(#"| json first="a[0].b", whole="a""#, [#"{"a":[{"b":"c"}]}"#]) == [
                #"{"a":[{"b":"c"}]} {first="c", whole="[{\"b\":\"c\"}]"}"#
            ])
    }

    @Test func logfmtPatternAndRegexp() throws {
        #expect(
            try run("| logfmt", [#"a=1 b="x y" =bad c= d"#]) == [
                #"a=1 b="x y" =bad c= d {a="1", b="x y"}"#
            ])
        #expect(
            try run(#"| pattern "<ip> - <_> [<when>]""#, ["1.2.3.4 - u [now]"]) == [
                #"1.2.3.4 - u [now] {ip="1.2.3.4", when="now"}"#
            ])
        #expect(
            try run(#"| regexp "took (?P<ms>\\d+)ms""#, ["took 12ms", "no"]) == [
                #"took 12ms {ms="12"}"#, "no {}",
            ])
    }

    /// Corners where Loki's parsers differ from what one would guess.
    @Test func cornersOfParsers() throws {
        // Half a surrogate pair empties the text; only an object's very first byte counts.
        #expect(
            try run("| json", [#"{"bad":"\ud800","ok":1}"#])
                == [#"{"bad":"\ud800","ok":1} {bad="", ok="1"}"#])
        #expect(
            try run(#"| json a="a""#, [" {\"a\":1}", ""])
                == [#" {"a":1} {__error__="JSONParserErr"}"#, " {}"])
        #expect(
            try run("| unpack", [" {}", ""]) == [#" {} {__error__="JSONParserErr"}"#, " {}"])
        #expect(try run(#"| pattern "<a> <b>""#, ["", "x y"]) == [" {}", #"x y {a="x", b="y"}"#])
        // A name that the row has is not emptied; expressions replace what was found before.
        #expect(try run(#"| json app="nosuch""#, [#"{"x":1}"#]) == [#"{"x":1} {}"#])
        #expect(
            try run(#"| logfmt | logfmt a="b""#, ["a=1 b=2"]) == [#"a=1 b=2 {a="2", b="2"}"#])
        #expect(
            try run(#"| json | json a="b""#, [#"{"a":1,"b":2}"#])
                == [#"{"a":1,"b":2} {a="2", b="2"}"#])
        // Keys of logfmt are compared as names of labels, the label's own name counts too.
        #expect(
            try run(#"| logfmt k="a_b", l, m="x""#, ["a.b=1 _l=0 l=3 m=4"])
                == [#"a.b=1 _l=0 l=3 m=4 {k="1", l="3", m="4"}"#])
        #expect(throws: PipelineError.self) { try run(#"| logfmt k="a-b""#, []) }
        #expect(try run(#"| regexp "(?<a>x)""#, ["x"]) == [#"x {a="x"}"#])
    }

    /// What a row makes of itself, and how long that takes, is bounded; a long unit is cut.
    @Test func templatesDoNotGrowWithoutBound() throws {
        let doubled = String(repeating: #" | label_format a="{{.a}}{{.a}}""#, count: 40)
        let lines = [String](repeating: "a=0123456789abcdef", count: 50)
        for text in [
            "| logfmt" + doubled,
            #"| line_format "{{ range 100000 }}{{ repeat 1000 \"x\" }}{{ end }}""#,
            #"| line_format "{{ $x := repeat 1000 \"a\" }}{{ range 40 }}{{ $x = print $x $x }}{{ end }}""#,
        ] {
            for row in try run(text, lines) {
                #expect(row.utf8.count < 3 << 20)
                #expect(row.contains("TemplateFormatErr"), "\(text)")
            }
        }
    }

    @Test func labelFiltersConvertDropAndMark() throws {
        let lines = ["n=5 d=2s s=1KB", "n=x", "m=1"]
        #expect(try run("| logfmt | n > 4", lines).count == 2)
        #expect(try run("| logfmt | n > 4", lines)[1].contains("LabelFilterErr"))
        #expect(try run("| logfmt | d >= 1.5s and s < 2KB", lines).count == 1)
        #expect(try run(#"| logfmt | n=~"5|6""#, lines).count == 1)
        #expect(try run(#"| level=~"in""#, lines).isEmpty, "patterns are anchored")
        #expect(try run(#"| nosuch != 4"#, lines).isEmpty)
        #expect(try run(#"| nosuch != "4""#, lines).count == 3)
    }

    @Test func formatsDropAndKeep() throws {
        #expect(
            try run("| logfmt | line_format \"{{.a}}-{{ .b -}}  !\"", ["a=1 b=2"]) == [
                #"1-2! {a="1", b="2"}"#
            ])
        #expect(
            try run(#"| logfmt | label_format c=a, d="{{.b}}{{.nosuch}}" | drop b"#, ["a=1 b=2"])
                == [
                    #"a=1 b=2 {c="1", d="2"}"#
                ])
        #expect(try run("| logfmt | keep a", ["a=1 b=2"]) == [#"a=1 b=2 {a="1"}"#])
        #expect(throws: PipelineError.self) { try run("| line_format \"{{.x\"", ["a"]) }
    }

    @Test func metadataUnderANameOfTheStreamGetsAnother() throws {
        let metadata = Labels([Label("level", "warn"), Label("trace", "t")])
        var entries = Entries()
        entries.append(timestamp: 1, line: "x".utf8, metadata: metadata)
        let pipeline = try LogPipeline(stages: [])
        var result = PipelineResult()
        try runAll(pipeline, entries, &result)
        #expect(
            pipeline.labels[0].merged.description
                == #"{app="shop", level="info", level_extracted="warn", trace="t"}"#)
    }

    @Test func metadataUnderAnotherNameNeedsNoMatch() throws {
        let text = #"| regexp "(?P<level_extracted>abc\\d)" | level_extracted="warn""#
        let found = try run(text, ["x"], metadata: Labels([Label("level", "warn")]))
        #expect(found.count == 1)
    }

    @Test func metricRowsHaveValuesAndFailOnErrors() throws {
        let unwrap = Unwrap(label: "d", conversion: .duration, filters: [])
        let extraction = Extraction(
            value: .unwrap(unwrap), grouping: Grouping(without: false, labels: ["m"]))
        let pipeline = try LogPipeline(stages: try stages("| logfmt"), extraction: extraction)
        var entries = Entries()
        for line in ["d=1500ms m=a x=1", "m=b", "d=2s m=a x=2"] {
            entries.append(timestamp: 1, line: line.utf8)
        }
        var result = PipelineResult()
        try runAll(pipeline, entries, &result)
        #expect(result.values == [1.5, 2])
        #expect(pipeline.labels.map(\.merged.description) == [#"{m="a"}"#])
        entries.append(timestamp: 1, line: "d=soon m=a".utf8)
        #expect(throws: PipelineError.self) {
            try runAll(pipeline, entries, &result)
        }
    }

    @Test func mutatedLinesNeverTrap() throws {
        var state: UInt64 = 17
        func random(_ n: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % n
        }
        let all = try LogPipeline(
            stages: try stages(
                #"| json | logfmt | pattern "<a> <b>" | regexp "(?P<r>\\w+)=" | unpack | a > 1"#))
        let good = [#"{"a":{"b":[1,"\u00e9"]},"_entry":"x"}"#, #"a=1 b="q\"" c==d "#].map {
            Array($0.utf8)
        }
        for round in 0..<50_000 {
            var line = good[round % 2]
            for _ in 0...random(4) { line[random(line.count)] = UInt8(random(256)) }
            var entries = Entries()
            entries.append(timestamp: 1, line: line)
            var result = PipelineResult()
            try runAll(all, entries, &result)
        }
    }
}
