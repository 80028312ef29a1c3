import Bytes
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

    fileprivate struct Roll: Codable {
        var roll: String
        var family: String
    }

    fileprivate struct Gone: Codable { var gone: String }

    fileprivate struct Generation: Codable { var generation: Int }

    private let path: String
    private let journal: String
    private(set) var started: Int64
    private(set) var sources: [String: SourceRecord] = [:]
    private(set) var rolls: [String: String] = [:]
    private var changedRolls: Set<String> = []
    private var ids: [FileIdentity: String] = [:]
    /// Those that are not read to their end, and those whose file holds other content now.
    private var open: Set<String> = []
    private var detachedIDs: Set<String> = []
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
            if newValue?.isDetached == true {
                detachedIDs.insert(id)
            } else {
                detachedIDs.remove(id)
            }
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
    var unfinished: [SourceRecord] { unfinished { _ in false } }

    /// The same, but for some.
    func unfinished(except isLeftOut: (String) -> Bool) -> [SourceRecord] {
        open.compactMap { isLeftOut($0) ? nil : sources[$0] }
    }

    /// Those in whose file other content stands now.
    var detached: [SourceRecord] { detachedIDs.compactMap { sources[$0] } }

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
        for old in finished where now - old.touched >= Self.memory && old.isLeft != true {
            self[old.id] = nil
        }
        let excess = finished.count - Self.mostFinished
        guard excess > 0 else { return }
        for old in finished.sorted(by: { $0.touched < $1.touched }).prefix(excess) {
            self[old.id] = nil
        }
    }

    /// What a save writes: taken while others wait for the registry, put into words and written while
    /// they do not.
    struct Save: Sendable {
        /// Of the whole file, with all records; nil for a part of the journal, with those that changed.
        fileprivate let generation: Int?
        fileprivate let started: Int64
        /// In the journal, nil for a source that is forgotten.
        fileprivate let records: [(id: String, record: SourceRecord?)]
        fileprivate let rolls: [String: String]
        fileprivate let path: String
        fileprivate let journal: String
        /// The generation that a journal begins with; nil when it goes on, at this length.
        fileprivate let first: Int?
        fileprivate let offset: Int
    }

    /// Returns when what changed is on disk.
    mutating func save(now: Int64) throws(AgentError) {
        guard let save = takeChanges(now: now) else { return }
        do throws(AgentError) { finish(save, writtenBytes: try save.write()) } catch {
            finish(save, writtenBytes: nil)
            throw error
        }
    }

    /// What changed since the last call; each is to be written, and finished, before the next.
    mutating func takeChanges(now: Int64) -> Save? {
        if now - lastExpiry >= Self.expireEvery { expire(now) }
        let isWhole = journalBytes > max(Self.leastJournalBytes, contentBytes) || contentBytes == 0
        guard isWhole || !changed.isEmpty || !changedRolls.isEmpty else { return nil }
        defer {
            changed = []
            changedRolls = []
        }
        return Save(
            generation: isWhole ? (generation ?? 0) + 1 : nil, started: started,
            records: isWhole
                ? sources.map { ($0.key, $0.value) } : changed.map { ($0, sources[$0]) },
            rolls: isWhole ? rolls : rolls.filter { changedRolls.contains($0.key) }, path: path,
            journal: journal, first: journalBytes == 0 ? generation : nil, offset: journalBytes)
    }

    /// Takes note of what became of a save: so many bytes are on disk, or none.
    mutating func finish(_ save: Save, writtenBytes: Int?) {
        guard let writtenBytes else {
            changed.formUnion(save.records.map(\.id))
            changedRolls.formUnion(save.rolls.keys)
            return
        }
        if let generation = save.generation {
            self.generation = generation
            contentBytes = writtenBytes
            journalBytes = 0
        } else {
            journalBytes = save.offset + writtenBytes
        }
    }
}

extension SourceRegistry.Save {
    /// Returns when it is on disk: its bytes.
    func write() throws(AgentError) -> Int {
        let data: Data
        do { data = try generation.map(encodedWhole) ?? encodedChanges() } catch {
            throw .state("writing \(path): \(error.localizedDescription)")
        }
        let folder = FollowedFile.split(path).folder
        let reserve = SpaceReserve(folder: folder, bytes: Self.reservedBytes)
        do throws(AgentError) { try put(data) } catch {
            // What the server hears of must be known after a crash, on a full disk, too.
            guard reserve.release() else { throw error }
            try put(data)
        }
        if generation != nil { reserve.take() }
        return data.count
    }

    /// What changes until there is room again: a source takes some 500 bytes each time.
    private static let reservedBytes = 1024 * 1024

    private func put(_ data: Data) throws(AgentError) {
        guard generation != nil else { return try append(data) }
        // The journal, of the generation before, says nothing more from then on.
        try StateFile.replace(path, with: Array(data))
        unlink(journal)
    }

    private func append(_ data: Data) throws(AgentError) {
        // Nothing of another generation may stand before the first line.
        let start = offset == 0 ? O_TRUNC : 0
        let descriptor = open(journal, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | start, 0o640)
        guard descriptor >= 0 else { throw .system("creating", journal) }
        defer { close(descriptor) }
        // Half a line must not be followed by another.
        try StateFile.append(data, to: descriptor, journal)
    }

    private func encodedChanges() throws -> Data {
        var text = Data()
        let encoder = JSONEncoder()
        if let first {
            text += try encoder.encode(SourceRegistry.Generation(generation: first)) + [0x0a]
        }
        for (id, record) in records {
            if let record {
                text += try encoder.encode(record)
            } else {
                text += try encoder.encode(SourceRegistry.Gone(gone: id))
            }
            text.append(0x0a)
        }
        for (family, roll) in rolls {
            text += try encoder.encode(SourceRegistry.Roll(roll: roll, family: family))
            text.append(0x0a)
        }
        return text
    }

    private func encodedWhole(_ generation: Int) throws -> Data {
        // One by one: an encoder takes twenty times the memory of what it writes.
        let encoder = JSONEncoder()
        let head =
            "{\"version\":1,\"generation\":\(generation),\"started\":\(started),\"rolls\":"
        var data = Data(head.utf8)
        data += try encoder.encode(rolls)
        data += Data(",\"sources\":[".utf8)
        var isFirst = true
        for (_, record) in records {
            if !isFirst { data.append(UInt8(ascii: ",")) }
            isFirst = false
            data += try encoder.encode(record)
        }
        return data + Data("]}".utf8)
    }
}
