import LogModel
import Logback
import Testing

@Suite struct CompiledLayoutTests {
    private func layout(
        _ pattern: String, _ dialect: CompiledLayout.Dialect = .current,
        rules: Set<String> = []
    ) throws -> CompiledLayout {
        try CompiledLayout(pattern, dialect: dialect, conversionRules: rules)
    }

    private func fields(_ layout: CompiledLayout, _ line: String) -> [String: String] {
        let labels = Array(line.utf8).withUnsafeBytes { layout.fields(of: $0) }
        let fields = Dictionary(labels.map { ($0.name, $0.value) }) { $1 }
        // Where nothing tells where an event begins its header is not matched.
        if layout.tellsBoundaries, let names = HeaderFields.Names(layout, except: []) {
            #expect(inText(layout, names, line) == fields)
        }
        return fields
    }

    /// The same, of values that are left in the text of an event.
    private func inText(
        _ layout: CompiledLayout, _ names: HeaderFields.Names, _ line: String
    ) -> [String: String] {
        var assembler = EventAssembler(
            layout: LayoutRule(compiled: layout), zone: .utc, offset: 0, events: 0)
        let events = assembler.add(Array(line.utf8), now: 0) + assembler.finish(now: 0)
        guard let event = events.first, let fields = HeaderFields(event, names) else { return [:] }
        var found: [String: String] = [:]
        fields.forEach(in: event.text) { found[$0.name] = String(decoding: $1, as: UTF8.self) }
        return found
    }

    @Test func valuesThatCanBeLeftInTheText() throws {
        let pattern = "%d %level [%thread] %X{trace} %logger - %msg%n"
        let layout = try layout(pattern)
        let line = "2026-11-21 10:00:00,123 INFO [main] ab a.B - x"
        let names = try #require(HeaderFields.Names(layout, except: ["thread", "trace"]))
        #expect(inText(layout, names, line) == ["logger": "a.B"])
        let all = try #require(HeaderFields.Names(layout, except: []))
        #expect(inText(layout, all, line) == ["thread": "main", "trace": "ab", "logger": "a.B"])
        // Which of them counts depends on the others.
        for pattern in [
            "%level %mdc %logger - %msg%n", "%level [%kvp] - %msg%n",
            "%level %logger - %msg %kvp%n",
            "%level %X{a} - %X{a} - %msg%n",
        ] {
            #expect(HeaderFields.Names(try self.layout(pattern), except: []) == nil, "\(pattern)")
        }
    }

    private func level(_ layout: CompiledLayout, _ line: String) -> String? {
        Array(line.utf8).withUnsafeBytes { layout.header(of: $0)?.level }
    }

    private func isHeader(_ layout: CompiledLayout, _ line: String) -> Bool {
        Array(line.utf8).withUnsafeBytes { layout.header(of: $0) != nil }
    }

