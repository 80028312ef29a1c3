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
                        try Self.merge(
                            inputs, days: days, level: task.level, attachment: attachment,
                            cut: cut, write: write)
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

    private static func merge(
        _ inputs: [OpenSegment], days: ClosedRange<Int64>, level: Int, attachment: [UInt8],
        cut: RetentionCut, write: @escaping ([UInt8]) throws -> Void
    ) throws -> SegmentSummary {
        var runs: [Labels: [(SegmentReader, Int)]] = [:]
        for input in inputs {
            for (index, stream) in input.reader.summary.streams.enumerated()
            where utcDay(stream.first) <= days.upperBound
                && utcDay(stream.last) >= days.lowerBound
                && stream.last >= cut.first(of: stream.labels)
            {
                runs[stream.labels, default: []].append((input.reader, index))
            }
        }
        var writer = SegmentWriter(
            tenant: inputs[0].record.tenant, level: level, write: write)
        for (labels, sources) in runs.sortedByText() {
            let kept = cut.first(of: labels)
            var merge = EntriesMerge(sources.map { cursor($0.0, $0.1, days: days, kept: kept) })
            while let entries = try merge.next(maxBytes: SegmentFormat.frameBytes) {
                try writer.append(labels: labels, entries: entries)
            }
        }
        for input in inputs { input.reader.forget() }
        return try writer.finish(attachment: attachment)
    }

    /// The rows of one stream on some days, slice by slice. `kept`: the first time that is wanted.
    private static func cursor(
        _ reader: SegmentReader, _ stream: Int, days: ClosedRange<Int64>, kept: Int64
    ) -> RunCursor {
        var slices = reader.slices(ofStream: stream).makeIterator()
        return RunCursor {
            while let slice = slices.next() {
                let (first, last) = (utcDay(slice.first), utcDay(slice.last))
                if last < days.lowerBound || first > days.upperBound || slice.last < kept {
                    continue
                }
                var entries = Entries()
                try reader.load(slice, projection: .lines, into: &entries)
                if days.contains(first), days.contains(last), slice.first >= kept { return entries }
                let low = entries.timestamps.partition {
                    utcDay($0) < days.lowerBound || $0 < kept
                }
                let high = entries.timestamps.partition { utcDay($0) <= days.upperBound }
                if low >= high { continue }
                var clipped = Entries()
                clipped.append(entries, rows: low..<high)
                return clipped
            }
            return nil
        }
    }
}
