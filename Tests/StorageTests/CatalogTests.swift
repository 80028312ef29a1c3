import GRDB
import LogModel
import Storage
import Synchronization
import Testing

/// What the catalog says of streams, as its database holds it.
@Suite struct CatalogTests {
    /// Values and names that need escapes, and names that only a push in protobuf can bring.
    private let sets = [
        Labels(["app": "shop"]), Labels(["app": "a\"b\\c\n, d=\"e\"}", "né": "한글 \u{7f}"]),
        Labels(["app": "x", "a b=c": "1"]), Labels(["app": "x", "a{}, ": "2"]),
    ]

    private func push(_ labels: Labels, at time: Int64) -> Push {
        var entries = Entries()
        entries.append(timestamp: time, line: "line".utf8)
        return Push(tenant: "t", batches: [Batch(labels: labels, entries: entries)], sources: [])
    }

    private func found(_ store: Store) throws -> Set<Labels> {
        let selection = Selection(
            tenant: "t", matchers: [try Matcher("app", .match, ".+")], start: .distantPast,
            end: .distantFuture, direction: .forward)
        return Set(try store.plan(selection).flatMap(\.streams))
    }

    private func database(_ folder: StoreFolder) throws -> DatabaseQueue {
        try DatabaseQueue(path: folder.path + "/catalog.sqlite")
    }

    @Test func labelsOfStreamsAreThoseThatWerePushed() async throws {
        let folder = StoreFolder()
        let store = try folder.open()
        for labels in sets { try await store.commit(push(labels, at: 1)) }
        #expect(try found(store) == Set(sets))
        await store.close()
        // Nothing is in memory now.
        let again = try folder.open()
        #expect(try found(again) == Set(sets))
        await again.close()
    }

    @Test func anIndexOfOldIsDropped() async throws {
        let folder = StoreFolder()
        let store = try folder.open()
        try await store.commit(push(sets[0], at: 1))
        await store.close()
        try await database(folder).write {
            try $0.execute(sql: "CREATE INDEX postings_by_stream ON postings (stream)")
        }
        let again = try folder.open()
        #expect(try found(again) == [sets[0]])
        await again.close()
        let indexes = try await database(folder).read {
            try String.fetchAll($0, sql: "SELECT name FROM sqlite_master WHERE type = 'index'")
        }
        #expect(!indexes.contains("postings_by_stream"))
    }

    @Test func forgottenStreamsLeaveNoPostings() async throws {
        let folder = StoreFolder()
        let now = Mutex<Int64>(100 * 86_400)
        let store = try folder.open {
            $0.limits.retentionPeriodSeconds = 86_400
            $0.now = { now.withLock { $0 } }
        }
        for labels in sets { try await store.commit(push(labels, at: 99 * Nanoseconds.day + 1)) }
        now.withLock { $0 += 2 * 86_400 }
        let kept = Labels(["app": "kept"])
        try await store.commit(push(kept, at: 102 * Nanoseconds.day - 1))
        store.keepHouse(retire: true)
        #expect(try found(store) == [kept])
        await store.close()
        let names = try await database(folder).read {
            try String.fetchAll($0, sql: "SELECT name || '=' || value FROM postings")
        }
        #expect(names == ["app=kept"])
    }
}
