import Foundation
import LogModel
import Logging
import Query
import Segment
import Storage
import Testing

/// The same questions to a store whose segments hold columns and to the entries as they are: however a
/// store answers, from an index, from columns or from lines, the answers are equal.
@Suite struct ColumnsQueryTests {
    private static let seed: UInt64 = 20_261_121
    private static let start: Int64 = 1_793_491_200
    private static let seconds: Int64 = 3600

    private static let streams: [Batch] = {
        var random = SeededGenerator(seed: seed)
        return [
            batch("shops", 6000, &random, shopLine), batch("edge", 6000, &random, edgeLine),
            batch("odd", 2000, &random, oddLine),
            batch("json", 6000, &random, jsonLine),
        ]
    }()

    /// The same entries as streams of many pods, which are small and lie side by side.
    private static func ofPods(_ pods: Int) -> [Batch] {
        guard pods > 1 else { return streams }
        return streams.flatMap { batch in
            (0..<pods).map { pod in
                var entries = Entries()
                for row in 0..<batch.entries.count where row * 7919 % 1009 % pods == pod {
                    entries.append(batch.entries, rows: row..<row + 1)
                }
                let labels = batch.labels.pairs + [Label("pod", "p\(pod)")]
                return Batch(labels: Labels(labels), entries: entries)
            }
        }
    }

    private static func batch(
        _ app: String, _ rows: Int, _ random: inout SeededGenerator,
        _ line: (Int, inout SeededGenerator) -> String
    ) -> Batch {
        var entries = Entries()
        for row in 0..<rows {
            var metadata = ["detected_level": row % 9 == 0 ? "error" : "info"]
            // Metadata that is named as a field.
            if ["shops", "json"].contains(app), row % 501 == 0 { metadata["method"] = "stored" }
            entries.append(
                timestamp: (start * 1000 + Int64(row) * seconds * 1000 / Int64(rows)) * 1_000_000
                    + Int64(row % 7) * 10 + Int64(app.utf8.count), line: line(row, &random).utf8,
                metadata: row % 4 == 0 ? .empty : Labels(metadata))
        }
        return Batch(labels: Labels(["app": app, "host": "h1"]), entries: entries)
    }

    private static func pick(_ list: [String], _ random: inout SeededGenerator) -> String {
        list.randomElement(using: &random) ?? ""
    }

