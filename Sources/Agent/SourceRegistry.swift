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
    /// The clock of the source at `offset`.
    var events: Int64
    /// Read to its end, which will not move any more; or closed until it grows.
    var isFinished: Bool
    /// Seconds since the epoch of the last change here.
    var touched: Int64

    // Below is what state folders of the first agents lack.

    /// The bytes before an offset that the server has.
    var mark: ContentMark?
    /// The largest size that was seen.
    var size: Int64?
    /// The clock at the start of the file, handed on by its predecessor.
    var seed: Int64?
    /// The source before this one under the same name, as long as its clock is awaited.
    var predecessor: String?
    /// Rises with every source that is followed.
    var order: Int64?
    /// Tells apart files of one stream that are written at the same time.
    var lane: Int64?
    /// The source has shown headers.
    var hasHeaders: Bool?
    /// Other content stands in its file: it was truncated in place. Its rest may stand in a copy.
    var isDetached: Bool?

    init(id: String, identity: FileIdentity, path: String, touched: Int64) {
        self.id = id
        self.identity = identity
        self.path = path
        self.touched = touched
        fingerprint = Fingerprint([])
        offset = 0
        events = 0
        isFinished = false
    }

    var folder: String { FollowedFile.split(path).folder }
    var name: String { FollowedFile.split(path).name }

    /// What a file and its rolls have in common.
    var family: String { folder + "/" + RolledName.root(of: name) }

    /// Bytes that are known to be missing; nil when nobody knows.
    var unread: Int64? { size.map { max(0, $0 - offset) } }

    /// True when the content begins as the source did, and has the bytes that were read last.
    func matches(_ content: FileContent, first: [UInt8]) -> Bool {
        fingerprint.matches(first) && (mark?.matches(content) ?? true)
    }
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
    private var ids: [FileIdentity: String] = [:]
    /// Finished sources are remembered so long after their file was last seen, in seconds: as long as
    /// a copy may turn up.
    private static let memory: Int64 = 7 * 86_400
    /// How often it is noted that a file is still there, in seconds.
    private static let touchEvery: Int64 = 86_400

    init(folder: String, now: Int64) throws(AgentError) {
        path = folder + "/sources.json"
        started = now
        guard let data = FileManager.default.contents(atPath: path) else { return }
        do {
            let content = try JSONDecoder().decode(Content.self, from: data)
            started = content.started
            for source in content.sources { self[source.id] = source }
        } catch {
            throw .state(
                "cannot read \(path): \(error.localizedDescription). It tells what was shipped: "
                    + "restore it, or remove it to ask the server")
        }
    }

    subscript(id: String) -> SourceRecord? {
        get { sources[id] }
        set {
            if let old = sources[id], ids[old.identity] == id { ids[old.identity] = nil }
            sources[id] = newValue
            if let newValue, newValue.isDetached != true { ids[newValue.identity] = id }
        }
    }

    /// The source whose content stands in this file.
    func source(of identity: FileIdentity) -> SourceRecord? {
        ids[identity].flatMap { sources[$0] }
    }

    /// Keeps a finished source in memory whose file is still there.
    mutating func touch(_ id: String, now: Int64) -> Bool {
        guard let record = sources[id], record.isFinished, now - record.touched > Self.touchEvery
        else { return false }
        sources[id]?.touched = now
        return true
    }

    /// Replaces the file: written beside, synced, renamed.
    mutating func save(now: Int64) throws(AgentError) {
        for old in sources.values where old.isFinished && now - old.touched >= Self.memory {
            self[old.id] = nil
        }
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
