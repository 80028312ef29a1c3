import LogModel
import Query
import Testing

/// What Cordwood's LogQL has beyond Loki's, against answers worked out by hand or by a naive loop.
@Suite struct AdditionTests {
    private static let second = Nanoseconds.second

    /// `x`: a line a second, `v=<n>`, with the trace `t<n mod 10>`; `y`: every third.
    private static let source: MemorySource = {
        var fast = Entries()
        var slow = Entries()
        for n in 0..<300 {
            let trace = Labels([Label("trace", "t\(n % 10)")])
            fast.append(
                timestamp: Int64(n) * second, line: "v=\(n) k=\(n % 2)".utf8, metadata: trace)
            if n % 3 == 0 { slow.append(timestamp: Int64(n) * second, line: "v=\(n)".utf8) }
        }
        return MemorySource(streams: [
            (Labels([Label("app", "a"), Label("host", "x")]), fast),
            (Labels([Label("app", "b"), Label("host", "y")]), slow),
        ])
    }()

    private func run(
        _ text: String, start: Int64 = 0, end: Int64 = 300, step: Int64 = 60, limit: Int = 10,
        direction: Selection.Direction = .backward, instant: Bool = false,
        context: QueryRequest.Context = QueryRequest.Context(), limits: Limits = Limits()
    ) throws -> QueryValue {
        var request = QueryRequest(
            tenant: "t", text: text, start: Timestamp(nanoseconds: start * Self.second),
            end: Timestamp(nanoseconds: end * Self.second),
            stepNanoseconds: instant ? 0 : step * Self.second, limit: limit, direction: direction,
            isInstant: instant)
        request.context = context
        return try QueryEngine(source: Self.source, limits: limits).run(request).value
    }

    /// Values at the steps by labels.
    private func values(_ value: QueryValue) -> [String: [Double]] {
        switch value {
        case .matrix(let series), .vector(let series):
            Dictionary(series.map { ($0.labels.description, $0.points.map(\.value)) }) { $1 }
        case .scalar(let point): ["": [point.value]]
        case .streams: [:]
        }
    }

    private func instant(_ text: String, at end: Int64 = 120) throws -> [String: [Double]] {
        values(try run(text, end: end, instant: true))
    }

    private func lines(_ value: QueryValue) throws -> [String] {
        guard case .streams(let rows) = value else {
            throw QueryError(.invalid, "no streams")
        }
        return rows.map { String(decoding: $0.line, as: UTF8.self) }
    }

