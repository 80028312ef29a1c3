import LogModel
import Pipeline
import Query
import Testing

@Suite struct EngineTests {
    private static let second = Nanoseconds.second

    /// Two streams, a line a second and one every three seconds: `v=<n>`.
    private static let source: MemorySource = {
        var fast = Entries()
        var slow = Entries()
        for n in 0..<300 {
            fast.append(timestamp: Int64(n) * second, line: "v=\(n) k=\(n % 2)".utf8)
            if n % 3 == 0 { slow.append(timestamp: Int64(n) * second, line: "v=\(n)".utf8) }
        }
        return MemorySource(streams: [
            (Labels([Label("app", "a"), Label("host", "x")]), fast),
            (Labels([Label("app", "a"), Label("host", "y")]), slow),
        ])
    }()

    private func run(
        _ text: String, start: Int64 = 0, end: Int64 = 300, step: Int64 = 60, limit: Int = 10,
        direction: Selection.Direction = .backward, instant: Bool = false
    ) throws -> QueryValue {
        let request = QueryRequest(
            tenant: "t", text: text, start: Timestamp(nanoseconds: start * Self.second),
            end: Timestamp(nanoseconds: end * Self.second), stepNanoseconds: step * Self.second,
            limit: limit, direction: direction, isInstant: instant)
        return try QueryEngine(source: Self.source, limits: Limits()).run(request).value
    }

    private func values(_ value: QueryValue) -> [String: [Double]] {
        switch value {
        case .matrix(let series), .vector(let series):
            Dictionary(series.map { ($0.labels.description, $0.points.map(\.value)) }) { $1 }
        case .scalar(let point): ["": [point.value]]
        case .streams: [:]
        }
    }

