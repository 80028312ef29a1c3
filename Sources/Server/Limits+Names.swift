import LogModel

/// One entry of `limits_config`: how its value is written and which field it sets.
package enum LimitField: @unchecked Sendable {
    // @unchecked: key paths of a struct of plain values hold no state.
    case count(WritableKeyPath<Limits, Int>)
    case bytes(WritableKeyPath<Limits, Int>)
    case seconds(WritableKeyPath<Limits, Int>)
    case number(WritableKeyPath<Limits, Double>)
    case flag(WritableKeyPath<Limits, Bool>)
    case list(WritableKeyPath<Limits, [String]>)
}

extension Limits {
    /// The limits by the names that Loki's `limits_config` has for them.
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
        "query_timeout": .seconds(\.queryTimeoutSeconds),
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

    /// Names of Loki that mean nothing here: parts that do not exist, and knobs of its many
    /// processes. They are taken, so that a section of Loki's can be pasted, and a warning says so.
    package static let namesWithoutEffect: Set<String> = [
        "ingestion_rate_strategy", "max_streams_per_user", "per_stream_rate_limit",
        "per_stream_rate_limit_burst", "shard_streams", "unordered_writes", "max_chunks_per_query",
        "cardinality_limit", "max_query_bytes_read", "max_querier_bytes_read",
        "max_query_parallelism", "tsdb_max_query_parallelism", "tsdb_max_bytes_per_shard",
        "tsdb_sharding_strategy", "tsdb_precompute_chunks", "max_query_capacity",
        "max_queriers_per_tenant", "query_ready_index_num_days", "max_concurrent_tail_requests",
        "split_metadata_queries_by_interval", "split_recent_metadata_queries_by_interval",
        "recent_metadata_query_window", "split_instant_metric_queries_by_interval",
        "split_ingester_queries_by_interval", "max_cache_freshness_per_query",
        "max_stats_cache_freshness", "max_metadata_cache_freshness", "min_sharding_lookback",
        "volume_enabled", "volume_max_series", "required_labels", "required_number_labels",
        "minimum_labels_number", "deletion_mode", "block_ingestion_until",
        "block_ingestion_status_code", "blocked_queries", "enforced_labels",
        "ruler_max_rules_per_rule_group", "ruler_max_rule_groups_per_tenant",
        "ruler_evaluation_delay_duration", "metric_aggregation_enabled",
        "pattern_persistence_enabled", "otlp_config", "index_gateway_shard_size",
        "bloom_gateway_enable_filtering", "query_timeout_ruler", "discover_generic_fields",
        "log_level_fields", "shard_aggregations", "per_tenant_override_config",
        "per_tenant_override_period", "allow_deletes",
    ]
}