    @Test func presentAndDistinct() throws {
        #expect(
            try instant(#"present_over_time({host="x"}[1m]) by (host)"#) == [#"{host="x"}"#: [1]])
        #expect(
            try instant(#"distinct_over_time(trace, {app=~"a|b"}[1m]) by (host)"#)
                == [#"{host="x"}"#: [10]])
        // t1 to t5 within five seconds.
        #expect(
            try instant(#"distinct_over_time(trace, {host="x"}[5s]) by ()"#, at: 5) == ["{}": [5]])
        #expect(
            try instant(
                #"count_distinct by (app) (trace, count_over_time({app=~"a|b"}[1m]))"#)
                == [#"{app="a"}"#: [10], #"{app="b"}"#: [0]])
    }

    @Test func histogramsCountUpToEachBound() throws {
        let linear = try instant(
            #"histogram_over_time(25, {host="x"} | logfmt | unwrap v [100s]) by ()"#, at: 99)
        #expect(
            linear == [
                #"{le="0"}"#: [1], #"{le="25"}"#: [26], #"{le="50"}"#: [51], #"{le="75"}"#: [76],
                #"{le="100"}"#: [100], #"{le="+Inf"}"#: [100],
            ])
        let log = try instant(
            #"histogram_over_time(log(2), {host="x"} | logfmt | unwrap v [10s]) by ()"#, at: 9)
        #expect(
            log == [
                #"{le="0"}"#: [1], #"{le="1"}"#: [2], #"{le="2"}"#: [3], #"{le="4"}"#: [5],
                #"{le="8"}"#: [9], #"{le="16"}"#: [10], #"{le="+Inf"}"#: [10],
            ])
    }

    @Test func fillAndFunctionsOfEachValue() throws {
        #expect(try instant(#"fill(count_over_time({app="none"}[1m]), 0)"#) == ["{}": [0]])
        let filled = values(try run(#"fill(count_over_time({host="x"}[10s]), -1) "#, step: 300))
        #expect(filled.values.allSatisfy { $0.count == 2 && !$0.isEmpty })
        #expect(
            filled[#"{app="a", host="x", trace="t0"}"#] == [1, -1]
                && filled[#"{app="a", host="x", trace="t5"}"#] == [-1, 1])
        func one(_ expression: String) throws -> Double? {
            try instant(expression)["{}"]?.first
        }
        #expect(try one("abs(vector(1) - vector(3))") == 2)
        #expect(try one("ceil(vector(1.2))") == 2 && one("floor(vector(1.8))") == 1)
        #expect(try one("round(vector(2.5))") == 3 && one("round(vector(1.26), 0.1)") == 1.3)
        #expect(try one("clamp_min(vector(1), 4)") == 4 && one("clamp_max(vector(9), 4)") == 4)
        #expect(try one("ln(exp(vector(2)))") == 2 && one("sqrt(vector(81))") == 9)
        #expect(try one("log2(vector(8))") == 3 && one("log10(vector(1000))") == 3)
    }

    @Test func subqueriesEqualTheirLoop() throws {
        let got = values(
            try run(
                #"max_over_time(sum(sum_over_time({host="x"} | logfmt | unwrap v [10s]))[1m:15s])"#,
                start: 60, end: 240))["{}"]
        var wanted: [Double] = []
        for end in stride(from: 60, through: 240, by: 60) {
            // Inner steps are multiples of 15 s in (end - 60 s, end].
            var largest = 0
            for at in stride(from: end - 45, through: end, by: 15) {
                largest = max(largest, ((at - 9)...at).reduce(0, +))
            }
            wanted.append(Double(largest))
        }
        #expect(got == wanted)
        #expect(
            try instant(#"count_over_time(vector(1)[1m:10s])"#) == ["{}": [6]])
        #expect(throws: QueryError.self) { try instant(#"sum_over_time(vector(1)[1m:])"#) }
        #expect(throws: QueryError.self) { try instant(#"sum_over_time(vector(1)[1y:1ms])"#) }
    }

    @Test func anchorsHoldTheWindowStill() throws {
        let anchored = values(try run(#"sum(count_over_time({host="x"}[1m] @ 90))"#))["{}"]
        #expect(anchored == [60, 60, 60, 60, 60, 60])
        let atEnd = values(
            try run(#"sum(count_over_time({host="x"}[1m] @ end()))"#, end: 30, step: 10))["{}"]
        #expect(atEnd == [31, 31, 31, 31])
        let moved = values(
            try run(#"sum(count_over_time({host="x"}[1m] offset 80s @ 90))"#, step: 300))["{}"]
        #expect(moved == [11, 11])
    }

    @Test func severalSelectorsGiveEachEntryOnce() throws {
        let both = try lines(
            try run(#"{host="x"} |= "v=29" or {host="y"} or {app="a"} |= "v=299""#, limit: 6))
        #expect(
            both == [
                "v=299 k=1", "v=298 k=0", "v=297 k=1", "v=297", "v=296 k=0", "v=295 k=1",
            ])
        let forward = try lines(
            try run(#"({host="y"} or {host="x"}) |= "v=3""#, limit: 4, direction: .forward))
        // Which stream comes first at one time is not told.
        #expect(forward.prefix(2).sorted() == ["v=3", "v=3 k=1"])
        #expect(forward.dropFirst(2).sorted() == ["v=30", "v=30 k=0"])
    }

    @Test func anyMetadataIsFoundWithoutItsName() throws {
        #expect(
            try lines(try run(#"{app="a"} | metadata() = "t7""#, limit: 2))
                == ["v=297 k=1", "v=287 k=1"])
        #expect(try lines(try run(#"{app="b"} | metadata() =~ "t.""#)).isEmpty)
    }

    @Test func calculationsWithLabels() throws {
        guard
            case .streams(let rows) = try run(
                #"{host="x"} | logfmt | label_format ms=(v - k) * 1000, half=v/2"#, limit: 1)
        else { return }
        let labels = try #require(rows.first).labels.merged
        #expect(labels["ms"] == "298000" && labels["half"] == "149.5")
    }

    /// What `grep -A -B` gives over the lines of `x`, by groups.
    private func grep(_ matches: Set<Int>, before: Int, after: Int) -> [[Int]] {
        let shown = (0..<300).filter { n in
            (n - after...n + before).contains { matches.contains($0) }
        }
        var groups: [[Int]] = []
        for n in shown {
            if let last = groups.last?.last, last + 1 == n {
                groups[groups.count - 1].append(n)
            } else {
                groups.append([n])
            }
        }
        return groups
    }

    @Test(arguments: [(0, 0), (1, 0), (0, 2), (2, 3), (5, 5), (50, 60)])
    func contextIsWhatGrepGives(before: Int, after: Int) throws {
        let context = QueryRequest.Context(before: before, after: after)
        let matches = Set([0, 3, 4, 9, 17, 100, 104, 299])
        let pattern = matches.map(String.init).joined(separator: "|")
        for direction in [Selection.Direction.forward, .backward] {
            guard
                case .streams(let rows) = try run(
                    #"{host="x"} |~ "v=(\#(pattern)) ""#, limit: 100, direction: direction,
                    context: context)
            else { return }
            guard context.isWanted else {
                #expect(rows.count == matches.count)
                continue
            }
            var groups: [[Int]] = []
            var number = ""
            for row in rows {
                let n = Int(row.timestamp / Self.second)
                #expect(row.labels.merged["__match__"] == (matches.contains(n) ? "true" : nil))
                #expect(row.labels.stream["host"] == "x")
                let group = row.labels.merged["__group__"] ?? "none"
                if group != number { groups.append([]) }
                number = group
                groups[groups.count - 1].append(n)
            }
            if direction == .backward { groups = groups.map { $0.reversed() }.reversed() }
            #expect(groups == grep(matches, before: before, after: after))
        }
    }

    @Test func aQueryThatNeedsTooMuchIsToldWhat() throws {
        var limits = Limits()
        limits.maxQueryMemory = 20_000
        for text in [
            #"{app="a"}"#, #"count_over_time({app="a"}[1s])"#,
            #"quantile_over_time(0.5, {app="a"} | logfmt | unwrap v [5m])"#,
        ] {
            do {
                _ = try run(text, step: 1, limit: 0, limits: limits)
                Issue.record("\(text) fits")
            } catch let error as QueryError {
                #expect(error.message.contains("max_query_memory allows 19 KiB"))
            }
        }
    }

    @Test func aFaultyStageIsShownWithItsPlace() throws {
        do {
            _ = try run("{app=\"a\"}\n  | line_format \"{{.x\"")
            Issue.record("compiled")
        } catch let error as QueryError {
            #expect(error.message.hasSuffix("\n    | line_format \"{{.x\"\n    ^"))
        }
    }
}

/// Windows that hold hundreds of stretches of time slide over them.
@Suite struct LongWindowTests {
    private static let second = Nanoseconds.second

    @Test(arguments: ["sum", "avg", "min", "max", "stddev", "first", "last"])
    func theySayWhatALoopSays(function: String) throws {
        var state: UInt64 = 7
        var entries = Entries()
        var samples: [(time: Int64, value: Double)] = []
        for _ in 0..<3000 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let time = (samples.last?.time ?? 0) + Int64(state >> 60)
            let value = Double(state >> 33 & 0x3ff)
            samples.append((time, value))
            entries.append(timestamp: time * Self.second, line: "v=\(Int(value))".utf8)
        }
        let source = MemorySource(streams: [(Labels([Label("app", "a")]), entries)])
        let request = QueryRequest(
            tenant: "t", text: "\(function)_over_time({app=\"a\"} | logfmt | unwrap v [40m])",
            start: Timestamp(nanoseconds: 0), end: Timestamp(nanoseconds: 23_000 * Self.second),
            stepNanoseconds: 7 * Self.second)
        guard
            case .matrix(let series) = try QueryEngine(source: source, limits: Limits())
                .run(request).value
        else { return }
        let points = try #require(series.first).points
        #expect(points.count > 3000)
        for point in points {
            let end = point.milliseconds / 1000
            let window = samples.filter { $0.time > end - 2400 && $0.time <= end }.map(\.value)
            let mean = window.reduce(0, +) / Double(window.count)
            let wanted: Double =
                switch function {
                case "sum": window.reduce(0, +)
                case "avg": mean
                case "min": window.min() ?? .nan
                case "max": window.max() ?? .nan
                case "stddev":
                    (window.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(window.count))
                        .squareRoot()
                case "first": window.first ?? .nan
                default: window.last ?? .nan
                }
            #expect(abs(point.value - wanted) < 1e-6, "\(function) at \(end)")
        }
    }
}

/// What a query holds, counts, and no more than that.
@Suite struct BoundTests {
    private static let second = Nanoseconds.second
    private static let source: MemorySource = {
        var entries = Entries()
        for n in 0..<20_000 {
            entries.append(timestamp: Int64(n) * second / 10, line: "v=\(n) k=\(n % 7)".utf8)
        }
        return MemorySource(streams: [(Labels([Label("app", "a")]), entries)])
    }()

    private func run(
        _ text: String, memory: Int, step: Int64 = 60, context: QueryRequest.Context? = nil
    ) throws -> QueryValue {
        var limits = Limits()
        limits.maxQueryMemory = memory
        var request = QueryRequest(
            tenant: "t", text: text, start: Timestamp(nanoseconds: 0),
            end: Timestamp(nanoseconds: 2000 * Self.second), stepNanoseconds: step * Self.second,
            limit: 10)
        request.context = context ?? request.context
        return try QueryEngine(source: Self.source, limits: limits).run(request).value
    }

    @Test func memoryOfOnePartServesTheNext() throws {
        let one = #"quantile_over_time(0.5, {app="a"} | logfmt | unwrap v [1m]) by ()"#
        #expect(throws: Never.self) { try run(one, memory: 400_000) }
        let three = [one, one, one].joined(separator: " + ")
        #expect(throws: Never.self) { try run(three, memory: 400_000) }
    }

    @Test func whatLiesBetweenWindowsIsNotKept() throws {
        let sparse = #"rate_counter({app="a"} | logfmt v | unwrap v [1s])"#
        #expect(throws: Never.self) { try run(sparse, memory: 60_000, step: 600) }
        #expect(throws: QueryError.self) { try run(sparse, memory: 60_000, step: 1) }
    }

    @Test func bucketsAndContextCount() throws {
        #expect(throws: QueryError.self) {
            try run(
                #"histogram_over_time(1, {app="a"} | logfmt | unwrap v [1h]) by ()"#,
                memory: 8 << 20, step: 1)
        }
        for context in [
            QueryRequest.Context(before: 900), QueryRequest.Context(after: 900),
        ] {
            #expect(throws: QueryError.self) {
                try run(#"{app="a"} |= "v=9000 ""#, memory: 100_000, context: context)
            }
        }
    }

    /// Expressions replace what parsers before them found, in numbers as in lines.
    @Test func metricsSeeTheLabelsThatLinesHave() throws {
        guard
            case .matrix(let series) = try run(
                #"sum by (v) (count_over_time({app="a"} | logfmt | logfmt v="k" [1h]))"#,
                memory: 1 << 24)
        else { return }
        #expect(Set(series.map { $0.labels["v"] }) == Set((0..<7).map { "\($0)" }))
    }

    @Test func alternativesAnswerAsTheFirstOfThemDoes() throws {
        guard
            case .streams(let rows) = try run(
                #"{app="a"} | label_format leg="1" or {app="a"} |= "v=" | label_format leg="2""#,
                memory: 1 << 24)
        else { return }
        #expect(rows.count == 10 && rows.allSatisfy { $0.labels.merged["leg"] == "1" })
    }
}
