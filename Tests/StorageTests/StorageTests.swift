import Foundation
import LogModel
import Logging
import Segment
import Storage
import Synchronization
import Testing

private struct Injected: Error {}

@Suite struct StoreTests {
    private static let day = Nanoseconds.day
    private let labels = Labels([Label("app", "shop")])

    private func push(
        _ rows: [(Int64, String)], labels: Labels? = nil, sources: [SourceRange] = []
    ) -> Push {
        var entries = Entries()
        for (time, line) in rows { entries.append(timestamp: time, line: line.utf8) }
        let batches = rows.isEmpty ? [] : [Batch(labels: labels ?? self.labels, entries: entries)]
        return Push(tenant: "t", batches: batches, sources: sources)
    }

    private func rows(
        _ store: Store, from: Int64 = .min, to: Int64 = .max,
        direction: Selection.Direction = .forward
    ) throws -> [String] {
        let selection = Selection(
            tenant: "t", matchers: [try Matcher("app", .match, ".+")],
            start: Timestamp(nanoseconds: from), end: Timestamp(nanoseconds: to),
            direction: direction)
        return try store.plan(selection).flatMap { unit in
            let entries = try unit.load(.lines)
            return (0..<entries.count).map {
                "\(entries.timestamps[$0]) \(String(decoding: entries.line($0), as: UTF8.self))"
            }
        }
    }

    @Test func whatWasCommittedIsThereOnceBeforeAndAfterCompaction() async throws {
        let folder = StoreFolder()
        var random = SystemRandomNumberGenerator()
        let seed = UInt64.random(in: 0...UInt64.max, using: &random)
        var generator = Generator(state: seed)
        var store = try folder.open()
        var expected: Set<String> = []
        for round in 0..<60 {
            var rows: [(Int64, String)] = []
            for _ in 0..<Int.random(in: 1...50, using: &generator) {
                // Few times and texts, so that entries repeat within and across pushes.
                let time = Int64.random(in: 0...200, using: &generator) * Self.day / 80
                rows.append((time, "line \(Int.random(in: 0...3, using: &generator))"))
            }
            for (time, line) in rows { expected.insert("\(time) \(line)") }
            try await store.commit(push(rows))
            if round % 13 == 12 { store.keepHouse(retire: false) }
            if round % 20 == 19 {
                await store.close()
                store = try folder.open()
            }
            let found = try self.rows(store)
            #expect(found.count == expected.count, "seed \(seed), round \(round)")
            #expect(Set(found) == expected, "seed \(seed), round \(round)")
        }
        let part = try rows(store, from: Self.day / 2, to: Self.day)
        let wanted = expected.filter {
            let time = Int64($0.split(separator: " ")[0]) ?? 0
            return time >= Self.day / 2 && time < Self.day
        }
        #expect(Set(part) == wanted && part.count == wanted.count)
        await store.close()
    }

    @Test func unitsOfAStreamNeverOverlap() async throws {
        let folder = StoreFolder()
        let store = try folder.open()
        for i in 0..<20 {
            // Each push begins a little before the last one ended.
            try await store.commit(push((0..<100).map { (Int64(i * 95 + $0), "x \(i) \($0)") }))
        }
        let selection = Selection(
            tenant: "t", matchers: [try Matcher("app", .equal, "shop")],
            start: Timestamp(nanoseconds: 0), end: Timestamp(nanoseconds: 10_000))
        let units = try store.plan(selection)
        for (one, next) in zip(units, units.dropFirst()) { #expect(one.last < next.first) }
        #expect(try units.reduce(0) { $0 + (try $1.load(.timestampsAndLengths).count) } == 2000)
        await store.close()
    }

    @Test func rollUpsCountWhatIsThere() async throws {
        let folder = StoreFolder()
        let store = try folder.open()
        let minute = Nanoseconds.minute
        try await store.commit(push([(minute, "aa"), (minute + 1, "b"), (2 * minute, "ccc")]))
        var selection = Selection(
            tenant: "t", matchers: [try Matcher("app", .equal, "shop")],
            start: Timestamp(nanoseconds: 0), end: Timestamp(nanoseconds: 10 * minute))
        selection.projection = .minuteCounts
        let unit = try #require(try store.plan(selection).first)
        #expect(
            try unit.minutes?(0) == [
                MinuteCount(start: 0, level: "", rows: 1, bytes: 2),
                MinuteCount(start: minute, level: "", rows: 2, bytes: 4),
            ])
        await store.close()
    }

