import Synchronization

/// What the agent has done, and how far each file is behind.
package struct AgentMetrics: Sendable {
    package struct File: Sendable {
        package var path: String
        package var lagBytes: Int64
        /// Since the last bytes were read, while there are more.
        package var lagSeconds: Double
    }
    package var events = 0
    package var bytes = 0
    package var shipments = 0
    package var retries = 0
    package var rewinds = 0
    package var setAside = 0
    package var lostSources = 0
    /// Of lost sources whose size was known.
    package var lostBytes = 0
    package var lastError = ""
    /// One for each path, however many generations of it are open.
    package private(set) var files: [File] = []

    package init() {}

    /// Generations of one path are one series: their bytes add up, and the oldest wait counts.
    mutating func show(_ states: [File]) {
        var byPath: [String: File] = [:]
        for state in states {
            var file = byPath[state.path] ?? File(path: state.path, lagBytes: 0, lagSeconds: 0)
            file.lagBytes += state.lagBytes
            file.lagSeconds = max(file.lagSeconds, state.lagSeconds)
            byPath[state.path] = file
        }
        files = byPath.values.sorted { $0.path < $1.path }
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
        counter(
            "cordwood_agent_lost_sources_total", "Files gone before they were read to the end.",
            lostSources)
        counter(
            "cordwood_agent_lost_bytes_total", "Bytes of such files, where their size was known.",
            lostBytes)
        metric(
            "cordwood_agent_file_lag_bytes", "gauge", "Bytes of a file not yet acknowledged.",
            files.map { ("{path=\"\(escaped($0.path))\"}", "\($0.lagBytes)") })
        metric(
            "cordwood_agent_file_lag_seconds", "gauge", "How long a file has waited to be read on.",
            files.map { ("{path=\"\(escaped($0.path))\"}", "\($0.lagSeconds)") })
        return out
    }

    /// One line for people.
    var statusLine: String {
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