    @Test func newestFirstOverAllStreamsAndNoMoreThanTheLimit() throws {
        guard case .streams(let rows) = try run(#"{app="a"}"#, limit: 5) else { return }
        #expect(rows.map { $0.timestamp / Self.second } == [299, 298, 297, 297, 296])
        guard
            case .streams(let oldest) = try run(
                #"{app="a"} |= "v=1""#, limit: 3, direction: .forward)
        else { return }
        #expect(oldest.map { $0.timestamp / Self.second } == [1, 10, 11])
        guard case .streams(let all) = try run(#"{app="a"}"#, limit: 0) else { return }
        #expect(all.count == 400)
    }

    @Test func windowsAreOpenOnTheLeftAndClosedOnTheRight() throws {
        let counts = values(try run(#"count_over_time({host="x"}[1m])"#))
        #expect(counts[#"{app="a", host="x"}"#] == [1, 60, 60, 60, 60, 59])
    }

    @Test func groupsWhileReadingAndAfterAlike() throws {
        let grouped = values(
            try run(#"sum by (k) (sum_over_time({host="x"} | logfmt | unwrap v [1m]))"#, start: 60))
        // The even numbers from 2 to 60.
        #expect(grouped[#"{k="0"}"#]?.first == 930)
        let maximum = values(
            try run(#"max(max_over_time({app="a"} | logfmt | unwrap v [2m]))"#, end: 240))
        #expect(maximum["{}"] == [0, 60, 120, 180, 240])
    }

    @Test func overlappingWindowsEqualANaiveCount() throws {
        let counts = values(try run(#"sum(count_over_time({app="a"}[100s]))"#, step: 7))["{}"] ?? []
        // Steps are multiples of seven, widened to the one behind the end.
        for (i, count) in counts.enumerated() {
            let end = i * 7
            let expected = (max(0, end - 99)...min(end, 299)).reduce(0) {
                $0 + 1 + ($1 % 3 == 0 ? 1 : 0)
            }
            #expect(Int(count) == expected, "step \(end)")
        }
    }

    @Test func vectorsMatchAndCompare() throws {
        let ratio = values(
            try run(
                #"sum by (host) (count_over_time({app="a"}[1m])) / on () group_left sum(count_over_time({app="a"}[1m]))"#,
                end: 120, instant: true))
        #expect(ratio[#"{host="x"}"#] == [0.75])
        let large = values(
            try run(#"count_over_time({app="a"}[1m]) > 30"#, end: 120, instant: true))
        #expect(large == [#"{app="a", host="x"}"#: [60]])
        #expect(values(try run("vector(1) + vector(1)", instant: true)) == ["{}": [2]])
        #expect(
            values(try run(#"topk(1, count_over_time({app="a"}[1m]))"#, end: 120, instant: true))
                .count == 1)
        let absent = values(try run(#"absent_over_time({app="none"}[1m])"#, end: 60, instant: true))
        #expect(absent == [#"{app="none"}"#: [1]])
    }

    @Test func theLargestOfManySeriesAreThoseOfAllInOrder() throws {
        let inner = #"sum by (v) (count_over_time({app="a"} | logfmt | v=~"1.*" [5m]))"#
        // Equal counts stand in the order of their labels.
        let all = values(try run(inner, end: 300, instant: true)).mapValues { $0[0] }
        #expect(all.count > 100)
        for (k, name) in [(1, "topk"), (5, "topk"), (6, "bottomk"), (90, "topk"), (999, "bottomk")]
        {
            let found = values(try run("\(name)(\(k), \(inner))", end: 300, instant: true))
            let order = all.sorted { a, b in
                if a.value == b.value { return a.key < b.key }
                return (a.value > b.value) == (name == "topk")
            }
            #expect(Set(found.keys) == Set(order.prefix(k).map(\.key)), "\(name) \(k)")
        }
    }

    @Test func seriesThatAreNeverAmongTheLargestAreNotThere() throws {
        // Host y has a line every three seconds, host x each second.
        let one = values(try run(#"topk(1, count_over_time({app="a"}[1m])) > bool 0"#))
        #expect(Array(one.keys) == [#"{app="a", host="x"}"#])
        let each = values(try run(#"topk(1, count_over_time({app="a"}[1m])) by (host)"#, end: 120))
        #expect(Set(each.keys) == [#"{app="a", host="x"}"#, #"{app="a", host="y"}"#])
    }

    @Test func aLimitBeyondAllNumbersIsNone() throws {
        guard case .streams(let rows) = try run(#"{app="a"}"#, limit: .max / 2) else { return }
        #expect(rows.count == 400)
        guard case .streams(let some) = try run(#"{app="a"} |= "v=1""#, limit: .max - 1) else {
            return
        }
        #expect(some.count > 100)
    }

    @Test func quantilesAndOffsets() throws {
        let median = values(
            try run(
                #"quantile_over_time(0.5, {host="x"} | logfmt | unwrap v [5s]) by (host)"#, end: 10,
                instant: true))
        #expect(median == [#"{host="x"}"#: [8]])
        let before = values(
            try run(
                #"last_over_time({host="x"} | logfmt | unwrap v [5s] offset 1m) by (host)"#,
                end: 100, instant: true))
        #expect(before == [#"{host="x"}"#: [40]])
    }

    @Test func limitsAreKeptWithAText() throws {
        #expect(throws: QueryError.self) { try run(#"rate({app="a"}[1m])"#, end: 20_000, step: 1) }
        do {
            var limits = Limits()
            limits.maxQuerySeries = 1
            _ = try QueryEngine(source: Self.source, limits: limits).run(
                QueryRequest(
                    tenant: "t", text: #"rate({app="a"}[1m])"#, start: Timestamp(nanoseconds: 0),
                    end: Timestamp(nanoseconds: 60 * Self.second), stepNanoseconds: 60 * Self.second
                ))
            Issue.record("two series passed")
        } catch {
            #expect(error.message.hasPrefix("maximum number of series (1) reached"))
        }
        let cancellation = Cancellation()
        cancellation.cancel()
        #expect(throws: QueryError.self) {
            try QueryEngine(source: Self.source, limits: Limits()).run(
                QueryRequest(
                    tenant: "t", text: #"{app="a"}"#, start: Timestamp(nanoseconds: 0),
                    end: Timestamp(nanoseconds: Self.second)), cancellation: cancellation)
        }
    }
}
