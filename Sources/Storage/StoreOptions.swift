import Foundation
import LogModel
import Segment

/// How a store is set up; every bound has a default and a reason.
package struct StoreOptions: Sendable {
    package var folder: String
    package var limits = Limits()
    /// Rules of retention by selector, the highest priority first.
    package var retention: [(matchers: [Matcher], priority: Int, periodSeconds: Int)] = []
    /// Bytes of segments that may stay; 0 = no bound. The oldest go first.
    package var maxDiskBytes = 0
    /// Directories of open segments: they are what a query needs first.
    package var directoryCacheBytes = 48 * 1024 * 1024
    /// Chunks that queries have read, as far as they were unpacked: the next query mostly asks the
    /// same ones.
    package var chunkCacheBytes = 64 * 1024 * 1024
    package var openFiles = 512
    /// Level 0 is merged when so many segments, so many bytes of lines, or so old.
    package var level0Segments = 16
    package var level0Bytes = 32 * 1024 * 1024
    package var level0AgeSeconds = 30
    /// Segments of level 1 of a day that become one of level 2.
    package var level1Segments = 16
    /// Lines of one segment of level 2, where the disk has room for many.
    package var level2Bytes = 1024 * 1024 * 1024
    /// Lines that merging plans for one chunk of small streams, in bytes: below what it can hold, because how
    /// much falls into a stretch of time is estimated.
    package var stretchBytes = SegmentFormat.chunkBytes * 9 / 10
    /// Rows that a stream should have in such a stretch, about: each of its places takes room in the
    /// directory.
    package var stretchRows = 24
    package var retentionEverySeconds = 60
    /// Seconds since the epoch.
    package var now: @Sendable () -> Int64 = { Int64(Date().timeIntervalSince1970) }
    /// Called before each step that changes the disk; tests make steps fail.
    package var faults: @Sendable (String) throws -> Void = { _ in }

    package init(folder: String) { self.folder = folder }

    /// Segments that fit `maxDiskBytes`, at least: the oldest segment goes as a whole when the space
    /// is used up, and that must not be most of what there is.
    private static let fewestSegments = 16
    /// Smaller segments are not worth a file each, however small the disk.
    private static let smallestMergedBytes = 1024 * 1024

    /// Lines of one segment that merging makes.
    var mergedBytes: Int {
        guard maxDiskBytes > 0 else { return level2Bytes }
        return min(
            level2Bytes, max(Self.smallestMergedBytes, maxDiskBytes / Self.fewestSegments))
    }
}

/// Counters and gauges of a store.
package struct StoreMetrics: Sendable {
    package var commits = 0
    package var committedPushes = 0
    package var committedBytes = 0
    package var failedCommits = 0
    package var commitSeconds = 0.0
    package var compactions = 0
    package var compactedBytes = 0
    /// That merges wrote.
    package var chunks = ChunkCounts()
    package var failedCompactions = 0
    /// Of this process: chunks that were not written as columns because those did not give back the lines.
    package var mismatches: Int { ColumnsEncoder.mismatches.load(ordering: .relaxed) }
    package var retiredSegments = 0
    package var segmentsByLevel: [Int: Int] = [:]
    package var storedBytes = 0
}
