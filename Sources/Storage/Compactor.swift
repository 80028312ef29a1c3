import Foundation
import LogModel
import Segment

/// Which segments to merge, and into what.
struct CompactionTask {
    var inputs: [SegmentRecord]
    var level: Int
}

/// Merges small segments into larger ones: level 0 into 1 while data arrives, level 1 into 2 by day.
extension Store {
    /// Runs housekeeping until the task is cancelled: one pass a second, on a thread of its own.
    package func run() async {
        var lastRetention: Int64 = 0
        while !Task.isCancelled {
            let retire = options.now() - lastRetention >= Int64(options.retentionEverySeconds)
            if retire { lastRetention = options.now() }
            await withCheckedContinuation { done in
                housekeeping.async {
                    self.keepHouse(retire: retire)
                    done.resume()
                }
            }
            try? await Task.sleep(for: .seconds(1))
        }
    }

    /// One pass: everything that is due. Failures are logged and tried again at the next pass.
    package func keepHouse(retire: Bool) {
        do {
            // First what frees space: merging needs some.
            if retire { try retireWithReserve() }
            while let task = Self.due(try catalog.segments(), options) { try compact(task) }
        } catch {
            counters.withLock { $0.failedCompactions += 1 }
            logger.warning("housekeeping failed", metadata: ["error": "\(error)"])
        }
    }

    /// The next thing to merge, if any is due.
    static func due(_ segments: [SegmentRecord], _ options: StoreOptions) -> CompactionTask? {
        for (_, level0) in Dictionary(grouping: segments.filter { $0.level == 0 }, by: \.tenant) {
            let bytes = level0.reduce(0) { $0 + $1.bytes }
            let oldest = level0.map(\.created).min() ?? .max
            let isOld = options.now() - oldest >= Int64(options.level0AgeSeconds)
            // Small segments wait for company: a merge reads and writes all it takes.
            let many = level0.count >= options.level0Segments * 8
            let enough = min(options.level0Bytes, options.mergedBytes)
            guard bytes >= enough || isOld || many else { continue }
            if level0.count == 1, level0[0].bytes < enough, !isOld { continue }
            var inputs: [SegmentRecord] = []
            var taken = 0
            for record in level0 where taken < enough * 2 {
                inputs.append(record)
                taken += record.bytes
            }
            return CompactionTask(inputs: inputs, level: 1)
        }
        struct Day: Hashable {
            var tenant: String
            var day: Int64
        }
        // What is as large as the outcome should be stays as it is.
        let small = segments.filter { $0.level == 1 && $0.bytes < options.mergedBytes }
        let level1 = Dictionary(grouping: small) {
            Day(tenant: $0.tenant, day: utcDay($0.first))
        }
        for (_, records) in level1 {
            let bytes = records.reduce(0) { $0 + $1.bytes }
            guard records.count >= options.level1Segments || bytes >= options.mergedBytes,
                records.count > 1
            else { continue }
            var inputs: [SegmentRecord] = []
            var taken = 0
            for record in records.sorted(by: { $0.first < $1.first })
            where taken < options.mergedBytes {
                inputs.append(record)
                taken += record.bytes
            }
            // Many tiny segments go back to level 1, so that the next merge is worth its name.
            let isTiny = taken < options.mergedBytes / 16
            if inputs.count > 1 { return CompactionTask(inputs: inputs, level: isTiny ? 1 : 2) }
        }
        return nil
    }

    static func utcDay(_ timestamp: Int64) -> Int64 {
        timestamp / Nanoseconds.day - (timestamp % Nanoseconds.day < 0 ? 1 : 0)
    }

    /// The moments of some days, as far as there are such.
    static func times(of days: ClosedRange<Int64>) -> ClosedRange<Int64> {
        func begin(_ day: Int64) -> Int64 {
            let (time, overflow) = day.multipliedReportingOverflow(by: Nanoseconds.day)
            return overflow ? (day < 0 ? .min : .max) : time
        }
        let end = begin(days.upperBound + 1)
        return begin(days.lowerBound)...(end == .max ? .max : end - 1)
    }

    /// Merges, verifies, swaps in one transaction, removes the inputs. A crash leaves either set.
    /// What is older than retention allows is left out.
    func compact(_ task: CompactionTask) throws {
        let cut = RetentionCut(options)
        let inputs = try task.inputs.sorted { $0.arrivedBefore($1) }.map { try cache.open($0) }
        var change = CatalogChange()
        change.removed = task.inputs.map(\.object)
        var chunks = ChunkCounts()
        var positions: [Position] = []
        for input in inputs { positions += try PositionList.decode(input.reader.attachment) }
        let attachment = PositionList.encode(PositionList.furthest(positions))
        do {
            for days in try Self.days(of: inputs, cut) {
                let object = newName(level: task.level)
                let summary = try objects.put(object) { write in
                    try withoutActuallyEscaping(write) { write in
                        try SegmentMerge(inputs, days: days, cut: cut, options).write(
                            level: task.level, attachment: attachment, to: write)
                    }
                }
                guard summary.rows > 0 else {
                    objects.delete(object)
                    continue
                }
                chunks += summary.chunks
                change.add(summary, object: object, created: options.now())
                try cache.open(change.added[change.added.count - 1]).reader.verify()
            }
            try options.faults("compaction commit")
            try catalog.commit(change)
        } catch {
            for record in change.added {
                cache.forget(record.object)
                objects.delete(record.object)
            }
            throw error
        }
        for record in task.inputs {
            cache.forget(record.object)
            objects.delete(record.object)
        }
        counters.withLock {
            $0.compactions += 1
            $0.chunks += chunks
            $0.compactedBytes += task.inputs.reduce(0) { $0 + $1.bytes }
        }
    }

    /// Segments that one merge may make: entries of many days far apart share one.
    private static let mostOutputs = 64

    /// The days that hold entries, in ranges: one range is one segment of the output.
    private static func days(
        of inputs: [OpenSegment], _ cut: RetentionCut
    ) throws -> [ClosedRange<Int64>] {
        var days: Set<Int64> = []
        for input in inputs {
            for (index, stream) in input.reader.summary.streams.enumerated() {
                let kept = cut.first(of: stream.labels)
                for slice in input.reader.slices(ofStream: index) where slice.last >= kept {
                    days.insert(utcDay(slice.first))
                    guard utcDay(slice.first) != utcDay(slice.last) else { continue }
                    var entries = Entries()
                    try input.reader.load(slice, projection: .timestamps, into: &entries)
                    for at in entries.timestamps where at >= kept { days.insert(utcDay(at)) }
                }
            }
        }
        let sorted = days.sorted()
        let share = (sorted.count + mostOutputs - 1) / mostOutputs
        return stride(from: 0, to: sorted.count, by: max(1, share)).map {
            sorted[$0]...sorted[min($0 + share, sorted.count) - 1]
        }
    }
}
