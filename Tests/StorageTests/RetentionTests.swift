import Foundation
import LogModel
import Segment
import Storage
import Synchronization
import Testing

@Suite struct RetentionTests {
    private static let hour = Nanoseconds.hour
    private let shop = Labels([Label("app", "shop")])

    /// A clock that the test turns, in seconds since the epoch.
    private final class Clock: Sendable {
        private let time: Mutex<Int64>
        init(_ seconds: Int64) { time = Mutex(seconds) }
        var now: Int64 { time.withLock { $0 } }
        func advance(_ seconds: Int64) { time.withLock { $0 += seconds } }
    }

    private func push(_ times: some Sequence<Int64>, _ labels: Labels) -> Push {
        var entries = Entries()
        for time in times { entries.append(timestamp: time, line: "at \(time)".utf8) }
        return Push(tenant: "t", batches: [Batch(labels: labels, entries: entries)], sources: [])
    }

    private func units(
        _ store: Store, _ projection: Selection.Projection = .lines
    ) throws -> [ScanUnit] {
        var selection = Selection(
            tenant: "t", matchers: [try Matcher("app", .match, ".+")], start: .distantPast,
            end: .distantFuture, direction: .forward)
        selection.projection = projection
        return try store.plan(selection)
    }

    private func times(_ store: Store) throws -> [Int64] {
        try units(store).flatMap { try $0.load(.lines).timestamps }.sorted()
    }

    /// Rows that are on the disk, seen or not.
    private func storedRows(_ folder: StoreFolder) throws -> Int {
        try Store.repair(folder: folder.path, logger: folder.logger).rows
    }

    @Test func entriesAreHiddenOneByOneAndDroppedByMerges() async throws {
        let folder = StoreFolder()
        let clock = Clock(100 * 86_400)
        let store = try folder.open {
            $0.limits.retentionPeriodSeconds = 86_400
            $0.now = { clock.now }
        }
        let begin = 99 * Nanoseconds.day
        // One segment of one stream: twelve hours, the first of which are about to be too old.
        let all = (1...12).map { begin + Int64($0) * Self.hour }
        try await store.commit(push(all, shop))
        #expect(try times(store) == all)
        for gone in 1...11 {
            clock.advance(3600)
            // At the very end of its time an entry is still there; a minute later it is not.
            #expect(try times(store) == Array(all[(gone - 1)...]))
            clock.advance(60)
            #expect(try times(store) == Array(all[gone...]))
            clock.advance(-60)
        }
        clock.advance(60)
        store.keepHouse(retire: true)
        #expect(try times(store) == [all[11]])
        #expect(
            try store.indexStats(
                tenant: "t", matchers: [], start: .distantPast, end: .distantFuture
            ).entries == 1)
        await store.close()
        #expect(try storedRows(folder) == 1)
    }

    @Test func rollUpsCountWhatIsSeen() async throws {
        let folder = StoreFolder()
        let clock = Clock(100 * 86_400 + 17)
        let store = try folder.open {
            $0.limits.retentionPeriodSeconds = 3600
            $0.now = { clock.now }
        }
        let now = 100 * Nanoseconds.day
        try await store.commit(
            push((0..<7200).map { now - Int64(7200 - $0) * Nanoseconds.second }, shop))
        let seen = try times(store)
        #expect(seen.count == 3600 - 1)
        var counted = 0
        for unit in try units(store, .minuteCounts) {
            let minutes = try #require(unit.minutes)
            for minute in try #require(try minutes(0)) { counted += minute.rows }
        }
        #expect(counted == seen.count)
        await store.close()
    }

    @Test func aSmallPartOfASegmentWaitsForADay() async throws {
        let folder = StoreFolder()
        let clock = Clock(100 * 86_400)
        let debug = Labels([Label("app", "shop"), Label("level", "debug")])
        let store = try folder.open {
            $0.retention = [((try? [Matcher("level", .equal, "debug")]) ?? [], 1, 3600)]
            $0.now = { clock.now }
        }
        let now = 100 * Nanoseconds.day
        try await store.commit(push((1...99).map { now + Int64($0) }, shop))
        try await store.commit(push([now], debug))
        store.keepHouse(retire: true)
        let before = store.metrics
        clock.advance(3600 + 120)
        store.keepHouse(retire: true)
        #expect(try times(store).count == 99)
        #expect(store.metrics.compactions == before.compactions, "nobody sees it: no hurry")
        let names = try store.labelNames(
            tenant: "t", matchers: [], start: .distantPast, end: .distantFuture)
        #expect(names == ["app"])
        clock.advance(86_400)
        store.keepHouse(retire: true)
        store.keepHouse(retire: true)
        #expect(store.metrics.compactions == before.compactions + 1)
        #expect(try times(store).count == 99)
        await store.close()
        #expect(try storedRows(folder) == 99)
    }

    @Test func aSmallDiskKeepsMostOfWhatFits() async throws {
        let folder = StoreFolder()
        let most = 24 << 20
        let store = try folder.open { $0.maxDiskBytes = most }
        var random = Generator(state: 5)
        // Lines that no compression makes smaller, three times what fits.
        let pushes = 72
        for number in 0..<pushes {
            var entries = Entries()
            for line in 0..<16 {
                let words = (0..<8192).map { _ in random.next() }
                words.withUnsafeBytes {
                    entries.append(
                        timestamp: Int64(number * 100 + line) * Nanoseconds.second, line: $0)
                }
            }
            try await store.commit(
                Push(tenant: "t", batches: [Batch(labels: shop, entries: entries)], sources: []))
            store.keepHouse(retire: true)
            let stored = store.metrics.storedBytes
            if number >= pushes / 2 { #expect(stored > most * 3 / 4, "after push \(number)") }
            #expect(stored <= most + (2 << 20))
        }
        // The newest are what stays.
        let seen = try times(store)
        #expect(seen.last == Int64((pushes - 1) * 100 + 15) * Nanoseconds.second)
        #expect(seen.count >= most * 3 / 4 / 65_536)
        #expect(store.metrics.segmentsByLevel.values.reduce(0, +) < 40)
        await store.close()
    }
}
