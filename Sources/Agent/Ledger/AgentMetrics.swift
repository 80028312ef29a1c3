import Synchronization

/// What the agent has done, and how far each file is behind.
package struct AgentMetrics: Sendable {
    package struct File: Sendable {
        package var path: String
        /// The source's id.
        package var source: String
        /// Acknowledged, and the size that is known, in bytes.
        package var offset: Int64
        package var size: Int64
        /// Since the last bytes were read, while there are more.
        package var lagSeconds: Double
        /// Since the file was opened.
        var events: Int64
        var readBytes: Int64
        /// Acknowledged lately, in bytes a second.
        package var bytesPerSecond = 0.0
        package var lastError = ""
        /// Seconds since the epoch.
        package var deletionExpected: Double?

        package var lagBytes: Int64 { max(0, size - offset) }

        /// Estimated: as many events as the bytes read so far held.
        package var lagLines: Int64 {
            guard lagBytes > 0, events > 0, readBytes > 0 else { return lagBytes > 0 ? 1 : 0 }
            return max(1, Int64(Double(lagBytes) * Double(events) / Double(readBytes)))
        }
    }
    package var events = 0
    package var bytes = 0
    package var shipments = 0
    package var retries = 0
    package var rewinds = 0
    package var setAside = 0
    /// Entries that rules of the configuration have dropped, by rule.
    package var dropped: [String: Int64] = [:]
    package var lostSources = 0
    /// Of lost sources whose size was known.
    package var lostBytes = 0
    package var lastError = ""
    /// Folders whose news the kernel tells, and those that are swept instead.
    package var watchedFolders = 0
    package var unwatchedFolders = 0
    package var watchOverflows = 0
    /// Paths that are not followed, as their names are no UTF-8; their bytes as `\xNN`.
    package var unnameable: [String] = []
    package var sweepSeconds = 0.0
    /// Unread bytes of deleted files that their disk still holds, and packed ones in the spool.
    package var pinnedBytes: Int64 = 0
    package var spoolBytes: Int64 = 0
    package var ledger: [Ledger.Fate: Ledger.Sum] = [:]
    /// Rises when the state of a file changes.
    private(set) var version = 0
    /// By source.
    private var states: [String: File] = [:]
    private var lastRates: UInt64 = 0

    package init() {}

    /// Takes the state of some files, at a time in monotonic nanoseconds.
    mutating func show(_ fresh: [File], at now: UInt64) {
        let seconds = Double(now - min(now, lastRates)) / 1e9
        lastRates = now
        if !fresh.isEmpty { version += 1 }
        for var file in fresh {
            if let before = states[file.source] {
                let rate = Double(file.offset - before.offset) / max(0.001, seconds)
                let share = min(1, seconds / Self.rateSeconds)
                file.bytesPerSecond = max(
                    0, before.bytesPerSecond + share * (rate - before.bytesPerSecond))
                file.lastError = before.lastError
            }
            states[file.source] = file
        }
    }

    /// Over how long a rate is taken.
    private static let rateSeconds = 10.0

    mutating func forget(_ source: String) {
        states[source] = nil
        version += 1
    }

    mutating func forgetAll() {
        states = [:]
        version += 1
    }

    mutating func noteError(_ text: String, of source: String) {
        lastError = text
        states[source]?.lastError = text
        version += 1
    }

    /// Open files, one for each source.
    package var sources: [File] {
        states.values.sorted { ($0.path, $0.source) < ($1.path, $1.source) }
    }

    /// One for each path, however many generations of it are open: their bytes add up, and the longest
    /// wait counts.
    package var files: [File] {
        var byPath: [String: File] = [:]
        for state in states.values {
            guard var file = byPath[state.path] else {
                byPath[state.path] = state
                continue
            }
            file.size += state.lagBytes
            file.lagSeconds = max(file.lagSeconds, state.lagSeconds)
            file.bytesPerSecond += state.bytesPerSecond
            byPath[state.path] = file
        }
        return byPath.values.sorted { $0.path < $1.path }
    }

    /// Prometheus' text format.
    package var prometheusText: String {
        var out = ""
        func metric(_ name: String, _ type: String, _ help: String, _ lines: [(String, String)]) {
            out += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
            for (labels, value) in lines { out += "\(name)\(labels) \(value)\n" }
        }
        func counter(_ name: String, _ help: String, _ value: Int) {
            metric(name, "counter", help, [("", "\(value)")])
        }
        func escaped(_ text: String) -> String {
            text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing(
                "\n", with: "\\n")
        }
        counter("cordwood_agent_events_total", "Events acknowledged by the server.", events)
        counter("cordwood_agent_bytes_total", "Bytes of acknowledged events.", bytes)
        counter("cordwood_agent_pushes_total", "Acknowledged pushes.", shipments)
        counter("cordwood_agent_retries_total", "Pushes sent again.", retries)
        counter("cordwood_agent_rewinds_total", "Times the server's positions were taken.", rewinds)
        counter(
            "cordwood_agent_set_aside_total", "Events refused by the server and kept aside.",
            setAside)
        metric(
            "cordwood_agent_dropped_total", "counter",
            "Entries that rules of the configuration have dropped, which are not shipped.",
            dropped.sorted { $0.key < $1.key }.map { why, count in
                ("{why=\"\(escaped(why))\"}", "\(count)")
            })
        counter(
            "cordwood_agent_lost_sources_total", "Files gone before they were read to the end.",
            lostSources)
        counter(
            "cordwood_agent_lost_bytes_total", "Bytes of such files, where their size was known.",
            lostBytes)
        metric(
            "cordwood_agent_watched_folders", "gauge", "Folders whose changes the kernel tells.",
            [("", "\(watchedFolders)")])
        metric(
            "cordwood_agent_unwatched_folders", "gauge",
            "Folders that cannot be watched and are swept instead.",
            [("", "\(unwatchedFolders)")])
        counter(
            "cordwood_agent_watch_overflows_total", "Times the kernel's queue of changes was full.",
            watchOverflows)
        metric(
            "cordwood_agent_sweep_seconds_total", "counter", "Time spent looking at all folders.",
            [("", "\(sweepSeconds)")])
        metric(
            "cordwood_agent_pinned_bytes", "gauge",
            "Bytes of deleted files that are unread and still on their disk.",
            [("", "\(pinnedBytes)")])
        metric(
            "cordwood_agent_spool_bytes", "gauge", "Packed bytes of such files in the spool.",
            [("", "\(spoolBytes)")])
        let files = files
        metric(
            "cordwood_agent_file_lag_bytes", "gauge", "Bytes of a file not yet acknowledged.",
            files.map { ("{path=\"\(escaped($0.path))\"}", "\($0.lagBytes)") })
        metric(
            "cordwood_agent_file_lag_seconds", "gauge", "How long a file has waited to be read on.",
            files.map { ("{path=\"\(escaped($0.path))\"}", "\($0.lagSeconds)") })
        metric(
            "cordwood_agent_file_lag_lines", "gauge", "The same in events, estimated.",
            files.map { ("{path=\"\(escaped($0.path))\"}", "\($0.lagLines)") })
        metric(
            "cordwood_agent_file_bytes_per_second", "gauge",
            "Bytes of a file acknowledged in a second, lately.",
            files.map { ("{path=\"\(escaped($0.path))\"}", "\($0.bytesPerSecond)") })
        metric(
            "cordwood_agent_file_deletion_timestamp_seconds", "gauge",
            "When an unread file will be deleted, as far as earlier ones tell.",
            files.compactMap { file in
                file.deletionExpected.map { ("{path=\"\(escaped(file.path))\"}", "\($0)") }
            })
        for (name, help, value) in [
            ("ranges", "Ranges of files noted in the ledger.", \Ledger.Sum.ranges),
            ("bytes", "Bytes of such ranges, where their end is known.", \Ledger.Sum.bytes),
        ] {
            metric(
                "cordwood_agent_ledger_\(name)_total", "counter", help,
                Ledger.Fate.allCases.map {
                    ("{fate=\"\($0.rawValue)\"}", "\((ledger[$0] ?? Ledger.Sum())[keyPath: value])")
                })
        }
        return out
    }

    /// One line for people.
    var statusLine: String {
        let files = files
        let lag = files.reduce(0) { $0 + $1.lagBytes }
        let seconds = files.map(\.lagSeconds).max() ?? 0
        let behind = files.filter { $0.lagBytes > 0 }.map {
            "\($0.path) \($0.lagBytes) B \(Int($0.lagSeconds)) s"
        }
        return "\(events) events, \(bytes) bytes, \(files.count) files, lag \(lag) bytes "
            + "\(Int(seconds)) s, \(retries) retries"
            + (setAside > 0 ? ", \(setAside) set aside" : "")
            + (behind.isEmpty ? "" : "; behind: " + behind.prefix(5).joined(separator: ", "))
            + (lastError.isEmpty ? "" : "; last error: \(lastError)")
    }
}

/// Metrics that several threads write.
final class SharedMetrics: Sendable {
    private let metrics = Mutex(AgentMetrics())
    func update(_ body: (inout AgentMetrics) -> Void) { metrics.withLock { body(&$0) } }
    var current: AgentMetrics { metrics.withLock { $0 } }
}
