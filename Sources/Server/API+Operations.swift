import Glibc
import LogModel
import Storage

/// What operators and their tools ask.
extension API {
    /// The version that `/status/buildinfo` tells.
    static let version = "0.1.0"

    var buildInformation: Answer {
        Answer(
            json: Array(
                """
                {"version":"\(Self.version)","revision":"","branch":"","buildUser":"",\
                "buildDate":"","goVersion":"","application":"cordwood"}
                """.utf8))
    }

    /// The limits in force, as `limits_config` writes them.
    var effectiveSettings: Answer {
        var text = "listen: \(configuration.address)\n"
        text += "data: \(configuration.data)\nauth_enabled: \(configuration.authEnabled)\n"
        text += "max_disk_size: \(configuration.maxDiskBytes)\nlimits_config:\n"
        for (name, field) in Limits.fields.sorted(by: { $0.key < $1.key }) {
            let value: String
            switch field {
            case .count(let path), .bytes(let path): value = "\(limits[keyPath: path])"
            case .seconds(let path): value = QuantityText.print(seconds: limits[keyPath: path])
            case .span(let path): value = QuantityText.print(seconds: limits[keyPath: path])
            case .number(let path): value = FloatText.text(limits[keyPath: path])
            case .flag(let path): value = "\(limits[keyPath: path])"
            case .list(let path):
                value = "[" + limits[keyPath: path].joined(separator: ", ") + "]"
            }
            text += "  \(name): \(value)\n"
        }
        return Answer(text: text)
    }

    /// Prometheus' text format.
    func metrics() async -> Answer {
        let store = await bench.run { self.store.metrics }
        let values = counters.now
        var text = MetricsText()
        text.family("cordwood_pushes_total", "counter", "Push requests by HTTP status.")
        for (status, count) in values.pushes.sorted(by: { $0.key < $1.key }) {
            text.sample("cordwood_pushes_total{status=\"\(status)\"}", Double(count))
        }
        text.counter("cordwood_pushed_lines_total", "Lines accepted.", values.pushedLines)
        text.counter("cordwood_pushed_bytes_total", "Bytes of lines accepted.", values.pushedBytes)
        text.counter(
            "cordwood_received_bytes_total", "Bytes of push bodies, as sent.", values.receivedBytes)
        text.family("cordwood_queries_total", "counter", "LogQL queries by HTTP status.")
        for (status, count) in values.queries.sorted(by: { $0.key < $1.key }) {
            text.sample("cordwood_queries_total{status=\"\(status)\"}", Double(count))
        }
        text.family("cordwood_query_seconds_total", "counter", "Time spent on queries.")
        text.sample("cordwood_query_seconds_total", values.querySeconds)
        text.counter(
            "cordwood_queried_bytes_total", "Bytes of lines that queries covered.",
            values.queriedBytes)
        text.gauge("cordwood_queries_waiting", "Queries that wait for a turn.", querying.waiting)
        storage(store, into: &text)
        text.gauge("process_resident_memory_bytes", "Memory in RAM.", Self.residentBytes())
        var answer = Answer(text: text.text)
        answer.contentType = "text/plain; version=0.0.4; charset=utf-8"
        return answer
    }

    private func storage(_ store: StoreMetrics, into text: inout MetricsText) {
        text.counter("cordwood_commits_total", "Commits of groups of pushes.", store.commits)
        text.counter(
            "cordwood_committed_pushes_total", "Pushes in those commits.", store.committedPushes)
        text.counter("cordwood_failed_commits_total", "Commits that failed.", store.failedCommits)
        text.family("cordwood_commit_seconds_total", "counter", "Time spent on commits.")
        text.sample("cordwood_commit_seconds_total", store.commitSeconds)
        text.counter("cordwood_compactions_total", "Merges of segments.", store.compactions)
        text.counter(
            "cordwood_failed_compactions_total", "Merges that failed.", store.failedCompactions)
        text.family(
            "cordwood_written_chunks_total", "counter",
            "Chunks that merges wrote: as columns, or as text where that pays more.")
        text.sample(
            "cordwood_written_chunks_total{kind=\"columns\"}", Double(store.chunks.columns))
        text.sample("cordwood_written_chunks_total{kind=\"text\"}", Double(store.chunks.text))
        text.counter(
            "cordwood_column_mismatches_total",
            "Chunks kept as text because their columns did not give back their lines: a fault of "
                + "Cordwood, which lost nothing by it.",
            store.mismatches)
        text.counter(
            "cordwood_retired_segments_total", "Segments removed by retention.",
            store.retiredSegments)
        text.family("cordwood_segments", "gauge", "Segments by level.")
        for (level, count) in store.segmentsByLevel.sorted(by: { $0.key < $1.key }) {
            text.sample("cordwood_segments{level=\"\(level)\"}", Double(count))
        }
        text.gauge("cordwood_stored_bytes", "Bytes of all segments.", store.storedBytes)
    }

    /// Resident memory as the kernel counts it; 0 where it does not tell.
    static func residentBytes() -> Int {
        guard let file = fopen("/proc/self/statm", "r") else { return 0 }
        defer { fclose(file) }
        var buffer = [CChar](repeating: 0, count: 256)
        guard fgets(&buffer, 256, file) != nil else { return 0 }
        let text = String(
            decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        let fields = text.split(separator: " ")
        guard fields.count > 1, let pages = Int(fields[1]) else { return 0 }
        return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
    }
}

/// Builds Prometheus' text format.
private struct MetricsText {
    private(set) var text = ""

    mutating func family(_ name: String, _ type: String, _ help: String) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
    }

    mutating func sample(_ name: String, _ value: Double) {
        text += "\(name) \(FloatText.text(value))\n"
    }

    mutating func counter(_ name: String, _ help: String, _ value: Int) {
        family(name, "counter", help)
        sample(name, Double(value))
    }

    mutating func gauge(_ name: String, _ help: String, _ value: Int) {
        family(name, "gauge", help)
        sample(name, Double(value))
    }
}
