import LogModel
import Segment

/// Removes what is older than its rule allows, and the oldest when the disk is full.
extension Store {
    /// Applies retention; on a full disk with the room that was kept for it.
    func retireWithReserve() throws {
        do { try applyRetention() } catch StorageError.full {
            guard reserve.release() else { throw StorageError.full("retiring segments") }
            logger.warning("the disk is full: retention goes on in the reserved space")
            try applyRetention()
        }
        reserve.take()
    }

    func applyRetention() throws {
        if options.limits.retentionPeriodSeconds > 0 || !options.retention.isEmpty {
            for record in try catalog.segments() { try retire(record) }
        }
        try retireBySize()
    }

    /// Seconds that entries of a stream stay; 0 = for ever. The rule of highest priority counts.
    private func period(_ labels: Labels) -> Int {
        let rule = options.retention.filter { $0.matchers.accept(labels) }
            .max { $0.priority < $1.priority }
        return rule?.periodSeconds ?? options.limits.retentionPeriodSeconds
    }

    private func isExpired(_ labels: Labels, last: Int64) -> Bool {
        let seconds = period(labels)
        guard seconds > 0 else { return false }
        return last < (options.now() - Int64(seconds)) * Nanoseconds.second
    }

    private func retire(_ record: SegmentRecord) throws {
        let streams = try cache.open(record).reader.summary.streams
        let expired = streams.filter { isExpired($0.labels, last: $0.last) }
        if expired.isEmpty { return }
        if expired.count == streams.count {
            try remove(record)
        } else {
            // Some streams stay: the segment is written again without the others.
            let gone = Set(expired.map(\.labels))
            try compact(CompactionTask(inputs: [record], level: record.level)) { labels, _ in
                !gone.contains(labels)
            }
        }
    }

    private func remove(_ record: SegmentRecord) throws {
        var change = CatalogChange()
        change.removed = [record.object]
        try options.faults("retention commit")
        try catalog.commit(change)
        cache.forget(record.object)
        objects.delete(record.object)
        counters.withLock { $0.retiredSegments += 1 }
        let oldest = try catalog.segments().filter { $0.tenant == record.tenant }.map(\.first).min()
        try catalog.forgetStreams(tenant: record.tenant, before: oldest ?? .max)
    }

    private func retireBySize() throws {
        guard options.maxDiskBytes > 0 else { return }
        var segments = try catalog.segments().sorted { $0.last < $1.last }
        var bytes = segments.reduce(0) { $0 + $1.storedBytes }
        while bytes > options.maxDiskBytes, let oldest = segments.first {
            try remove(oldest)
            bytes -= oldest.storedBytes
            segments.removeFirst()
        }
    }
}