    private static func shopLine(_ row: Int, _ random: inout SeededGenerator) -> String {
        let method = pick(["CARD", "CASH", "GIFT", ""], &random)
        let amount = Int.random(in: 0...90_000, using: &random)
        switch row % 5 {
        case 0: return "INFO payment captured amount=\(amount) method=\(method) took=\(row % 90)ms"
        case 1: return "WARN [exec-\(row % 7)] payment refused method=\(method) code=\(row % 11)"
        case 2:
            return
                #"level=info msg="order \#(row) done" method=\#(method) amount=\#(amount).\#(row % 100)"#
        case 3:
            let odd = pick(
                [
                    "amount=NaN", "amount=1e3", "amount=", "amount=x y", "=5",
                    "__error__=a __error__=b",
                ], &random)
            return "INFO retry \(odd) method=\(method)x amount=7"
        default:
            return "INFO order \(row % 13) of \(pick(["a b", "c=d", "\"e\""], &random)) method=PIX"
        }
    }

    private static func edgeLine(_ row: Int, _ random: inout SeededGenerator) -> String {
        let agent = pick(["curl/8.1", "Mozilla/5.0 (X11; Linux)", "-", "a\" b"], &random)
        let status = pick(["200", "200", "200", "304", "404", "500", "503", "-"], &random)
        let path = pick(["/", "/api/\(row % 31)", "/a b", "/x?y=\(row)"], &random)
        return "10.0.\(row % 3).\(row % 251) - - [21/Nov/2026:08:00:\(10 + row % 50) +0000] "
            + "\"\(pick(["GET", "PUT", "POST"], &random)) \(path) HTTP/1.1\" \(status) "
            + "\(row * 13 % 9973) \"\(agent)\""
    }

    private static func oddLine(_ row: Int, _ random: inout SeededGenerator) -> String {
        switch row % 6 {
        case 0: return ""
        case 1: return "tick \(row)\nmethod=CARD amount=\(row)"
        case 2: return "method=\(row % 3) amount=\(row % 40) id=\(random.next())"
        case 3: return "ſelf K=\(row) KELVIN \u{212A} status=\(row % 5)"
        case 4:
            return String((0..<30).map { _ in pick(["a", "=", " ", "\"", "é"], &random) }.joined())
        default:
            return "trace=\(String(random.next(), radix: 16))\(String(random.next(), radix: 16))"
        }
    }

    private static func jsonLine(_ row: Int, _ random: inout SeededGenerator) -> String {
        let method = pick(["CARD", "CASH", "GIFT", "", "é", "a b"], &random)
        let amount = Int.random(in: 0...90_000, using: &random)
        let at =
            "2026-11-01T\(10 + row * 14 / 6000):\(10 + row % 50):\(10 + row % 49).\(100 + row % 900)Z"
        switch row % 8 {
        case 0, 1:
            return
                #"{"@timestamp":"\#(at)","level":"INFO","method":"\#(method)","amount":\#(amount),"http":{"status":\#(200 + row % 4 * 100),"path":"/a/\#(row % 40)"}}"#
        case 2:
            let odd = pick(["007", "1e3", "-0.5", "true", "null", "1.", "-", "12"], &random)
            return #"{"method":"\#(method)","count":\#(odd),"amount":\#(row % 90),"level":"WARN"}"#
        case 3:
            let text = pick(
                ["plain", #"a \"b\""#, #"back\\slash"#, #"tab\there"#, #"\u00e9"#], &random)
            return
                #"{"msg":"\#(text) \#(row)","method":"\#(method)","level":"INFO","amount": \#(amount) }"#
        case 4:
            return
                #"{"tags":["a",\#(row % 3),null,"x\#(row)"],"method":"CARD","method":"twice","amount":\#(row),"ok":\#(row % 3 == 0)}"#
        case 5:
            let odd = pick(
                [
                    #""__error__":"x","#, #""":"e","#, #""9 a.b":"n","#, #""http":null,"#,
                    #""a":[{"b":1}],"#,
                ],
                &random)
            return #"{\#(odd)"method":"\#(method)","amount":"\#(amount)"}"#
        case 6:
            return pick(
                ["", "no json \(row)", "{\"method\":\"CARD\"", "{} x", "[1,2]", "{}"], &random)
        default:
            return
                #"{ "level" : "ERROR" , "method" : "PIX" , "http" : { "status" : 50\#(row % 4) } }"#
        }
    }

    static let logs = [
        #"{app=~".+"} |= "payment""#, #"{app="shops"} != "payment" |= "amount""#,
        #"{app=~".+"} |~ "(?i)kelvin""#, #"{app=~".+"} |~ "(?i)SELF""#,
        #"{app="edge"} |> "<_> \"GET <_>\" 50<_>""#, #"{app="edge"} !~ "GET|PUT""#,
        #"{app=~".+"} |~ "order (3|4|77) .*CARD""#, #"{app=~".+"} |= "absent" or "tick 1""#,
        #"{app=~".+"} !~ "a" != "0""#, #"{app="odd"} |= "\nmethod""#, #"{app=~".+"}"#,
        #"{app="json"} | json | method="PIX""#, #"{app="json"} | json | msg="back\\slash 12""#,
        #"{app="json"} | json | msg=~"a .b. .*" or level="ERROR""#,
        #"{app="json"} | json | msg=~"é.*""#,
        #"{app=~".+"} | json | http_status="503" | level="ERROR""#,
        #"{app="json"} | json | __error__="JSONParserErr""#,
        #"{app=~".+"} | logfmt | method="CARD" | amount=~"1.*""#,
        #"{app="odd"} | logfmt | detected_level="error""#,
        #"{app="edge"} | pattern `<ip> - - [<_>] "<method> <path> <_>" <status> <_>` | path="/api/7""#,
        #"{app=~".+"} | regexp `(?P<app>GET|PUT)` | app_extracted="GET""#,
        #"{app=~".+"} | regexp `(?P<app>GET|PUT)` | app="edge""#,
        #"{app="edge"} |= "/api/7 " |~ "HTTP/1\\.1\" 404""#, #"{app=~".+"} |= "INFO" != "INFO""#,
    ]
    static let metrics = [
        #"sum by (__error__) (count_over_time({app="shops"} | logfmt [5m]))"#,
        #"sum by (app) (count_over_time({app=~".+"}[5m]))"#,
        #"sum by (level) (count_over_time({app=~".+"}[1m]))"#,
        #"sum by (detected_level) (count_over_time({app=~".+"} |= "payment" [5m]))"#,
        #"sum by (method) (count_over_time({app="shops"} != "payment" [7m]))"#,
        #"sum (bytes_over_time({app=~".+"} |= "method" [5m]))"#,
        #"sum by (method) (sum_over_time({app="shops"} |= "payment captured" | logfmt | unwrap amount [5m]))"#,
        #"sum by (method) (sum_over_time({app="shops"} | logfmt | unwrap amount | __error__="" [5m]))"#,
        #"max by (method) (max_over_time({app="shops"} | logfmt | method!="CARD" | unwrap amount | __error__="" [9m]))"#,
        #"sum by (method, code) (count_over_time({app=~".+"} | logfmt | code > 3 [5m]))"#,
        #"sum by (method) (count_over_time({app=~".+"} | logfmt | amount < 500 | __error__="" [5m]))"#,
        #"avg_over_time({app="shops"} | logfmt | took > 20ms | unwrap duration(took) [5m]) by (method)"#,
        #"sum by (status) (count_over_time({app="edge"} | pattern `<ip> - - [<_>] "<method> <path> <_>" <status> <size> <_>` [5m]))"#,
        #"topk(3, sum by (ip) (count_over_time({app="edge"} | pattern `<ip> - - [<_>] "<_> <_> <_>" <status> <_>` | status >= 500 [10m])))"#,
        #"sum by (method, path) (count_over_time({app="edge"} | pattern `<_>"<method> <path> <_>` | method=~"P.*" [20m]))"#,
        #"quantile_over_time(0.9, {app="edge"} | pattern `<_>" <status> <size> <_>` | unwrap size | __error__="" [5m]) by (status)"#,
        #"sum by (x) (count_over_time({app=~".+"} | pattern `<x> <_>` | x=~"[A-Z]+" [5m]))"#,
        #"sum by (app, detected_level) (rate({app=~".+"} | logfmt | method="PIX" [5m]))"#,
        #"sum by (method) (count_over_time({app="json"} | json [5m]))"#,
        #"sum by (method, level) (count_over_time({app="json"} | json | __error__="" [5m]))"#,
        #"sum by (__error__, method) (count_over_time({app="json"} | json [30m]))"#,
        #"sum by (method) (sum_over_time({app="json"} | json | unwrap amount | __error__="" [5m]))"#,
        #"sum by (http_status) (count_over_time({app="json"} | json | http_status >= 500 [5m]))"#,
        #"max_over_time({app="json"} | json | level="INFO" | unwrap amount | __error__="" [10m]) by (http_path)"#,
        #"sum by (count) (count_over_time({app="json"} | json | method!="CARD" [30m]))"#,
        #"sum by (_9_a_b, e, a, ok, msg) (count_over_time({app="json"} | json | level!="ERROR" [30m]))"#,
        #"sum by (level) (rate({app=~".+"} | json | detected_level="error" | __error__="" [5m]))"#,
        #"sum by (status) (count_over_time({app="edge"} | regexp `" (?P<status>\d+) ` [5m]))"#,
        #"sum by (method, ip) (count_over_time({app="edge"} | regexp `^(?P<ip>\S+) \S+ \S+ \[[^\]]*\] "(?P<method>\w+) (?P<path>\S+)` | method="GET" [30m]))"#,
        #"max_over_time({app="shops"} | regexp `amount=(?P<amount>[\d.]+)` | amount!="" | unwrap amount [5m]) by (app)"#,
        #"sum by (n) (sum_over_time({app=~".+"} | regexp `(?P<n>\d+) ` | n > 3 | unwrap n | __error__="" [10m]))"#,
        #"sum by (app_extracted, app) (count_over_time({app=~".+"} | regexp `(?P<app>[a-z]+)` [10m]))"#,
        #"sum by (a, b) (count_over_time({app=~".+"} | regexp `(?P<a>GET|PUT) /(?P<b>.)` | a=~"G.*" [10m]))"#,
        #"sum by (x) (count_over_time({app=~".+"} | regexp `(?P<x>[^ ]*)$` | x!="" [10m]))"#,
        #"sum by (last, method) (count_over_time({app="shops"} | regexp `method=(?P<method>\S*).*?(?P<last>\d)` | level!="x" [10m]))"#,
        #"count_distinct(path, count_over_time({app="edge"} | pattern `<_>"<_> <path> <_>` [30m]) by (path))"#,
    ]

    /// How a store keeps the entries.
    struct Form: Sendable {
        var segments: Int
        var pods = 1
        /// Of so many streams each segment begins a little before the one before it ends, with the same
        /// entries: every one, every third, none.
        var overlapEvery = 1
        /// In columns, or as they were pushed.
        var isMerged = true
        /// Small streams in many short stretches of time.
        var isStretched = false
    }

    private func store(
        _ folder: String, _ streams: [Batch], _ form: Form
    ) async throws -> Store {
        let segments = form.segments
        var options = StoreOptions(folder: folder)
        options.level0AgeSeconds = 0
        if form.isStretched { (options.stretchBytes, options.stretchRows) = (30_000, 3) }
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let store = try Store.open(options, logger: logger)
        for part in 0..<segments {
            var batches: [Batch] = []
            for (number, batch) in streams.enumerated() {
                let overlap = form.overlapEvery > 0 && number % form.overlapEvery == 0 ? 20 : 0
                let share = batch.entries.count / segments
                let end = part == segments - 1 ? batch.entries.count : (part + 1) * share
                var entries = Entries()
                entries.append(batch.entries, rows: max(0, part * share - overlap)..<end)
                batches.append(Batch(labels: batch.labels, entries: entries))
            }
            try await store.commit(Push(tenant: "t", batches: batches, sources: []))
            if form.isMerged { store.keepHouse(retire: false) }
        }
        return store
    }

    /// Everything, with streams joined where that may be.
    private static var joined: Selection {
        get throws {
            var selection = Selection(
                tenant: "t", matchers: [try Matcher("app", .match, ".+")],
                start: Timestamp(nanoseconds: 0), end: Timestamp(nanoseconds: .max))
            selection.joinsStreams = true
            return selection
        }
    }

    private func ask(
        _ text: String, _ source: any LogSource, _ direction: Selection.Direction = .backward,
        isInner: Bool = false
    ) throws -> QueryValue {
        let cut = isInner ? Self.seconds / 3 : 0
        let request = QueryRequest(
            tenant: "t", text: text,
            start: Timestamp(nanoseconds: (Self.start + cut) * 1_000_000_000),
            end: Timestamp(nanoseconds: (Self.start + Self.seconds - cut) * 1_000_000_000),
            stepNanoseconds: 300 * Nanoseconds.second, limit: isInner ? 30 : 700,
            direction: direction, isInstant: false)
        return try QueryEngine(source: source, limits: Limits()).run(request).value
    }

    private func rows(_ value: QueryValue) -> [String] {
        switch value {
        case .streams(let rows):
            rows.map {
                "\($0.timestamp) \($0.labels.merged) \(String(decoding: $0.line, as: UTF8.self))"
            }
        case .matrix(let series), .vector(let series):
            series.flatMap { one in
                one.points.map { "\(one.labels) \($0.milliseconds) \($0.value.rounded9)" }
            }
        case .scalar(let point): ["\(point.value)"]
        }
    }

    @Test(arguments: [
        Form(segments: 1), Form(segments: 3), Form(segments: 1, pods: 80),
        Form(segments: 3, pods: 80, overlapEvery: 3),
        Form(segments: 1, pods: 80, isStretched: true),
        Form(segments: 2, pods: 80, overlapEvery: 4, isStretched: true),
        Form(segments: 2, pods: 80, overlapEvery: 0, isMerged: false),
        Form(segments: 4, pods: 80, overlapEvery: 1),
        Form(segments: 4, pods: 80, overlapEvery: 1, isMerged: false),
        Form(segments: 2, pods: 80, overlapEvery: 1, isStretched: true),
    ]) func answersAreThoseOfTheLines(form: Form) async throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("cordwood-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let streams = Self.ofPods(form.pods)
        let store = try await store(folder, streams, form)
        #expect(store.metrics.segmentsByLevel == [(form.isMerged ? 1 : 0): form.segments])
        if form.isStretched {
            let objects = URL(fileURLWithPath: folder + "/objects")
            for name in try FileManager.default.contentsOfDirectory(atPath: objects.path) {
                let bytes = [UInt8](try Data(contentsOf: objects.appendingPathComponent(name)))
                let anatomy = try SegmentAnatomy(size: bytes.count) { Array(bytes[$0]) }
                #expect(anatomy.columns.chunks > 10)
            }
        }
        let memory = MemorySource(streams: streams.map { ($0.labels, $0.entries) })
        let plan = try store.plan(Self.joined)
        #expect(plan.contains { $0.streams.count > 1 } == (form.pods > 1))
        for text in Self.logs {
            for direction in [Selection.Direction.backward, .forward] {
                #expect(
                    rows(try ask(text, store, direction, isInner: true))
                        == rows(try ask(text, memory, direction, isInner: true)),
                    "\(text) \(direction), inner, \(form), seed \(Self.seed)")
                #expect(
                    rows(try ask(text, store, direction)) == rows(try ask(text, memory, direction)),
                    "\(text) \(direction), \(form), seed \(Self.seed)")
            }
        }
        for text in Self.metrics {
            for isInner in [false, true] {
                let expected = Result { rows(try ask(text, memory, isInner: isInner)) }
                let found = Result { rows(try ask(text, store, isInner: isInner)) }
                switch (expected, found) {
                case (.success(let expected), .success(let found)):
                    #expect(found == expected, "\(text), \(isInner), \(form), seed \(Self.seed)")
                case (.failure, .failure): break
                default: Issue.record("\(text): \(expected) or \(found)")
                }
            }
        }
        await store.close()
    }
}

/// SplitMix64: the same numbers for the same seed on every machine.
private struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}

extension Double {
    /// Sums in another order differ in the last places.
    fileprivate var rounded9: String { String(format: "%.9g", self) }
}