    @Test func theUsualPattern() throws {
        let layout = try layout(
            "%d{yyyy-MM-dd HH:mm:ss.SSS} [%thread] %-5level %logger{36} [%X{traceId:-}] - %msg%n")
        let line = "2026-11-21 10:00:00.123 [pool [1] 2] INFO  c.a.OrderService [ab12] - seq=1"
        #expect(level(layout, line) == "INFO")
        #expect(
            fields(layout, line) == [
                "thread": "pool [1] 2", "logger": "c.a.OrderService", "traceId": "ab12",
            ])
        #expect(!isHeader(layout, "2026-01-01 00:00:00.000 fake header inside a message"))
        #expect(!isHeader(layout, "2026-01-01 00:00:00.000 [main] NOTE x [] - a"))
        #expect(fields(layout, "2026-11-21 10:00:00.123 [] WARN  a [] - x") == ["logger": "a"])
    }

    @Test func defaultsOfSpringBoot() throws {
        let boot2 = try layout(
            "%d{yyyy-MM-dd HH:mm:ss.SSS} %5p %pid --- [%t] %-40.40logger{39} : %m%n%wEx", .legacy)
        let logger = "o.s.b.w.embedded.tomcat.TomcatWebServer "
        #expect(
            fields(boot2, "2026-11-21 10:00:00.123  INFO 4242 --- [main] \(logger) : up") == [
                "pid": "4242", "thread": "main",
                "logger": "o.s.b.w.embedded.tomcat.TomcatWebServer",
            ])
        let boot3 = try layout(
            "%d{yyyy-MM-dd'T'HH:mm:ss.SSSXXX} %5p %pid --- [shop] [%t] "
                + "%correlationId%-40.40logger{39} : %m%n%wEx")
        let ids = "[803b448a0489f84084905d3093480352-3425f23bb2432450] "
        #expect(
            fields(
                boot3,
                "2026-11-21T19:00:00.123+09:00  WARN 7 --- [shop] [main] \(ids)\(logger) : up"
            ) == [
                "pid": "7", "thread": "main", "traceId": "803b448a0489f84084905d3093480352",
                "spanId": "3425f23bb2432450", "logger": "o.s.b.w.embedded.tomcat.TomcatWebServer",
            ])
        let blank = "[" + String(repeating: " ", count: 49) + "] "
        #expect(
            fields(
                boot3,
                "2026-11-21T19:00:00.123+09:00  WARN 7 --- [shop] [main] \(blank)\(logger) : up"
            )["thread"] == "main")
        let console = try layout(
            "%clr(%d{yyyy-MM-dd'T'HH:mm:ss.SSSXXX}){faint} %clr(%5p){} %clr(%pid){magenta} "
                + "%clr(--- %esb(){APPLICATION_NAME}%esb{APPLICATION_GROUP}[%15.15t] ){faint}"
                + "%clr(%-40.40logger{39}){cyan} %clr(:){faint} %m%n%wEx")
        let plain =
            "2026-11-21T19:00:00.123+09:00 ERROR 7 --- [shop] [           main] \(logger) : up"
        let coloured =
            "\u{1b}[2m2026-11-21T19:00:00.123+09:00\u{1b}[0;39m \u{1b}[31mERROR\u{1b}[0;39m "
            + "\u{1b}[35m7\u{1b}[0;39m \u{1b}[2m--- [shop] [           main] \u{1b}[0;39m"
            + "\u{1b}[36m\(logger)\u{1b}[0;39m \u{1b}[2m:\u{1b}[0;39m up"
        for line in [plain, coloured] {
            #expect(level(console, line) == "ERROR")
            #expect(
                fields(console, line) == [
                    "pid": "7", "application": "shop", "thread": "main",
                    "logger": "o.s.b.w.embedded.tomcat.TomcatWebServer",
                ])
        }
    }

    @Test func pairsAndContexts() throws {
        let layout = try layout("%d %level {%mdc} [%kvp] %marker - %msg%n")
        #expect(
            fields(
                layout,
                "2026-11-21 10:00:00,123 INFO {a=1, b.c=x y, z} [k=\"v w\" k2=\"v2\"] M - x") == [
                    "a": "1", "b_c": "x y, z", "k": "v w", "k2": "v2", "marker": "M",
                ])
        #expect(fields(layout, "2026-11-21 10:00:00,123 INFO {} []  - x") == [:])
    }

    @Test func whatNothingSeparatesIsNoField() throws {
        let layout = try layout("%d %X{a}%X{b} %level %logger%msg%n")
        #expect(layout.remarks.count == 2)
        #expect(fields(layout, "2026-11-21 10:00:00,123 onetwo INFO a.Bmessage") == [:])
        #expect(level(layout, "2026-11-21 10:00:00,123 onetwo INFO a.Bmessage") == "INFO")
    }

    @Test func widthsOfGroupsAndCutLevels() throws {
        let group = try layout("%-30(%d{HH:mm:ss} [%thread]) %.-1level|%msg%n")
        #expect(level(group, "10:00:00 [main]                W|x") == "WARN")
        #expect(fields(group, "10:00:00 [main]                W|x") == ["thread": "main"])
        #expect(!isHeader(group, "10:00:00 [main]               W|x"))
        #expect(group.stampLacks == .date)
        let escaped = try layout("%d \\(%thread\\) %level %msg%n")
        #expect(fields(escaped, "2026-11-21 10:00:00,123 (main) INFO x") == ["thread": "main"])
    }

    @Test func logbacksPeculiarities() throws {
        let cut = try layout("%d (%thread) %level %msg%n")
        #expect(cut.remarks.contains { $0.contains("never writes") })
        let comma = try layout("%d{yyyy-MM-dd HH:mm:ss,SSS} %level %msg%n", .legacy)
        #expect(comma.zone == "UTC")
        #expect(isHeader(comma, "2026-11-21 10:00:00 INFO x"))
        let unknown = try layout("%d %level %custom %logger - %msg%n", rules: ["custom"])
        #expect(unknown.remarks.count == 1)
        #expect(
            fields(unknown, "2026-11-21 10:00:00,123 INFO what ever a.B - x")["logger"] != nil)
        #expect(throws: PatternError.self) { try layout("%d %(abc") }
        #expect(throws: PatternError.self) { try layout("100% sure") }
        #expect(throws: PatternError.self) { try layout("%d{yyyy") }
        let split = try layout("%d{yyyy-MM-dd} %d{HH:mm:ss.SSS} %level - %msg%n")
        #expect(split.stampLacks == .nothing)
        let turned = try layout("%d{HH:mm:ss.SSS} %d{yyyy-MM-dd} %level - %msg%n")
        #expect(turned.stampLacks == .nothing)
        #expect(isHeader(turned, "10:00:00.000 2026-11-21 INFO - x"))
    }

    @Test func whatStandsBehindTheMessage() throws {
        let behind = try CompiledLayout("%d %-5p %m %X{traceId} [%t]%n%ex")
        #expect(
            behind.remarks.map { $0.prefix { $0 != ":" } } == [
                "%X{traceId} stands behind the message", "%t stands behind the message",
            ])
        #expect(try CompiledLayout("%d %-5p [%t] %m %kvp%n").remarks.isEmpty)
    }

    /// Lines and patterns of random pieces neither trap nor take long.
    @Test func anythingIsSurvived() {
        var random = SeededGenerator(seed: 5_2026_11_21)
        let pieces = [
            "%d", "%d{", "}", "%-5", "level", "%thread", "(", ")", "%highlight(", "\\", "%X{a:-b}",
            "[", "]", " ", "%msg", "%n", "%20.", ".-3", "logger", "%kvp", "%esb(){X}", "\"", "'",
            "2026-11-21 10:00:00,123", "INFO", "%correlationId", "\u{1b}[31m", "%-40.40logger{39}",
        ]
        for _ in 0..<3000 {
            let count = Int.random(in: 1...12, using: &random)
            let pattern = (0..<count).map { _ in pieces.randomElement(using: &random) ?? "" }
            guard let layout = try? CompiledLayout(pattern.joined()) else { continue }
            for _ in 0..<4 {
                let text = (0..<20).map { _ in pieces.randomElement(using: &random) ?? "" }
                _ = isHeader(layout, text.joined())
                _ = fields(layout, text.joined())
            }
        }
    }

    /// A line made to be tried in every way ends early.
    @Test func triesAreBounded() throws {
        let layout = try layout(
            "%X{a} %X{b} %X{c} %X{d} %X{e} %X{f} %X{g} %X{h} %level - %msg%n")
        let line = String(repeating: "x ", count: 8000)
        // Unbounded, it would not end within a lifetime.
        #expect(!isHeader(layout, line))
    }

    private func events(_ pattern: String, _ text: String) throws -> [String] {
        var assembler = EventAssembler(
            layout: LayoutRule(compiled: try layout(pattern)), zone: .utc, offset: 0, events: 0)
        return (assembler.add(Array(text.utf8), now: 77) + assembler.finish(now: 77))
            .map { String(decoding: $0.text, as: UTF8.self) }
    }

    /// Headers of another layout within a message begin nothing; a file that has no others is read.
    @Test func aLayoutThatIsNotWrittenAnyMore() throws {
        let pattern = "%d{yyyy-MM-dd HH:mm:ss.SSS} [%thread] %-5level - %msg%n"
        let own = "2026-11-21 10:00:00.123 [main] INFO  - x\n"
        let other = "2026-11-21T10:00:00.123Z  INFO 7 --- [main] a.B : y\n"
        #expect(try events(pattern, own + other + other + own).count == 2)
        #expect(try events(pattern, other + other + "\tat x\n" + other).count == 3)
        let many = String(repeating: other, count: 300)
        #expect(try events(pattern, own + many).count == 1 + 101)
        #expect(try events(pattern, own + many + own + other).count == 1 + 101 + 1)
    }

    @Test func aTimeWithoutADateTakesTheDayOfReading() throws {
        let day: Int64 = 1_795_219_200  // 2026-11-21
        var assembler = EventAssembler(
            layout: LayoutRule(compiled: try layout("%d{HH:mm:ss} %level - %msg%n")), zone: .utc,
            offset: 0, events: 0)
        let now = (day + 36_000) * Nanoseconds.second
        let text = Array("09:59:59 INFO - a\n23:00:00 INFO - b\n".utf8)
        let found = assembler.add(text, now: now) + assembler.finish(now: now)
        #expect(found.map { $0.timestamp / Nanoseconds.second - day } == [35_999, 82_800 - 86_400])
    }
}

