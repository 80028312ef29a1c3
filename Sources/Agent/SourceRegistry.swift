import Foundation
import LogModel

/// A source as the state folder remembers it.
struct SourceRecord: Codable, Sendable {
    var id: String
    var identity: FileIdentity
    var fingerprint: Fingerprint
    var path: String
    /// Acknowledged by the server: what counts with a server that keeps no positions, and a hint
    /// otherwise.
    var offset: Int64
    var events: Int64
    /// Read to its end, which will not move any more.
    var isFinished: Bool
    /// Seconds since the epoch of the last change here.
    var touched: Int64
}

/// The sources that this agent knows, in one small file that is replaced as a whole. It is written
/// before the first entry of a source is sent, so that a restart knows every source that the server
/// may have heard of.
struct SourceRegistry {
    private struct Content: Codable {
        var version = 1
        /// Seconds since the epoch of the agent's first start with this state.
        var started: Int64
        var sources: [SourceRecord]
    }

    private let path: String
    private(set) var started: Int64
    private(set) var sources: [String: SourceRecord] = [:]
    /// Finished sources are remembered so long, in seconds: as long as a copy may turn up.
    private static let memory: Int64 = 7 * 86_400

    init(folder: String, now: Int64) throws(AgentError) {
        path = folder + "/sources.json"
        started = now
        guard let data = FileManager.default.contents(atPath: path) else { return }
        do {
            let content = try JSONDecoder().decode(Content.self, from: data)
            started = content.started
            for source in content.sources { sources[source.id] = source }
        } catch {
            throw .state(
                "cannot read \(path): \(error.localizedDescription). It tells what was shipped: "
                    + "restore it, or remove it to ask the server")
        }
    }

    subscript(id: String) -> SourceRecord? {
        get { sources[id] }
        set { sources[id] = newValue }
    }

    func source(of identity: FileIdentity) -> SourceRecord? {
        sources.values.first { $0.identity == identity }
    }

    /// Replaces the file: written beside, synced, renamed.
    mutating func save(now: Int64) throws(AgentError) {
        sources = sources.filter { !$0.value.isFinished || now - $0.value.touched < Self.memory }
        let content = Content(
            started: started, sources: sources.values.sorted { $0.id < $1.id })
        do {
            let data = try JSONEncoder().encode(content)
            let temporary = path + ".tmp"
            let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o640)
            guard descriptor >= 0 else { throw AgentError.system("creating", temporary) }
            defer { close(descriptor) }
            let written = data.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            guard written == data.count, fsync(descriptor) == 0, rename(temporary, path) == 0 else {
                throw AgentError.system("writing", path)
            }
        } catch let error as AgentError { throw error } catch {
            throw .state("writing \(path): \(error.localizedDescription)")
        }
    }
}

/// What stops an agent, or one of its files.
package enum AgentError: Error, Sendable, CustomStringConvertible {
    case configuration(String)
    case state(String)

    package var description: String {
        switch self {
        case .configuration(let text), .state(let text): text
        }
    }

    static func system(_ operation: String, _ path: String) -> AgentError {
        .state("\(operation) \(path): \(String(cString: strerror(errno)))")
    }
}
