import LogModel
import Template
import Testing

/// Renders for a row with the labels given.
private func render(
    _ template: String, _ labels: [String: String] = [:], line: String = "the line"
) throws -> String {
    let compiled = try Template(template)
    let bytes = try Array(line.utf8).withUnsafeBytes { line in
        try compiled.render(
            TemplateInput(
                line: line, timestamp: 1_793_498_400_500_000_000, label: { labels[$0] },
                labels: { labels.map { Label($0.key, $0.value) } }))
    }
    return String(decoding: bytes, as: UTF8.self)
}

@Suite struct TemplateTests {
    @Test(arguments: [
        ("{{.a}}-{{.nosuch}}|", "x-|"),
        ("{{- .a -}}   {{- .b -}}", "xy z"),
        ("a  {{- /* said */ -}}  b", "ab"),
        (#"{{if eq .a "x"}}1{{else if eq .a "y"}}2{{else}}3{{end}}"#, "1"),
        (#"{{with .nosuch}}{{.}}{{else}}none{{end}}"#, "none"),
        (#"{{range $i, $e := fromJson "[1,2.5,\"x\"]"}}{{$i}}={{$e}};{{end}}"#, "0=1;1=2.5;2=x;"),
        (#"{{range $k, $v := .}}{{$k}}={{$v}} {{end}}"#, "a=x b=y z "),
        (#"{{range 3}}{{.}}{{if eq . 1}}{{break}}{{end}}{{end}}"#, "01"),
        (#"{{define "t"}}<{{.}}>{{end}}{{template "t" .a}}"#, "<x>"),
        (#"{{$x := 1}}{{if true}}{{$x = 2}}{{end}}{{$x}}"#, "2"),
        (#"{{block "b" .a}}[{{.}}]{{end}}"#, "[x]"),
        ("{{(fromJson `{\"k\":{\"n\":1500000}}`).k.n}}", "1.5e+06"),
        ("{{(fromJson `{}`).missing}}", "<no value>"),
        ("{{1e3}} {{alignLeft 5.0 \"x\"}}| {{lower \"İA\"}}", "1000 x    | ia"),
        (
            "{{printf \"%5.2f|%-4s|%04d|%x|%q|%v|%T\" 3.14159 .a 42 \"hi\" .b true 1.5}}",
            " 3.14|x   |0042|6869|\"y z\"|true|float64"
        ),
        ("{{printf \"%[2]s %[1]d %[3]s\" 7 .a}}", "x 7 %!s(BADINDEX)"),
        ("{{printf \"%d %s\" .a}}", "%!d(string=x) %!s(MISSING)"),
        ("{{print 1 2 \"a\" 3 4}}", "1 2a3 4"),
        ("{{and .a .b}} {{or .nosuch \"d\"}} {{not .a}}", "y z d false"),
        ("{{.b | title | upper}} {{.b | title}}", "Y Z Y Z"),
        ("{{index (fromJson \"[7,8]\") 1}} {{len .b}} {{slice .b 0 1}}", "8 3 y"),
        (
            "{{__timestamp__.Unix}} {{unixEpochNanos __timestamp__}}",
            "1793498400 1793498400500000000"
        ),
        ("{{__line__ | trunc 3}}", "the"),
        ("{{html \"<a>\"}} {{urlquery \"a b&\"}} {{js \"it's\"}}", #"&lt;a&gt; a+b%26 it\'s"#),
        ("{{add 1 \"2\" 3.9}} {{sub 5 7}} {{mul 2 3 4}} {{div 7 2}} {{mod 7 4}}", "6 -2 24 3 3"),
        (
            "{{addf 0.1 0.2}} {{subf 1 0.9}} {{mulf 0.1 3}} {{divf 1 3}}",
            "0.3 0.1 0.3 0.3333333333333333"
        ),
        (
            "{{round 2.5 0}} {{round -2.5 0}} {{round 3.14159 2}} {{round 2.45 1 0.6}}",
            "3 -3 3.14 2.4"
        ),
        ("{{regexReplaceAll \"a(x*)b\" \"-ab-axxb-\" \"${1}W\"}}", "-W-xxW-"),
        ("{{regexReplaceAll \"x*\" \"abc\" \"-\"}}", "-a-b-c-"),
        ("{{regexReplaceAllLiteral \"b\" \"abc\" \"$1\"}} {{count \"[a-c]\" \"abcd\"}}", "a$1c 3"),
        ("{{Replace \"a,b,c\" \",\" \";\" 1}} {{\"a,b\" | replace \",\" \"\"}}", "a;b,c ab"),
        ("{{alignLeft 4 \"한글\"}}|{{alignRight 4 \"한글\"}}|{{alignRight 1 \"한글\"}}", "한글  |  한글|글"),
        ("{{trunc -2 \"hello\"}} {{substr 1 3 \"hello\"}} {{substr -1 2 \"hello\"}}", "lo el he"),
        ("{{indent 2 \"a\\nb\"}}{{nindent 1 \"c\"}}", "  a\n  b\n c"),
        (
            "{{b64enc \"hi?\"}} {{b64dec \"aGk/\"}} {{b64dec \"aGk\"}} {{urldecode \"a%20b+c\"}}",
            "aGk/ hi? hi a b c"
        ),
        (
            "{{toDateInZone \"2006-01-02 15:04:05\" \"Asia/Seoul\" \"2026-11-01 09:00:00\" | unixEpoch}}",
            "1793491200"
        ),
        (
            "{{(toDateInZone \"2006-01-02\" \"UTC\" \"2026-11-01\").Format \"Mon Jan _2 2006\"}}",
            "Sun Nov  1 2026"
        ),
        (
            "{{(unixToTime \"1793491200123\").UTC.Format \"2006-01-02T15:04:05.000Z07:00\"}}",
            "2026-11-01T00:00:00.123Z"
        ),
        (
            "{{default \"d\" .nosuch}} {{default \"d\" .a}} {{max 1 \"5\" 3}} {{minf 1.5 2}}",
            "d x 5 1.5"
        ),
        (
            "{{bytes \"1.5KB\"}} {{duration \"1m30s\"}} {{int \"42.0\"}} {{int \"4.2\"}} {{int \"4.x\"}} {{float64 \"x\"}}",
            "1500 90 42 4 0 0"
        ),
        ("{{if lt 1 2}}a{{end}}{{if ge \"b\" \"a\"}}b{{end}}{{if ne 1.5 2.5}}c{{end}}", "abc"),
        (#"{{"quoted \"q\" A\t."}}{{`raw`}}{{'a'}}"#, "quoted \"q\" A\t.raw97"),
        ("{{println .a 1}}", "x 1\n"),
        ("{{alignLeft -9223372036854775808 .a}}", "x"),
        ("{{printf \"%*d\" -9223372036854775808 1}}", "%!(BADWIDTH)1"),
        ("{{len (date \"Mon\" -9223372036854775808)}}", "3"),
    ]) func rendersAsGoDoes(_ template: String, _ wanted: String) throws {
        #expect(try render(template, ["a": "x", "b": "y z"]) == wanted, "\(template)")
    }

    @Test(arguments: [
        "{{", "{{.a", "{{nosuch .a}}", "{{end}}", "{{if .a}}", "{{$x}}", "{{.a | \"x\"}}",
        "{{(.a}}",
        "{{if}}x{{end}}", "{{else}}", "{{break}}", "{{template}}", "{{1.2.3}}", "{{\"open}}",
        "{{range $i, $j}}{{end}}", "{{define \"x\"}}", "{{/* open }}", "{{.a .b c}}", "{{|}}",
        String(repeating: "{{if 1}}", count: 1000),
        "{{" + String(repeating: "(", count: 1000) + "}}",
    ]) func refusesWhatIsNoTemplate(_ template: String) {
        #expect(throws: TemplateError.self) { try Template(template) }
    }

    @Test(arguments: [
        "{{div 1 0}}", "{{mod 1 0}}", "{{index .a 99}}", "{{ToUpper 5}}",
        "{{repeat 99999999999 \"x\"}}",
        "{{printf \"%99999999d\" 1}}", "{{lt 1 1.5}}", "{{eq .a 1}}", "{{template \"nosuch\"}}",
        "{{define \"t\"}}{{template \"t\"}}{{end}}{{template \"t\"}}", "{{slice .a 3 1}}",
        "{{range 99999999999}}x{{end}}", "{{range 1000}}{{range 1000}}x{{end}}{{end}}",
        "{{regexReplaceAll \"(\" .a \"\"}}", "{{unixToTime \"12\"}}", "{{urldecode \"%zz\"}}",
        "{{range 90000}}0123456789012345{{end}}", "{{.a.b}}", "{{(now).Nosuch}}", "{{call .a}}",
        "{{trunc (add 1 1) .a}}", "{{(fromJson `{}`).missing.deeper}}", "{{alignLeft 1.5 .a}}",
        "{{$x := repeat 1000 \"a\"}}{{$x = replace \"a\" $x $x}}{{$x = replace \"a\" $x $x}}",
        "{{$x := repeat 1000 \"a\"}}{{range 9}}{{$x = regexReplaceAll \"a\" $x $x}}{{end}}",
        "{{$x := \"a\"}}{{range 40}}{{$x = printf \"%s%s\" $x $x}}{{end}}",
        "{{$x := \"a\"}}{{range 40}}{{$x = print $x $x}}{{end}}",
        "{{regexReplaceAll (repeat 100000 \"(a*)*\") .a .a}}",
        "{{range 9000}}{{$x := repeat 1000 \"a\"}}{{end}}",
        "{{range $i := 100000}}{{range 100000}}{{break}}{{end}}{{end}}",
        "{{define \"t\"}}{{template \"t\" .}}{{end}}{{$a := 1}}{{$b := 2}}{{if true}}{{template \"t\" .}}{{end}}",
    ]) func failsForTheRow(_ template: String) throws {
        let compiled = try Template(template)
        _ = compiled
        #expect(throws: TemplateError.self) { try render(template, ["a": "x"]) }
    }

    @Test func knowsWhatItLooksAt() throws {
        #expect(try Template("{{.a}} {{if .b}}{{$.c}}{{end}}").fields?.sorted() == ["a", "b", "c"])
        #expect(try Template("{{range $k, $v := .}}{{end}}").fields == nil)
        #expect(try Template("plain").fields == [])
    }

    /// Whatever stands in a template, it compiles or not, renders or not, and ends.
    @Test func survivesMutations() throws {
        let seeds = [
            #"{{if eq .a "x"}}1{{else}}{{range $i, $e := fromJson .b}}{{$i}}{{end}}{{end}}"#,
            #"{{printf "%5.2f|%-4s" (float64 .a) .b | upper}} {{with .a}}{{.}}{{end}}"#,
            #"{{define "t"}}<{{.}}>{{end}}{{template "t" (index . "a")}}{{toDate "2006" .a | date "06"}}"#,
        ].map { Array($0.utf8) }
        let seed = UInt64.random(in: 0...UInt64.max)
        print("template mutations: seed \(seed)")
        var random = Mixer(state: seed)
        for _ in 0..<20_000 {
            var bytes = seeds.randomElement(using: &random) ?? []
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let at = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[at] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.remove(at: at)
                default: bytes.insert(contentsOf: bytes[at..<min(at + 9, bytes.count)], at: at)
                }
            }
            _ = try? render(String(decoding: bytes, as: UTF8.self), ["a": "12.5", "b": "[1,{}]"])
        }
    }
}

private struct Mixer: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