/// `%kvp`, of Logback 1.3 and later: `k="v" k2="v2"`, as its manual shows it.
@Suite struct KeyValuePairTests {
    private func fields(_ pattern: String, _ text: String) throws -> [String: String] {
        let layout = try CompiledLayout(pattern)
        let labels = Array(text.utf8).withUnsafeBytes { layout.fields(of: $0) }
        return Dictionary(labels.map { ($0.name, $0.value) }) { $1 }
    }

    @Test func inFrontOfTheMessage() throws {
        let pattern = "%level %kvp %msg%n"
        #expect(try fields(pattern, "INFO a=\"x y\" b=\"2\" hello a=b") == ["a": "x y", "b": "2"])
        #expect(try fields(pattern, "INFO  hello") == [:])
        #expect(try fields(pattern, "INFO a=\"say \"yes\" now\" hello") == ["a": "say \"yes"])
        #expect(try fields("%level %kvp{NONE} %msg%n", "INFO a=1 b=2 hi") == ["a": "1", "b": "2"])
        #expect(try fields("%level %kvp{SINGLE} - %msg%n", "INFO a='1 2' - hi") == ["a": "1 2"])
        #expect(try fields("%level -%kvp- %msg%n", "INFO -a=\"b-c\"- hi - x") == ["a": "b-c"])
        #expect(try fields("%level [%kvp] %c - %msg%n", "INFO [a=\"]\"] l - x")["a"] == "]")
    }

