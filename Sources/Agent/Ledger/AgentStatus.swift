import Foundation
import Logging

/// What an agent says of itself, in `status.json` of its state folder.
struct StatusContent: Codable {
    struct File: Codable {
        var path: String
        var source: String
        /// Offsets in bytes.
        var acknowledged: Int64
        var size: Int64
        var lagLines: Int64
        var lagSeconds: Double
        var bytesPerSecond: Double
        var lastError: String?
        /// Seconds since the epoch.
        var deletionExpected: Double?
    }

    /// Seconds since the epoch.
    var at: Double
    var pid: Int32
    var server: String
    var events: Int
    var bytes: Int
    var retries: Int
    var lastError: String?
    var watchedFolders: Int
    var unwatchedFolders: Int
    /// Not followed: names that are no UTF-8.
    var unnameable: [String]?
    /// May not be read, with the reason.
    var unreadable: [String: String]?
    var files: [File]
    /// Files that are left out.
    var more: Int
}

/// Writes `status.json` when something changed.
final class StatusFile {
    private let path: String
    private let server: String
    private var version = -1
    private var events = -1
    private var lastError = ""
    private var unnameable: [String] = []
    private var unreadable: [String: String] = [:]
    private var isFailureTold = false
    /// More files than anybody looks at; those that are behind come first.
    private static let mostFiles = 10_000

    init(folder: String, server: String) {
        path = folder + "/status.json"
        self.server = server
    }

    func write(_ metrics: AgentMetrics, _ logger: Logger) {
        guard
            metrics.version != version || metrics.events != events
                || metrics.lastError != lastError || metrics.unnameable != unnameable
                || metrics.unreadable != unreadable
        else { return }
        (version, events, lastError) = (metrics.version, metrics.events, metrics.lastError)
        (unnameable, unreadable) = (metrics.unnameable, metrics.unreadable)
        let sources = metrics.sources
        let shown = sources.filter { $0.lagBytes > 0 } + sources.filter { $0.lagBytes == 0 }
        let content = StatusContent(
            at: Date().timeIntervalSince1970, pid: getpid(), server: server,
            events: metrics.events, bytes: metrics.bytes, retries: metrics.retries,
            lastError: metrics.lastError.isEmpty ? nil : metrics.lastError,
            watchedFolders: metrics.watchedFolders, unwatchedFolders: metrics.unwatchedFolders,
            unnameable: unnameable.isEmpty ? nil : unnameable,
            unreadable: unreadable.isEmpty ? nil : unreadable,
            files: shown.prefix(Self.mostFiles).map { file in
                StatusContent.File(
                    path: file.path, source: file.source, acknowledged: file.offset,
                    size: file.size, lagLines: file.lagLines, lagSeconds: file.lagSeconds,
                    bytesPerSecond: file.bytesPerSecond,
                    lastError: file.lastError.isEmpty ? nil : file.lastError,
                    deletionExpected: file.deletionExpected)
            }, more: max(0, shown.count - Self.mostFiles))
        do {
            try StateFile.replace(path, with: Array(JSONEncoder().encode(content)), isSynced: false)
        } catch {
            if !isFailureTold { logger.warning("the status cannot be written: \(error)") }
            isFailureTold = true
        }
    }
}

