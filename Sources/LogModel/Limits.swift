/// Every bound of the server, with Loki's name where Loki has one, its default and its reason.
/// `limits_config` of server.yaml overrides them by the names in `Limits+Names`.
package struct Limits: Sendable, Equatable {
    // Ingest, as Loki names them.
    /// 0 = no limit. Loki: 4 MB/s; ours is off because a self-hosted team has no noisy tenant.
    package var ingestionRateMB = 0.0
    package var ingestionBurstSizeMB = 6.0
    /// A longer line is refused, or cut when `maxLineSizeTruncate`. Loki: 256 KB, which a stack trace
    /// with an answer of somebody's in its message exceeds.
    package var maxLineSize = 1024 * 1024
    package var maxLineSizeTruncate = false
    package var maxLabelNameLength = 1024
    package var maxLabelValueLength = 2048
    package var maxLabelNamesPerSeries = 15
    /// Off, unlike Loki: back-filling old files must work out of the box.
    package var rejectOldSamples = false
    package var rejectOldSamplesMaxAgeSeconds = 7 * 86_400
    /// A clock that runs ahead by more is wrong, not early.
    package var creationGracePeriodSeconds = 600
    package var maxGlobalStreamsPerUser = 5000
    package var incrementDuplicateTimestamp = false
    package var allowStructuredMetadata = true
    package var maxStructuredMetadataSize = 64 * 1024
    package var maxStructuredMetadataEntriesCount = 128
    package var discoverServiceName = [
        "service", "app", "application", "app_name", "name", "app_kubernetes_io_name",
        "container", "container_name", "k8s_container_name", "component", "workload", "job",
        "k8s_job_name",
    ]
    package var discoverLogLevels = true
    package var logLevelFromJSONMaxDepth = 2

    // Queries, as Loki names them.
    package var maxQueryLengthSeconds = 721 * 3600
    package var maxQueryRangeSeconds = 0
    package var maxQueryLookbackSeconds = 0
    package var maxQuerySeries = 500
    package var maxEntriesLimitPerQuery = 5000
    package var queryTimeoutSeconds = 60.0
    package var maxStreamsMatchersPerQuery = 1000
    package var splitQueriesByIntervalSeconds = 3600

    // Retention, as Loki names them: 0 = for ever.
    package var retentionPeriodSeconds = 0
    package var retentionStreams: [RetentionRule] = []

    // Bounds of our own.
    /// Compressed size of one request body. Loki: 100 MiB.
    package var maxReceiveMessageSize = 16 * 1024 * 1024
    /// Size of one body after decompression; Loki's 5,000 MiB would be a gift to a zip bomb.
    package var maxDecompressedSize = 64 * 1024 * 1024
    /// Decompressed bodies in flight at once, so that parallel pushes fit a 250 MB server.
    package var maxIngestBytesInFlight = 96 * 1024 * 1024
    /// Loki's own bound on points of one series.
    package var maxPointsPerSeries = 11_000
    /// Loki's bound on the text of a query, in bytes.
    package var maxQueryTextBytes = 131_072
    /// Nesting of expressions, JSON and brackets: a thread's stack holds this many frames easily.
    package static let maxNesting = 128
    /// Operators of one query: chains of them nest to the left without brackets, and every one may
    /// read the data anew.
    package static let maxOperations = 1000
    /// What one query may hold in memory, in bytes, about: an answer's entries, or a metric query's
    /// series. Four at once still fit a small server beside its other work.
    package var maxQueryMemory = 128 * 1024 * 1024
    /// Entries around a match that a query may ask for, on either side: more is a query of its own.
    package var maxContextEntries = 1000
    /// Queries that run at once; more wait, then get 429.
    package var maxConcurrentQueries = 4
    package var maxWaitingQueries = 64

    package init() {}

    /// Loki's words for a query of more points than `maxPointsPerSeries`.
    package var tooManyPoints: String {
        var digits = String(maxPointsPerSeries)
        var grouped = ""
        while digits.count > 3 {
            grouped = "," + digits.suffix(3) + grouped
            digits.removeLast(3)
        }
        return "exceeded maximum resolution of \(digits + grouped) points per time series. "
            + "Try increasing the value of the step parameter"
    }
}

/// Keeps streams that match a selector for another time than the rest.
package struct RetentionRule: Sendable, Equatable {
    package var selector: String
    package var priority: Int
    package var periodSeconds: Int

    package init(selector: String, priority: Int, periodSeconds: Int) {
        self.selector = selector
        self.priority = priority
        self.periodSeconds = periodSeconds
    }
}
