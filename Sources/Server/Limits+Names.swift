import LogModel

/// One entry of `limits_config`: how its value is written and which field it sets.
package enum LimitField: @unchecked Sendable {
    // @unchecked: key paths of a struct of plain values hold no state.
    case count(WritableKeyPath<Limits, Int>)
    case bytes(WritableKeyPath<Limits, Int>)
    case seconds(WritableKeyPath<Limits, Int>)
    /// Seconds and parts of them.
    case span(WritableKeyPath<Limits, Double>)
    case number(WritableKeyPath<Limits, Double>)
    case flag(WritableKeyPath<Limits, Bool>)
    case list(WritableKeyPath<Limits, [String]>)
}

extension Limits {
    /// The limits by the names that Loki's `limits_config` has for them. Its other names are of
    /// parts that do not exist here, and there are new ones with every release.
    package static let fields: [String: LimitField] = [
        "ingestion_rate_mb": .number(\.ingestionRateMB),
        "ingestion_burst_size_mb": .number(\.ingestionBurstSizeMB),
        "max_line_size": .bytes(\.maxLineSize),
        "max_line_size_truncate": .flag(\.maxLineSizeTruncate),
        "max_label_name_length": .count(\.maxLabelNameLength),
        "max_label_value_length": .count(\.maxLabelValueLength),
        "max_label_names_per_series": .count(\.maxLabelNamesPerSeries),
        "reject_old_samples": .flag(\.rejectOldSamples),
        "reject_old_samples_max_age": .seconds(\.rejectOldSamplesMaxAgeSeconds),
        "creation_grace_period": .seconds(\.creationGracePeriodSeconds),
        "max_global_streams_per_user": .count(\.maxGlobalStreamsPerUser),
        "increment_duplicate_timestamp": .flag(\.incrementDuplicateTimestamp),
        "allow_structured_metadata": .flag(\.allowStructuredMetadata),
        "max_structured_metadata_size": .bytes(\.maxStructuredMetadataSize),
        "max_structured_metadata_entries_count": .count(\.maxStructuredMetadataEntriesCount),
        "discover_service_name": .list(\.discoverServiceName),
        "discover_log_levels": .flag(\.discoverLogLevels),
        "log_level_from_json_max_depth": .count(\.logLevelFromJSONMaxDepth),
        "max_query_length": .seconds(\.maxQueryLengthSeconds),
        "max_query_range": .seconds(\.maxQueryRangeSeconds),
        "max_query_lookback": .seconds(\.maxQueryLookbackSeconds),
        "max_query_series": .count(\.maxQuerySeries),
        "max_entries_limit_per_query": .count(\.maxEntriesLimitPerQuery),
        "query_timeout": .span(\.queryTimeoutSeconds),
        "max_streams_matchers_per_query": .count(\.maxStreamsMatchersPerQuery),
        "split_queries_by_interval": .seconds(\.splitQueriesByIntervalSeconds),
        "retention_period": .seconds(\.retentionPeriodSeconds),
        "max_recv_msg_size": .bytes(\.maxReceiveMessageSize),
        "max_decompressed_size": .bytes(\.maxDecompressedSize),
        "max_ingest_bytes_in_flight": .bytes(\.maxIngestBytesInFlight),
        "max_points_per_series": .count(\.maxPointsPerSeries),
        "max_query_memory": .bytes(\.maxQueryMemory),
        "max_context_entries": .count(\.maxContextEntries),
        "max_concurrent_queries": .count(\.maxConcurrentQueries),
        "max_waiting_queries": .count(\.maxWaitingQueries),
    ]
}