    /// A selection of whole minutes is answered from them even where it cuts a segment.
    /// Minutes that several segments share are read, the others counted; entries that were pushed
    /// twice are counted once.
    @Test func rollUpsAndSharedMinutesMakeTheWhole() async throws {
        let folder = StoreFolder()
        let store = try folder.open()
        let minute = Nanoseconds.minute
        var all: [Int64: String] = [:]
        // Each push shares its last minutes with the next, and two entries are in both.
        for i in 0..<6 {
            let rows = (0..<40).map { (Int64(i * 7) * minute + Int64($0) * minute / 4, "x") }
            for row in rows { all[row.0] = row.1 }
            try await store.commit(push(rows))
        }
        var selection = Selection(
            tenant: "t", matchers: [try Matcher("app", .equal, "shop")],
            start: Timestamp(nanoseconds: 3 * minute + 1),
            end: Timestamp(nanoseconds: 40 * minute + 1))
        selection.projection = .minuteCounts
        let counted = try store.counted(selection)
        var loaded: [Int64: Int] = [:]
        for unit in try store.plan(selection) {
            for at in try unit.load(.minuteCounts).timestamps {
                loaded[(at - 1) / minute, default: 0] += 1
            }
        }
        var wanted: [Int64: Int] = [:]
        for at in all.keys where at > 3 * minute && at <= 40 * minute {
            wanted[(at - 1) / minute, default: 0] += 1
        }
        #expect(counted == wanted && loaded == wanted)
        // What was compared is known now.
        var usedMinutes = false
        let again = try store.counted(selection) { usedMinutes = usedMinutes || $0 }
        #expect(usedMinutes && again == wanted)
        await store.close()
    }

    @Test func rollUpsCountThePartThatIsAskedFor() async throws {
        let folder = StoreFolder()
        let store = try folder.open()
        let minute = Nanoseconds.minute
        let rows = (1...40).map { (Int64($0) * minute / 4, "row \($0)") }
        try await store.commit(push(rows))
        let selection = Selection(
            tenant: "t", matchers: [try Matcher("app", .equal, "shop")],
            start: Timestamp(nanoseconds: 2 * minute + 1),
            end: Timestamp(nanoseconds: 5 * minute + 1), projection: .minuteCounts)
        let unit = try #require(try store.plan(selection).first)
        #expect(try unit.minutes?(0)?.map(\.start) == [2 * minute, 3 * minute, 4 * minute])
        #expect(try unit.minutes?(0)?.map(\.rows) == [4, 4, 4])
        #expect(try unit.load(.timestampsAndLengths).count == 12)
        await store.close()
    }

    /// Entries of more days than one merge makes segments of: none may be left out.
    @Test func compactionKeepsEntriesOfManyDays() async throws {
        let folder = StoreFolder()
        let store = try folder.open { $0.level0AgeSeconds = 0 }
        let days = (0..<6000).map { (Int64($0) * 7 * Nanoseconds.day, "day \($0)") }
        try await store.commit(push(days))
        try await store.commit(push([(1, "one more")]))
        store.keepHouse(retire: false)
        #expect(store.metrics.compactions > 0)
        let chunks = store.metrics.chunks
        #expect(chunks.columns + chunks.text > 0)
        #expect(store.metrics.mismatches == 0)
        #expect(try self.rows(store).count == 6001)
        await store.close()
    }

    @Test func composedAndDecomposedLettersNameTwoStreams() async throws {
        let folder = StoreFolder()
        let store = try folder.open()
        for value in ["\u{e9}", "e\u{301}"] {
            var entries = Entries()
            entries.append(timestamp: 1, line: [65])
            let batch = Batch(labels: Labels(["app": value]), entries: entries)
            try await store.commit(Push(tenant: "t", batches: [batch], sources: []))
        }
        store.keepHouse(retire: false)
        let found = try store.series(
            tenant: "t", matchers: [try Matcher("app", .equal, "\u{e9}")],
            start: Timestamp(nanoseconds: 0), end: Timestamp(nanoseconds: 10))
        #expect(found.map { Array(($0["app"] ?? "").utf8) } == [Array("\u{e9}".utf8)])
        await store.close()
    }

    @Test func positionsFollowEachOther() async throws {
        let folder = StoreFolder()
        let store = try folder.open()
        func range(_ from: Int64, _ to: Int64) -> SourceRange {
            SourceRange(source: "s", from: from, to: to, events: to / 10)
        }
        try await store.commit(push([(1, "a")], sources: [range(0, 10)]))
        do {
            try await store.commit(push([(2, "b")], sources: [range(0, 20)]))
            Issue.record("a range that does not follow was taken")
        } catch {
            guard case .positionConflict(let positions) = error else { throw error }
            #expect(positions == [Position(source: "s", offset: 10, events: 1)])
        }
        try await store.commit(push([], sources: [range(10, 30)]))
        #expect(try store.positions(tenant: "t", sources: ["s", "x"]).map(\.offset) == [30])
        #expect(try rows(store) == ["1 a"])
        await store.close()
    }