/// What a state folder tells of its agent, running or not.
package struct AgentStatus: Codable, Sendable {
    package struct File: Codable, Sendable {
        package var path: String
        package var acknowledged: Int64
        /// As it is now, or was when it was last seen.
        package var size: Int64
        package var lagBytes: Int64
        package var lagLines: Int64
        package var lagSeconds: Double
        package var bytesPerSecond: Double
        package var lastError: String?
        package var deletionExpected: Double?
        /// Not under its name any more: renamed, packed or deleted.
        package var isMoved: Bool
    }

    package var isRunning: Bool
    package var pid: Int32?
    package var server: String?
    /// Seconds since the epoch of the last change.
    package var at: Double?
    package var events: Int?
    package var retries: Int?
    package var lastError: String?
    package var unwatchedFolders: Int?
    /// Paths that are not followed, as their names are no UTF-8; their bytes as `\xNN`.
    package var unnameable: [String]?
    /// Files and folders that may not be read, with the reason.
    package var unreadable: [String: String]?
    package var files: [File]
    package var totals: [String: Ledger.Sum]
    /// Lost and set aside ranges, the latest last.
    package var notShipped: [Ledger.Range]
    /// Entries that rules have dropped lately, by rule.
    package var dropped: [String: Int64]

    /// Throws when there is no such folder, or what it holds cannot be read.
    package static func read(state folder: String) throws(AgentError) -> AgentStatus {
        guard FileManager.default.fileExists(atPath: folder + "/lock") else {
            throw .state(
                "\(folder) is no state folder of an agent: there is no file \"lock\" in it")
        }
        let registry = try SourceRegistry(folder: folder, now: 0)
        let content = FileManager.default.contents(atPath: folder + "/status.json").flatMap {
            try? JSONDecoder().decode(StatusContent.self, from: $0)
        }
        let isRunning = StateLock.isHeld(folder: folder)
        let told = Dictionary(
            (content?.files ?? []).map { ($0.source, $0) }, uniquingKeysWith: { $1 })
        let now = Date().timeIntervalSince1970
        let files = registry.unfinished.map { record in
            file(
                record, told[record.id], isRunning: isRunning, sinceTold: now - (content?.at ?? now)
            )
        }
        let ledger = Ledger.read(folder: folder)
        return AgentStatus(
            isRunning: isRunning, pid: isRunning ? content?.pid : nil, server: content?.server,
            at: content?.at, events: content?.events, retries: content?.retries,
            lastError: content?.lastError, unwatchedFolders: content?.unwatchedFolders,
            unnameable: content?.unnameable, unreadable: content?.unreadable,
            files: files.sorted { $0.path < $1.path },
            totals: Dictionary(
                uniqueKeysWithValues: ledger.totals.map { ($0.key.rawValue, $0.value) }),
            notShipped: ledger.ranges.filter { $0.what != .shipped && $0.entries == nil },
            dropped: ledger.ranges.reduce(into: [:]) { sums, range in
                if let count = range.entries { sums[range.why ?? "", default: 0] += count }
            })
    }

    private static func file(
        _ record: SourceRecord, _ told: StatusContent.File?, isRunning: Bool, sinceTold: Double
    ) -> File {
        // The name it has now, where the agent knows it: it was found under another one.
        let path = told?.path ?? record.path
        let status = FileIdentity.status(of: path)
        let isThere = status?.identity == record.identity
        let size = max(record.size ?? 0, told?.size ?? 0, isThere ? status?.size ?? 0 : 0)
        let acknowledged = max(record.offset, told?.acknowledged ?? 0)
        let lag = max(0, size - acknowledged)
        let toldLag = max(0, (told?.size ?? 0) - (told?.acknowledged ?? 0))
        // As many lines a byte as the agent estimated; else lines of Logback's usual length.
        let bytesPerLine =
            (told?.lagLines).flatMap { $0 > 0 && toldLag > 0 ? Double(toldLag) / Double($0) : nil }
            ?? AgentMetrics.File.usualLineBytes
        return File(
            path: path, acknowledged: acknowledged, size: size, lagBytes: lag,
            lagLines: lag == 0 ? 0 : max(1, Int64(Double(lag) / bytesPerLine)),
            lagSeconds: lag == 0 ? 0 : (told?.lagSeconds ?? 0) + (isRunning ? 0 : sinceTold),
            bytesPerSecond: isRunning ? told?.bytesPerSecond ?? 0 : 0, lastError: told?.lastError,
            deletionExpected: told?.deletionExpected, isMoved: !isThere)
    }
}
