import LogModel
import Synchronization

/// A bucket of bytes per tenant, filled at `ingestion_rate_mb`; holds one burst. Off at rate 0.
package final class RateLimits: Sendable {
    private struct Bucket {
        var bytes: Double
        var filled: ContinuousClock.Instant
    }

    /// Tenants that are remembered; a full bucket that is forgotten comes back full.
    private static let mostTenants = 10_000

    private let bytesPerSecond: Double
    private let burst: Double
    private let buckets = Mutex<[String: Bucket]>([:])

    package init(limits: Limits) {
        bytesPerSecond = limits.ingestionRateMB * 1024 * 1024
        burst = max(limits.ingestionBurstSizeMB, limits.ingestionRateMB) * 1024 * 1024
    }

    /// Takes the bytes out of the bucket, or tells Loki's text when there are too few in it.
    package func take(
        _ bytes: Int, lines: Int, tenant: String, now: ContinuousClock.Instant
    ) -> String? {
        guard bytesPerSecond > 0 else { return nil }
        let isAllowed = buckets.withLock { buckets -> Bool in
            if buckets.count >= Self.mostTenants, buckets[tenant] == nil { buckets.removeAll() }
            var bucket = buckets[tenant] ?? Bucket(bytes: burst, filled: now)
            let seconds = (now - bucket.filled).inSeconds
            bucket.bytes = min(burst, bucket.bytes + max(0, seconds) * bytesPerSecond)
            bucket.filled = now
            defer { buckets[tenant] = bucket }
            guard bucket.bytes >= Double(bytes) else { return false }
            bucket.bytes -= Double(bytes)
            return true
        }
        if isAllowed { return nil }
        return "ingestion rate limit exceeded for user \(tenant) (limit: \(Int(bytesPerSecond)) "
            + "bytes/sec) while attempting to ingest '\(lines)' lines totaling '\(bytes)' bytes, "
            + "reduce log volume or contact your Loki administrator to see if the limit can be "
            + "increased"
    }
}