    @Test func aFaultAtAnyStepLosesNothingAcknowledged() async throws {
        for failing in 0..<40 {
            let folder = StoreFolder()
            let steps = Mutex(0)
            let faulty = try folder.open { options in
                options.faults = { _ in
                    let step = steps.withLock { step -> Int in
                        defer { step += 1 }
                        return step
                    }
                    if step == failing { throw Injected() }
                }
            }
            var acknowledged: Set<String> = []
            var sent: Set<String> = []
            for i in 0..<5 {
                sent.insert("\(i) line")
                do {
                    try await faulty.commit(push([(Int64(i), "line")]))
                    acknowledged.insert("\(i) line")
                } catch {}
                if i == 2 { faulty.keepHouse(retire: false) }
            }
            await faulty.close()
            let store = try folder.open()
            let found = try rows(store)
            #expect(Set(found).isSuperset(of: acknowledged), "step \(failing)")
            #expect(Set(found).isSubset(of: sent) && Set(found).count == found.count)
            await store.close()
        }
    }

    @Test func aSecondStoreIsRefusedAndTheFirstGoesOn() async throws {
        let folder = StoreFolder()
        let store = try folder.open()
        #expect(throws: StorageError.self) { try folder.open() }
        try await store.commit(push([(1, "a")]))
        await store.close()
        await #expect(throws: StorageError.self) { try await store.commit(push([(2, "b")])) }
    }

    @Test func retentionTakesWhatIsOldAndNothingElse() async throws {
        let folder = StoreFolder()
        let debug = Labels([Label("app", "shop"), Label("level", "debug")])
        let store = try folder.open { options in
            options.limits.retentionPeriodSeconds = 10 * 86_400
            options.retention = [
                ((try? [Matcher("level", .equal, "debug")]) ?? [], 1, 2 * 86_400)
            ]
            options.now = { 100 * 86_400 }
        }
        try await store.commit(push([(80 * Self.day, "old")]))
        try await store.commit(push([(95 * Self.day, "new")]))
        try await store.commit(push([(95 * Self.day, "chatter")], labels: debug))
        store.keepHouse(retire: true)
        #expect(try rows(store) == ["\(95 * Self.day) new"])
        await store.close()
    }

    /// On a full disk retention goes on in the room that was kept for it.
    @Test func retentionFreesSpaceOnAFullDisk() async throws {
        let folder = StoreFolder()
        let reserve = folder.path + "/reserve"
        let store = try folder.open {
            $0.limits.retentionPeriodSeconds = 60
            $0.now = { 10_000 }
            $0.faults = { step in
                if step == "retention commit", FileManager.default.fileExists(atPath: reserve) {
                    throw StorageError.full("the test's disk")
                }
            }
        }
        #expect(FileManager.default.fileExists(atPath: reserve))
        try await store.commit(push([(1, "old")]))
        store.keepHouse(retire: true)
        #expect(try rows(store).isEmpty)
        // It is taken back for the next time.
        #expect(FileManager.default.fileExists(atPath: reserve))
        await store.close()
    }

    @Test func repairRebuildsTheCatalogWithItsPositions() async throws {
        let folder = StoreFolder()
        var store = try folder.open()
        let source = SourceRange(source: "s", from: 0, to: 99, events: 2)
        try await store.commit(push([(1, "a"), (2, "b")], sources: [source]))
        store.keepHouse(retire: false)
        try await store.commit(push([(3, "c")]))
        let before = try rows(store)
        await store.close()
        for end in ["", "-wal", "-shm"] {
            try? FileManager.default.removeItem(atPath: folder.path + "/catalog.sqlite" + end)
        }
        let report = try Store.repair(folder: folder.path, logger: Logger(label: "test"))
        #expect(report.rows == 3 && report.damaged.isEmpty)
        store = try folder.open()
        #expect(try rows(store) == before)
        #expect(try store.positions(tenant: "t", sources: ["s"]).map(\.offset) == [99])
        #expect(
            try store.labelNames(
                tenant: "t", matchers: [], start: .distantPast, end: .distantFuture) == ["app"])
        await store.close()
    }
}