    @Test func behindTheMessage() throws {
        let pattern = "%level %logger - %msg %kvp%n"
        let logger = ["logger": "a.B"]
        #expect(
            try fields(pattern, "INFO a.B - paid order=7 a=\"x y\" b=\"2\"")
                == ["logger": "a.B", "a": "x y", "b": "2"])
        #expect(try fields(pattern, "INFO a.B - paid ") == logger)
        #expect(try fields(pattern, "INFO a.B - a=\"b\" was the cause") == logger)
        #expect(
            try fields(
                pattern,
                "INFO a.B - two\nlines a=\"1\"\njava.lang.Error: b=\"2\"\n\tat c.D.e(D.java:1)")
                == ["logger": "a.B", "a": "1"])
        #expect(
            try fields("%level - %msg [%kvp{NONE}]%n", "INFO - x [y] [a=1 b=2]") == [
                "a": "1", "b": "2",
            ])
        #expect(try fields("%level %clr(%msg) %kvp %n%ex", "INFO x a=\"1\" ") == ["a": "1"])
    }

    @Test func hostileLinesEnd() throws {
        let line = "INFO a.B - " + String(repeating: "a=\"", count: 80_000)
        #expect(try fields("%level %logger - %msg %kvp%n", line) == ["logger": "a.B"])
        #expect(
            try fields("%level %kvp %msg%n", "INFO " + String(repeating: "a=\"b\" ", count: 9_000))
                .count > 0)
    }
}
