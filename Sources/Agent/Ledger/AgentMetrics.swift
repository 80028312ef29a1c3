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
        var trouble = Trouble()
        package var lastError: String { trouble.text }
        /// Seconds since the epoch.
        package var deletionExpected: Double?

        package var lagBytes: Int64 { max(0, size - offset) }

        /// Estimated: as many events as the bytes read so far held.
        package var lagLines: Int64 {
            guard lagBytes > 0 else { return 0 }
            let perLine =
                events > 0 && readBytes > 0
                ? Double(readBytes) / Double(events) : Self.usualLineBytes
            return max(1, Int64(Double(lagBytes) / perLine))
        }

        /// For an estimate of lines where nothing was read yet.
        static let usualLineBytes = 150.0
    }
    /// What is wrong with a file.
    struct Trouble: Sendable {
        /// Why it cannot be read, or not be kept.
        var reading = ""
        /// Why the last push with events of it failed; empty once one is taken.
        var pushing = ""
        var text: String { reading.isEmpty ? pushing : reading }
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
    /// Files and folders that may not be read, with the reason.
    package var unreadable: [String: String] = [:]
    package var sweepSeconds = 0.0
    /// Unread bytes of deleted files that their disk still holds, and packed ones in the spool.
    package var pinnedBytes: Int64 = 0
    package var spoolBytes: Int64 = 0
    package var ledger: [Ledger.Fate: Ledger.Sum] = [:]
    /// Rises when the state of a file changes.
    private(set) var version = 0
    /// By source.
    private var states: [String: File] = [:]
    /// By source, of those that have any, shown or not.
    private var troubles: [String: Trouble] = [:]
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
            }
            file.trouble = troubles[file.source] ?? Trouble()
            states[file.source] = file
        }
    }

    /// Over how long a rate is taken.
    private static let rateSeconds = 10.0

    mutating func forget(_ source: String) {
        states[source] = nil
        troubles[source] = nil
        version += 1
    }

    mutating func forgetAll() {
        states = [:]
        troubles = [:]
        unreadable = [:]
        version += 1
    }

    mutating func noteError(_ text: String, of source: String) {
        lastError = text
        change(source) { $0.reading = text }
    }

    /// A push with events of some sources failed.
    mutating func noteFailure(_ text: String, of sources: Set<String>) {
        retries += 1
        lastError = text
        for source in sources { change(source) { $0.pushing = text } }
    }

    /// One was taken, or refused for good.
    mutating func noteSuccess(of sources: () -> Set<String>) {
        lastError = ""
        guard !troubles.isEmpty else { return }
        for source in sources() where troubles[source] != nil { change(source) { $0.pushing = "" } }
    }

    private mutating func change(_ source: String, _ body: (inout Trouble) -> Void) {
        var trouble = troubles[source] ?? Trouble()
        body(&trouble)
        troubles[source] = trouble.text.isEmpty ? nil : trouble
        states[source]?.trouble = trouble
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
        for state in sources {
            guard var file = byPath[state.path] else {
                byPath[state.path] = state
                continue
            }
            file.size += state.lagBytes
            file.events += state.events
            file.readBytes += state.readBytes
            file.lagSeconds = max(file.lagSeconds, state.lagSeconds)
            file.bytesPerSecond += state.bytesPerSecond
            if file.lastError.isEmpty { file.trouble = state.trouble }
            byPath[state.path] = file
        }
        return byPath.values.sorted { $0.path < $1.path }
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
