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
        let cut = RetentionCut(options)
        let latest = cut.latest
        for record in try catalog.segments() where record.first < latest {
            try retire(record, cut)
        }
        try retireBySize()
    }

    /// A segment is written again when this part of it is too old. Nobody sees such entries any more:
    /// what is left to do is to free their space, and that should be worth the writing.
    private static let rewrittenShare = 8
    /// Entries are removed from the disk no later than this after the end of their time.
    private static let longestDelay = Nanoseconds.day

    private func retire(_ record: SegmentRecord, _ cut: RetentionCut) throws {
        let streams = try cache.open(record).reader.summary.streams
        var gone = 0
        var isOverdue = false
        for stream in streams {
            let kept = cut.first(of: stream.labels)
            if stream.last < kept { gone += stream.rows }
            // Times before all others must not overflow.
            if stream.first < max(kept, .min + Self.longestDelay) - Self.longestDelay {
                isOverdue = true
            }
        }
        if gone == streams.reduce(0, { $0 + $1.rows }) {
            try remove(record)
        } else if isOverdue || gone * Self.rewrittenShare >= record.rows {
            try compact(CompactionTask(inputs: [record], level: record.level))
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
        try forgetStreams(tenant: record.tenant)
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
