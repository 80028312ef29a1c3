import Foundation
import LogModel
import Query
import Storage
import Testing

/// What a query says of how its answer was found, on segments that compaction has made columns of.
@Suite struct ExplanationTests {
    /// A minute, so that roll-ups may answer.
    private static let start: Int64 = 1_793_498_400_000_000_000
    private static let rows = 70_000
    private static let step = 10 * Nanoseconds.millisecond
    private static var end: Int64 { start + Int64(rows) * step }

    private static func trace(_ row: Int) -> String {
        var generator = Generator(state: UInt64(row) &* 7919 &+ 1)
        let digits = (0..<2).map { _ in
            let digits = String(generator.next(), radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }
        return digits.joined()
    }

    private func push(_ app: String, _ rows: Range<Int>, _ line: (Int) -> String) -> Push {
        var entries = Entries()
        for row in rows {
            entries.append(
                timestamp: Self.start + 1 + Int64(row) * Self.step, line: line(row).utf8)
        }
        return Push(
            tenant: "t", batches: [Batch(labels: Labels(["app": app]), entries: entries)],
            sources: [])
    }

    /// Two chunks of columns of one stream in one segment.
    private func filled(_ folder: StoreFolder) async throws -> Store {
        let store = try folder.open()
        for part in 0..<2 {
            let half = Self.rows / 2
            try await store.commit(
                push("shop", part * half..<(part + 1) * half) { row in
                    "INFO [exec-\(row % 9)] order \(row * 7 % 5003) taken "
                        + "trace=\(Self.trace(row))"
                })
        }
        store.keepHouse(retire: false)
        return store
    }

    private func explain(
        _ store: Store, _ text: String, from: Int64 = Self.start, to: Int64 = Self.end,
        step: Int64 = 0, isInstant: Bool = false
    ) throws -> ScanReport {
        var request = QueryRequest(
            tenant: "t", text: text, start: Timestamp(nanoseconds: isInstant ? to : from),
            end: Timestamp(nanoseconds: to), stepNanoseconds: step, isInstant: isInstant)
        request.explain = true
        let (_, stats) = try QueryEngine(source: store, limits: Limits()).run(request)
        let explanation = try #require(stats.explanation)
        #expect(explanation.scansLeftOut == 0)
        return try #require(explanation.scans.first)
    }

    @Test func anAbsentWordIsAnsweredByTheIndex() async throws {
        let folder = StoreFolder()
        let store = try await filled(folder)
        let scan = try explain(store, #"{app="shop"} |= "absent word""#)
        #expect(scan.condition == #""absent word""#)
        #expect(scan.selector == #"{app="shop"}"#)
        #expect(scan.projection == "lines")
        var segments = ScanReport.Segments()
        segments.withoutTemplate = 1
        #expect(scan.segments == segments)
        var chunks = ScanReport.Chunks()
        chunks.skippedByIndex = 2
        #expect(scan.chunks == chunks)
        #expect(scan.pages == 0 && scan.bytes == 0 && scan.rows == 0 && scan.columns.isEmpty)
        await store.close()
    }

    /// Files of the store that are open though they are gone.
    private func openAndGone(_ folder: StoreFolder) throws -> [String] {
        let descriptors = "/proc/self/fd"
        return try FileManager.default.contentsOfDirectory(atPath: descriptors).compactMap {
            try? FileManager.default.destinationOfSymbolicLink(atPath: descriptors + "/" + $0)
        }.filter { $0.hasPrefix(folder.path + "/objects") && $0.hasSuffix(" (deleted)") }
    }

    /// What a segment keeps of a question outlives the query, and must not keep other segments.
    @Test func anExplainedQueryKeepsNoSegmentOpen() async throws {
        let folder = StoreFolder()
        let store = try folder.open()
        for part in 0..<3 {
            try await store.commit(push("shop", part * 1000..<part * 1000 + 1000) { "order \($0)" })
            for word in ["order 7", "nothing like that"] {
                _ = try explain(store, #"{app="shop"} |= "\#(word)""#)
            }
            store.keepHouse(retire: false)
            #expect(store.metrics.segmentsByLevel[0] ?? 0 == 0)
        }
        #expect(try openAndGone(folder) == [])
        await store.close()
    }

    @Test func aTraceIDIsAnsweredByTheFilter() async throws {
        let folder = StoreFolder()
        let store = try await filled(folder)
        // Twice: what is in memory tells the same.
        for _ in 0..<2 {
            let absent = try explain(store, #"{app="shop"} |= "\#(Self.trace(Self.rows))""#)
            #expect(absent.chunks.skippedByFilter == 2 && absent.chunks.searched == 0)
            #expect(absent.segments.read == 1 && absent.rows == 0 && absent.lines == 0)
        }
        let found = try explain(store, #"{app="shop"} |= "\#(Self.trace(5))""#)
        #expect(found.chunks.skippedByFilter == 1 && found.chunks.searched == 1)
        #expect(found.rows == 1 && found.lines == 1)
        let column = try #require(found.columns.first { $0.context == "trace=" })
        #expect(column.pages > 0 && column.bytes > 0)
        #expect(found.pages > 0 && found.bytes > column.bytes)
        await store.close()
    }

    /// Conditions that differ in one word, in case or in a "not" are not taken for each other, and one
    /// that was let go of is searched for again.
    @Test func whatWasAskedBeforeIsKnown() async throws {
        let folder = StoreFolder()
        let store = try await filled(folder)
        let filters = [
            #"|= "order 77 ""#, #"|= "order 7 ""#, #"!= "order 77 ""#, #"|~ "(?i)ORDER 77 ""#,
            #"|= "order 77 " |= "exec-3""#, #"|= "order 78 ""#, #"|= "order 79 ""#,
        ]
        func ask(_ filter: String) throws -> ScanReport {
            try explain(
                store, #"sum(count_over_time({app="shop"} \#(filter) [1h]))"#,
                to: Self.end + 12_345, isInstant: true)
        }
        var rows: [Int] = []
        for filter in filters {
            let first = try ask(filter)
            #expect(first.chunks.known == 0 && first.chunks.searched == 2, "\(filter)")
            let again = try ask(filter)
            #expect(again.chunks.known == 2 && again.chunks.searched == 0, "\(filter)")
            #expect(again.rows == first.rows && again.condition == first.condition, "\(filter)")
            rows.append(first.rows)
        }
        let expected = (0..<Self.rows).count { $0 * 7 % 5003 == 77 }
        #expect(rows[0] == expected && rows[2] == Self.rows - expected && rows[3] == expected)
        #expect(rows[4] > 0 && rows[4] < expected)
        #expect(try ask(filters[0]).chunks.searched == 2)
        await store.close()
    }

    @Test func aWordOfTheTextIsAnsweredFromTemplates() async throws {
        let folder = StoreFolder()
        let store = try await filled(folder)
        let scan = try explain(
            store, #"sum(count_over_time({app="shop"} |= "taken trace=" [1h]))"#,
            to: Self.end + 12_345, isInstant: true)
        #expect(scan.projection == "times")
        #expect(scan.chunks.fromTemplates == 2 && scan.chunks.searched == 0)
        #expect(scan.rows == Self.rows && scan.lines == 0 && scan.columns.isEmpty)
        await store.close()
    }

    @Test func aRateOfWholeMinutesIsAnsweredFromRollUps() async throws {
        let folder = StoreFolder()
        let store = try await filled(folder)
        let minute = Nanoseconds.minute
        let scan = try explain(
            store, #"sum(rate({app="shop"}[1m]))"#, from: Self.start + minute,
            to: Self.start + 20 * minute, step: minute)
        #expect(scan.condition == "any line")
        #expect(scan.segments.fromRollups == 1 && scan.segments.read == 0)
        #expect(scan.chunks == ScanReport.Chunks() && scan.pages == 0)
        await store.close()
    }

    @Test func linesAsTextAreRead() async throws {
        let folder = StoreFolder()
        let store = try folder.open()
        try await store.commit(push("shop", 0..<100) { "order \($0)" })
        let scan = try explain(store, #"{app="shop"} |= "order 7" != "order 77" |~ "(?i)ORDER""#)
        #expect(
            scan.condition
                == #""order 7" and not "order 77" and "ORDER" in any case"#)
        #expect(scan.segments.read == 1 && scan.chunks.text == 1)
        #expect(scan.pages == 2 && scan.bytes > 0 && scan.columns.isEmpty)
        await store.close()
    }

    @Test func otherTimesStreamsAndLimitsReadNothing() async throws {
        let folder = StoreFolder()
        let store = try folder.open()
        try await store.commit(push("shop", 0..<100) { "order \($0)" })
        try await store.commit(push("till", 0..<100) { "order \($0)" })
        try await store.commit(push("shop", 1000..<1100) { "order \($0)" })
        let late = try explain(store, #"{app="shop"}"#, from: Self.start + 500 * Self.step)
        #expect(late.segments.outsideTime == 2 && late.segments.read == 1)
        let both = try explain(store, #"{app="shop"}"#)
        #expect(both.segments.withoutStream == 1)
        // A hundred entries of the newest segment are the whole answer.
        #expect(both.segments.read == 1 && both.segments.notNeeded == 1)
        let none = try explain(store, #"{app="none"}"#)
        #expect(none.segments.withoutStream == 3)
        await store.close()
    }

    @Test func whoeverAsksForNothingIsToldNothing() async throws {
        let folder = StoreFolder()
        let store = try folder.open()
        let request = QueryRequest(
            tenant: "t", text: #"{app="shop"}"#, start: Timestamp(nanoseconds: Self.start),
            end: Timestamp(nanoseconds: Self.end))
        let (_, stats) = try QueryEngine(source: store, limits: Limits()).run(request)
        #expect(stats.explanation == nil)
        await store.close()
    }
}
