import LogModel
import Server
import Testing

@Suite struct ConfigurationFiles {
    private func parse(_ text: String) throws -> ServerConfiguration {
        try ConfigurationFile.parse(text, path: "server.yaml")
    }

    private func refusal(_ text: String) -> String? {
        do {
            _ = try parse(text)
            return nil
        } catch {
            return "\(error)"
        }
    }

    @Test func everythingHasADefault() throws {
        for text in ["", "# nothing\n", "limits_config:\n"] {
            let read = try parse(text)
            #expect(read.host == "127.0.0.1")
            #expect(read.port == 3100)
            #expect(read.data == "./cordwood-data")
            #expect(!read.authEnabled)
            #expect(read.limits == Limits())
        }
    }

    @Test func readsWhatLokiWrites() throws {
        let read = try parse(
            """
            listen: "[::1]:0"
            data: /var/lib/cordwood
            auth_enabled: true
            max_disk_size: 10GB
            log_level: debug
            storage:
              compact_after: 1m
              segment_size: 256MB
            limits_config:
              max_line_size: 512KB
              max_line_size_truncate: true
              reject_old_samples_max_age: 1d12h
              discover_service_name: [a, b]
              discover_log_levels: false
              ingestion_rate_mb: 1.5
              max_query_series: 7
              retention_period: 744h
              volume_enabled: true
              retention_stream:
                - selector: '{app="x"}'
                  priority: 2
                  period: 24h
            """)
        #expect(read.host == "::1")
        #expect(read.port == 0)
        #expect(read.data == "/var/lib/cordwood")
        #expect(read.authEnabled)
        #expect(read.maxDiskBytes == 10 << 30)
        #expect(read.storeOptions.level0AgeSeconds == 60)
        #expect(read.storeOptions.level2Bytes == 256 << 20)
        #expect(read.limits.maxLineSize == 512 * 1024)
        #expect(read.limits.maxLineSizeTruncate)
        #expect(read.limits.rejectOldSamplesMaxAgeSeconds == 36 * 3600)
        #expect(read.limits.discoverServiceName == ["a", "b"])
        #expect(!read.limits.discoverLogLevels)
        #expect(read.limits.ingestionRateMB == 1.5)
        #expect(read.limits.maxQuerySeries == 7)
        #expect(read.limits.retentionPeriodSeconds == 744 * 3600)
        #expect(
            read.limits.retentionStreams
                == [RetentionRule(selector: "{app=\"x\"}", priority: 2, periodSeconds: 86_400)])
        #expect(read.ignoredNames == ["limits_config.volume_enabled"])
    }

    @Test(arguments: [
        ("lissten: x", "server.yaml, line 1: unknown key 'lissten'"),
        ("a\n", "server.yaml, line 1: the file must be a mapping"),
        ("data: x\n\nservers: {}\n", "server.yaml, line 3: unknown key 'servers'"),
        (
            "limits_config:\n  max_line_size: 5 apples\n",
            "server.yaml, line 2: '5 apples' is no size: write 262144 or 256KB"
        ),
        (
            "limits_config:\n  query_timeout: soon\n",
            "server.yaml, line 2: 'soon' is no duration: write 7d, 12h or 90s"
        ),
        (
            "limits_config:\n  discover_log_levels: maybe\n",
            "server.yaml, line 2: 'maybe' is neither true nor false"
        ),
        ("limits_config:\n  max_query_series: -1\n", "server.yaml, line 2: '-1' is no count"),
        ("limits_config: 5\n", "server.yaml, line 1: limits_config must be a mapping"),
        ("storage:\n  s3: {}\n", "server.yaml, line 2: unknown key 'storage.s3'"),
        (
            "listen: nowhere\n",
            "server.yaml, line 1: 'nowhere' is no address to listen on: write HOST:PORT, "
                + "such as 127.0.0.1:3100"
        ),
        (
            "limits_config:\n  max_decompressed_size: 5GB\n",
            "server.yaml, line 2: max_decompressed_size may be 1GB at most"
        ),
    ])
    func mistakesHaveALine(_ text: String, _ message: String) {
        #expect(refusal(text) == message)
    }

    @Test func whatOnlyLokiKnowsIsCollected() throws {
        let read = try parse(
            """
            target: all
            server: {http_listen_port: 3100}
            schema_config:
              configs: [{from: 2024-01-01, store: tsdb}]
            limits_config:
              use_owned_stream_count: true
              ruler_remote_write_disabled: false
              s3_sse_type: SSE-S3
              shard_streams: {enabled: true}
              max_query_series: 7
              not_even_loki_knows: 1
            """)
        #expect(
            read.ignoredNames == [
                "target", "server", "schema_config", "limits_config.use_owned_stream_count",
                "limits_config.ruler_remote_write_disabled", "limits_config.s3_sse_type",
                "limits_config.shard_streams", "limits_config.not_even_loki_knows",
            ])
        #expect(read.limits.maxQuerySeries == 7)
    }

    @Test func partsOfASecondAreKept() throws {
        let read = try parse(
            """
            storage:
              compact_after: 1500ms
            limits_config:
              query_timeout: 500ms
              max_query_lookback: 1ms
              max_query_range: 0s
            """)
        #expect(read.limits.queryTimeoutSeconds == 0.5)
        // 0 would be no bound at all.
        #expect(read.limits.maxQueryLookbackSeconds == 1)
        #expect(read.limits.maxQueryRangeSeconds == 0)
        #expect(read.storeOptions.level0AgeSeconds == 2)
    }

    @Test func brokenYAMLIsAnError() {
        #expect(refusal("a: [")?.hasPrefix("server.yaml: ") == true)
    }

    @Test func everyLimitHasAName() {
        // Mirror sees the stored fields; retention_stream and the two below are set in other ways.
        let fields = Mirror(reflecting: Limits()).children.compactMap(\.label)
        #expect(fields.count == Limits.fields.count + 2)
    }

    @Test(arguments: [
        ("7d", 604_800), ("0s", 0), ("0", 0), ("1h30m", 5400), ("30d1h", 2_595_600),
        ("500ms", 0.5),
    ])
    func durations(_ text: String, _ seconds: Double) {
        #expect(QuantityText.seconds(text) == seconds)
    }

    @Test(arguments: [
        (721 * 3600, "30d1h"), (0, "0s"), (86_400, "1d"), (172_800, "2d"), (604_800, "1w"),
        (90, "1m30s"),
    ])
    func printsDurations(_ seconds: Int, _ text: String) {
        #expect(QuantityText.print(seconds: seconds) == text)
    }

    @Test(arguments: [(0.5, "500ms"), (90.25, "1m30s250ms"), (60, "1m"), (0, "0s")])
    func printsPartsOfASecond(_ seconds: Double, _ text: String) {
        #expect(QuantityText.print(seconds: seconds) == text)
    }

    @Test(arguments: [
        ("256KB", 262_144), ("262144", 262_144), ("1.5MB", 1_572_864), ("64KiB", 65_536),
        ("2 GB", 2 << 30), ("5b", 5),
    ])
    func sizes(_ text: String, _ bytes: Int) {
        #expect(QuantityText.bytes(text) == bytes)
    }

    @Test func printsTimesOfQueriesAsGoDoes() {
        #expect(QuantityText.printGo(nanoseconds: 800 * Nanoseconds.hour) == "800h0m0s")
        #expect(QuantityText.printGo(nanoseconds: 90 * Nanoseconds.second) == "1m30s")
        #expect(QuantityText.printGo(nanoseconds: 1_500_000_000) == "1.5s")
    }
}
