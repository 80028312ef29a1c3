import Foundation
import LogModel

/// The sources that this agent knows. Records that change are appended to a journal, and now and then
/// all of them are written anew, so that a save costs what changed. A record is saved before the first
/// entry of its source is sent, so that a restart knows every source that the server may have heard of.
///
///     sources.json     {"version":1,"generation":7,"started":…,"sources":[…]}    replaced as a whole
///     sources.journal  {"generation":7}, then a record a line, or {"gone":"ID"}: what changed since
///
/// A journal of another generation than the file's is older than the file, left by a crash between
/// replacing the one and removing the other, and says nothing. State folders of the first agents have
/// no generation in either.
struct SourceRegistry {
    private struct Content: Codable {
        var version = 1
        var generation: Int?
        /// Seconds since the epoch of the agent's first start with this state.
        var started: Int64
        var sources: [SourceRecord]
        /// The newest rolled name of each family.
        var rolls: [String: String]?
    }

    private struct Roll: Codable {
        var roll: String
        var family: String
    }

    private struct Gone: Codable { var gone: String }

    private struct Generation: Codable { var generation: Int }

    private let path: String
    private let journal: String
    private(set) var started: Int64
    private(set) var sources: [String: SourceRecord] = [:]
    private(set) var rolls: [String: String] = [:]
    private var changedRolls: Set<String> = []
    private var ids: [FileIdentity: String] = [:]
    /// Those that are not read to their end.
    private var open: Set<String> = []
    /// Changed since the last save.
    private var changed: Set<String> = []
    private var journalBytes = 0
    private var contentBytes = 0
    private var generation: Int?
    private var lastExpiry: Int64 = 0

    /// Finished sources are remembered so long after their file was last seen, in seconds: as long as
    /// a copy may turn up.
    private static let memory: Int64 = 7 * 86_400
    /// How often it is noted that a file is still there, in seconds.
    private static let touchEvery: Int64 = 86_400
    /// How often what is to be forgotten is looked for, in seconds.
    private static let expireEvery: Int64 = 600
    /// A journal may grow to this, or to the size of what it adds to.
    private static let leastJournalBytes = 1_000_000
    /// Of a journal that nothing may be appended to.
    private static let overgrown = Int.max / 2
    /// Finished sources that are remembered at most, newest first: at some 500 bytes each, 25 MB. A
    /// thousand rolls a day for the seven days above are far below it.
    static let mostFinished = 50_000

    init(folder: String, now: Int64) throws(AgentError) {
        path = folder + "/sources.json"
        journal = folder + "/sources.journal"
        started = now
        lastExpiry = now
        do {
            if let data = FileManager.default.contents(atPath: path) {
                contentBytes = data.count
                let content = try JSONDecoder().decode(Content.self, from: data)
                started = content.started
                generation = content.generation
                for source in content.sources { self[source.id] = source }
                rolls = content.rolls ?? [:]
            }
        } catch { throw Self.unreadable(path, error) }
        try readJournal()
        changed = []
    }

    private static func unreadable(_ path: String, _ error: any Error) -> AgentError {
        .state(
            "cannot read \(path): \(error.localizedDescription). It tells what was shipped: "
                + "restore it, or remove it to ask the server")
    }

    /// The last line may be cut off: what it says was not saved.
    private mutating func readJournal() throws(AgentError) {
        guard let data = FileManager.default.contents(atPath: journal) else { return }
        var lines = data.split(separator: 0x0a, omittingEmptySubsequences: true)
        let isWhole = data.last == 0x0a
        let head = lines.first.flatMap { try? JSONDecoder().decode(Generation.self, from: $0) }
        guard head?.generation == generation else {
            journalBytes = Self.overgrown
            return
        }
        if head != nil { lines.removeFirst() }
        for (index, line) in lines.enumerated() {
            do {
                if let gone = try? JSONDecoder().decode(Gone.self, from: line) {
                    self[gone.gone] = nil
                } else if let roll = try? JSONDecoder().decode(Roll.self, from: line) {
                    rolls[roll.family] = roll.roll
                } else {
                    let record = try JSONDecoder().decode(SourceRecord.self, from: line)
                    self[record.id] = record
                }
            } catch  where index == lines.count - 1 && !isWhole {
                break
            } catch { throw Self.unreadable(journal, error) }
        }
        // Whatever is appended must not stand behind half a line: all is written anew at once.
        journalBytes = isWhole || data.isEmpty ? data.count : Self.overgrown
    }

    subscript(id: String) -> SourceRecord? {
        get { sources[id] }
        set {
            if let old = sources[id], ids[old.identity] == id { ids[old.identity] = nil }
            sources[id] = newValue
            if let newValue, newValue.isDetached != true { ids[newValue.identity] = id }
            if let newValue, !newValue.isFinished { open.insert(id) } else { open.remove(id) }
            changed.insert(id)
        }
    }

    /// Families whose newest roll is remembered: more than a machine has applications.
    private static let mostFamilies = 5_000

    mutating func setRoll(_ name: String, of family: String) {
        guard rolls[family] != nil || rolls.count < Self.mostFamilies else { return }
        rolls[family] = name
        changedRolls.insert(family)
    }

    /// The source whose content stands in this file.
    func source(of identity: FileIdentity) -> SourceRecord? {
        ids[identity].flatMap { sources[$0] }
    }

