import Bytes
import Foundation
import LogModel
import Logging
import Segment
import Synchronization

/// Everything that is stored in one data folder: commits pushes, plans scans, keeps house.
package final class Store: LogSource, Sendable {
    let options: StoreOptions
    let catalog: Catalog
    let objects: FileObjectStore
    let cache: SegmentCache
    let reserve: SpaceReserve
    let logger: Logger
    private let lock: Mutex<FolderLock?>
    let counters = Mutex(StoreMetrics())
    private let names = Mutex<UInt64>(0)
    private let known = Mutex<[String: Set<Labels>]>([:])
    let streamLists = StreamLists()
    let overlaps = KnownOverlaps()
    private let queue = Mutex<CommitQueue?>(nil)
    let housekeeping = DispatchQueue(label: "cordwood.housekeeping", qos: .utility)

    /// A few commits of the catalog with their log: retention frees space by commits.
    private static let reservedBytes = 4 * 1024 * 1024

    /// Opens a folder for this process alone, creating it when it is not there, and removes objects
    /// that no commit has listed.
    package static func open(
        _ options: StoreOptions, logger: Logger
    ) throws(StorageError) -> Store {
        let store = try Store(options, logger: logger)
        try store.removeOrphans()
        return store
    }

    private init(_ options: StoreOptions, logger: Logger) throws(StorageError) {
        self.options = options
        self.logger = logger
        do {
            try FileManager.default.createDirectory(
                atPath: options.folder, withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o750])
        } catch {
            throw .io(
                operation: "creating", path: options.folder, detail: error.localizedDescription)
        }
        lock = Mutex(try FolderLock(folder: options.folder))
        objects = try FileObjectStore(folder: options.folder, faults: options.faults)
        let labelSets = LabelSets()
        catalog = try Catalog(path: options.folder + "/catalog.sqlite", labelSets: labelSets)
        reserve = SpaceReserve(folder: options.folder, bytes: Self.reservedBytes)
        reserve.take()
        cache = SegmentCache(
            store: objects, limitBytes: options.directoryCacheBytes, limitFiles: options.openFiles,
            chunkBytes: options.chunkCacheBytes, labelSets: labelSets)
        // A folder that a power cut takes back would take the data with it, and so on upwards.
        var folder = URL(fileURLWithPath: options.folder).standardizedFileURL.path
        try FileObjectStore.syncFolder(folder)
        while folder != "/" {
            folder = URL(fileURLWithPath: folder).deletingLastPathComponent().path
            // One that may not be read was not made by us.
            try? FileObjectStore.syncFolder(folder)
        }
        queue.withLock { $0 = CommitQueue { [weak self] group in self?.commit(group) } }
    }

    private func removeOrphans() throws(StorageError) {
        let listed = Set(try catalog.segments().map(\.object))
        for name in try objects.list() where !listed.contains(name) {
            logger.info(
                "removing an object that no commit has listed", metadata: ["object": "\(name)"])
            objects.delete(name)
        }
    }

    /// A name that sorts by time and is never used again.
    func newName(level: Int) -> String {
        let stamp = UInt64(max(0, Date().timeIntervalSince1970) * 1e6)
        let number = names.withLock { last -> UInt64 in
            last = max(last + 1, stamp)
            return last
        }
        return "\(String(number, radix: 16)).\(level).seg"
    }

    // Commit.

    /// Returns when the push is durable and listed.
    package func commit(_ push: Push) async throws(StorageError) {
        guard let queue = queue.withLock({ $0 }) else { throw .closed }
        try await queue.add(push)
    }

    private func commit(_ waiting: [CommitQueue.Waiting]) {
        let began = ContinuousClock.now
        do {
            var group = try CommitGroup(waiting) { (tenant, sources) throws(StorageError) in
                try catalog.positions(tenant: tenant, sources: sources)
            }
            for (push, error) in group.refused { push.done.resume(returning: .failure(error)) }
            guard !group.accepted.isEmpty else { return }
            do {
                try write(&group)
                for push in group.accepted { push.done.resume(returning: .success(())) }
                count(group, ContinuousClock.now - began)
            } catch {
                for record in group.change.added { objects.delete(record.object) }
                fail(group.accepted, error)
            }
        } catch {
            fail(waiting, error)
        }
    }

    private func write(_ group: inout CommitGroup) throws {
        let now = options.now()
        try group.write(to: objects, now: now) { newName(level: 0) }
        try options.faults("commit")
        try catalog.commit(group.change)
        let changed = known.withLock { known in
            var changed: Set<String> = []
            for stream in group.change.streams
            where known[stream.tenant, default: []].insert(stream.labels).inserted {
                changed.insert(stream.tenant)
            }
            return changed
        }
        for tenant in changed { streamLists.change(tenant: tenant) }
    }

    private func fail(_ pushes: [CommitQueue.Waiting], _ error: any Error) {
        let failure =
            error as? StorageError
            ?? .io(operation: "committing", path: options.folder, detail: "\(error)")
        counters.withLock { $0.failedCommits += 1 }
        // The catalog's log may hold a few MB that the next try can use.
        if case .full = failure { catalog.shrinkLog() }
        logger.error("a commit failed", metadata: ["error": "\(failure)"])
        for push in pushes { push.done.resume(returning: .failure(failure)) }
    }

    private func count(_ group: CommitGroup, _ spent: Duration) {
        counters.withLock { counters in
            counters.commits += 1
            counters.committedPushes += group.accepted.count
            counters.committedBytes += group.change.added.reduce(0) { $0 + $1.bytes }
            counters.commitSeconds += spent.inSeconds
        }
    }

    /// Forgets streams of a tenant that have nothing any more.
    func forgetStreams(tenant: String) throws {
        try catalog.forgetStreams(tenant: tenant)
        // One that comes again is a new one.
        known.withLock { $0[tenant] = nil }
        streamLists.change(tenant: tenant)
    }

    /// Throws `.tooManyStreams` when a stream is new and the tenant has as many as it may.
    package func admit(tenant: String, labels: Labels) throws(StorageError) {
        if known.withLock({ $0[tenant]?.contains(labels) ?? false }) { return }
        if try catalog.knows(tenant: tenant, labels: labels) { return }
        let limit = options.limits.maxGlobalStreamsPerUser
        guard limit > 0, try catalog.streamCount(tenant: tenant) >= limit else { return }
        throw .tooManyStreams(limit: limit, tenant: tenant, stream: labels.description)
    }

    package func positions(tenant: String, sources: [String]) throws(StorageError) -> [Position] {
        try catalog.positions(tenant: tenant, sources: sources)
    }

    /// Answers what has been taken, then closes. Calls that come later are refused.
    package func close() async {
        let queue = queue.withLock { queue -> CommitQueue? in
            defer { queue = nil }
            return queue
        }
        await queue?.close()
        await withCheckedContinuation { done in housekeeping.async { done.resume() } }
        catalog.close()
        // Whoever waits for the folder may have it, even while readers of ours go on.
        lock.withLock { $0 = nil }
    }

    // Reading.

    package var filtersExactly: Bool { true }

    package func plan(_ selection: Selection) throws -> [ScanUnit] {
        let cut = RetentionCut(options)
        let first = max(selection.start.nanoseconds, cut.earliest)
        let last = selection.end.nanoseconds - 1
        guard first <= last else { return [] }
        let list = try streamLists.list(
            tenant: selection.tenant, selection.matchers,
            count: { try catalog.streamCount(tenant: selection.tenant) },
            find: { always in
                try catalog.streams(
                    tenant: selection.tenant, matchers: selection.matchers,
                    first: always ? .min : first, last: always ? .max : last,
                    // What is too old now may have company tomorrow.
                    cut: always ? nil : cut)
            })
        selection.trace?.note(
            unopened: try catalog.segments(), of: selection, hasStreams: !list.streams.isEmpty)
        guard !list.streams.isEmpty else { return [] }
        return try ScanPlan.units(
            selection, list,
            segments: try opened(tenant: selection.tenant, first: first, last: last),
            overlaps: overlaps, cut: cut)
    }

    /// Opens all segments of a time. One that compaction has just replaced is gone from the disk;
    /// then the catalog has what took its place.
    private func opened(tenant: String, first: Int64, last: Int64) throws -> [OpenSegment] {
        var attempts = 0
        while true {
            let records = try catalog.segments(tenant: tenant, first: first, last: last)
            do { return try records.map { try cache.open($0) } } catch {
                attempts += 1
                if attempts == 5 { throw error }
            }
        }
    }

    package func labelNames(
        tenant: String, matchers: [Matcher], start: Timestamp, end: Timestamp
    ) throws(StorageError) -> [String] {
        let streams = try series(tenant: tenant, matchers: matchers, start: start, end: end)
        return Set(streams.flatMap { $0.pairs.map(\.name) }).sorted { $0.precedesByBytes($1) }
    }

    package func labelValues(
        _ name: String, tenant: String, matchers: [Matcher], start: Timestamp, end: Timestamp
    ) throws(StorageError) -> [String] {
        let streams = try series(tenant: tenant, matchers: matchers, start: start, end: end)
        return Set(streams.compactMap { $0[name] }).sorted { $0.precedesByBytes($1) }
    }

    /// Streams that hold anything from start to end, both inclusive.
    package func series(
        tenant: String, matchers: [Matcher], start: Timestamp, end: Timestamp
    ) throws(StorageError) -> [Labels] {
        try catalog.streams(
            tenant: tenant, matchers: matchers, first: start.nanoseconds, last: end.nanoseconds,
            cut: RetentionCut(options))
    }

    package struct IndexStats: Sendable {
        package var streams = 0
        package var chunks = 0
        package var bytes = 0
        package var entries = 0
    }

    /// How much a selection reaches, from the directories alone.
    package func indexStats(
        tenant: String, matchers: [Matcher], start: Timestamp, end: Timestamp
    ) throws -> IndexStats {
        let wanted = Set(try series(tenant: tenant, matchers: matchers, start: start, end: end))
        var stats = IndexStats()
        stats.streams = wanted.count
        let cut = RetentionCut(options)
        let last = end.nanoseconds
        for segment in try opened(tenant: tenant, first: start.nanoseconds, last: last) {
            for (index, stream) in segment.reader.summary.streams.enumerated()
            where wanted.contains(stream.labels) {
                let first = max(start.nanoseconds, cut.first(of: stream.labels))
                for slice in segment.reader.slices(ofStream: index)
                where slice.last >= first && slice.first <= last {
                    stats.chunks += 1
                    stats.bytes += slice.bytes
                    stats.entries += slice.rows
                }
            }
        }
        return stats
    }

    package var metrics: StoreMetrics {
        var metrics = counters.withLock { $0 }
        for record in (try? catalog.segments()) ?? [] {
            metrics.segmentsByLevel[record.level, default: 0] += 1
            metrics.storedBytes += record.storedBytes
        }
        return metrics
    }
}