    /// Those that are not read to their end.
    var unfinished: [SourceRecord] { open.compactMap { sources[$0] } }

    /// Those of whose content this is a beginning.
    func beginning(with first: [UInt8]) -> [SourceRecord] {
        var hashes: [Int: UInt64] = [:]
        return sources.values.filter { record in
            let count = record.fingerprint.count
            guard count > 0, count <= first.count else { return false }
            let hash = hashes[count] ?? Fingerprint(first.prefix(count)).hash
            hashes[count] = hash
            return hash == record.fingerprint.hash
        }
    }

    /// Keeps a finished source in memory whose file is still there.
    mutating func touch(_ id: String, now: Int64) -> Bool {
        guard let record = sources[id], record.isFinished, now - record.touched > Self.touchEvery
        else { return false }
        self[id]?.touched = now
        return true
    }

    private mutating func expire(_ now: Int64) {
        lastExpiry = now
        let finished = sources.values.filter(\.isFinished)
        for old in finished where now - old.touched >= Self.memory { self[old.id] = nil }
        let excess = finished.count - Self.mostFinished
        guard excess > 0 else { return }
        for old in finished.sorted(by: { $0.touched < $1.touched }).prefix(excess) {
            self[old.id] = nil
        }
    }

    /// What a save writes: made while others wait for the registry, written while they do not.
    struct Save: Sendable {
        /// Of the whole file; nil for a part of the journal.
        fileprivate let generation: Int?
        fileprivate let data: Data
        fileprivate let path: String
        /// Where the journal's part begins.
        fileprivate let offset: Int
        fileprivate let changed: Set<String>
        fileprivate let changedRolls: Set<String>
        fileprivate let journal: String
    }

    /// Returns when what changed is on disk.
    mutating func save(now: Int64) throws(AgentError) {
        guard let save = try takeChanges(now: now) else { return }
        do throws(AgentError) { try save.write() } catch {
            finish(save, isWritten: false)
            throw error
        }
        finish(save, isWritten: true)
    }

    /// What changed since the last call; each is to be written, and finished, before the next.
    mutating func takeChanges(now: Int64) throws(AgentError) -> Save? {
        if now - lastExpiry >= Self.expireEvery { expire(now) }
        let isWhole = journalBytes > max(Self.leastJournalBytes, contentBytes) || contentBytes == 0
        guard isWhole || !changed.isEmpty || !changedRolls.isEmpty else { return nil }
        let data: Data
        do { data = try isWhole ? encodedWhole() : encodedChanges() } catch {
            throw .state("writing \(path): \(error.localizedDescription)")
        }
        defer {
            changed = []
            changedRolls = []
        }
        return Save(
            generation: isWhole ? nextGeneration : nil, data: data, path: path,
            offset: journalBytes, changed: changed, changedRolls: changedRolls, journal: journal)
    }

    mutating func finish(_ save: Save, isWritten: Bool) {
        guard isWritten else {
            changed.formUnion(save.changed)
            changedRolls.formUnion(save.changedRolls)
            return
        }
        if let generation = save.generation {
            self.generation = generation
            contentBytes = save.data.count
            journalBytes = 0
        } else {
            journalBytes = save.offset + save.data.count
        }
    }

    private var nextGeneration: Int { (generation ?? 0) + 1 }

    private func encodedChanges() throws -> Data {
        var text = Data()
        let encoder = JSONEncoder()
        if journalBytes == 0, let generation {
            text += try encoder.encode(Generation(generation: generation)) + [0x0a]
        }
        for id in changed {
            if let record = sources[id] {
                text += try encoder.encode(record)
            } else {
                text += try encoder.encode(Gone(gone: id))
            }
            text.append(0x0a)
        }
        for family in changedRolls {
            text += try encoder.encode(Roll(roll: rolls[family] ?? "", family: family))
            text.append(0x0a)
        }
        return text
    }

    private func encodedWhole() throws -> Data {
        // One by one: an encoder takes twenty times the memory of what it writes.
        let encoder = JSONEncoder()
        let head =
            "{\"version\":1,\"generation\":\(nextGeneration),\"started\":\(started),\"rolls\":"
        var data = Data(head.utf8)
        data += try encoder.encode(rolls)
        data += Data(",\"sources\":[".utf8)
        var isFirst = true
        for record in sources.values {
            if !isFirst { data.append(UInt8(ascii: ",")) }
            isFirst = false
            data += try encoder.encode(record)
        }
        return data + Data("]}".utf8)
    }
}

extension SourceRegistry.Save {
    /// Returns when it is on disk.
    func write() throws(AgentError) {
        guard generation == nil else {
            // The journal, of the generation before, says nothing more from then on.
            try StateFile.replace(path, with: Array(data))
            unlink(journal)
            return
        }
        // Nothing of another generation may stand before the first line.
        let start = offset == 0 ? O_TRUNC : 0
        let descriptor = open(journal, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | start, 0o640)
        guard descriptor >= 0 else { throw .system("creating", journal) }
        defer { close(descriptor) }
        let written = data.withUnsafeBytes {
            Foundation.write(descriptor, $0.baseAddress, $0.count)
        }
        guard written == data.count, fdatasync(descriptor) == 0 else {
            let failure = AgentError.system("writing", journal)
            // Half a line must not be followed by another.
            ftruncate(descriptor, off_t(offset))
            throw failure
        }
    }
}
