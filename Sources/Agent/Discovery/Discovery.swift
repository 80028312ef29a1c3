import Foundation
import LogModel
import Logback
import Logging
import Synchronization

/// Finds files and opens each at first sight, on a thread that nothing blocks: a file that rolls while
/// the server is away is then held by its descriptor, whatever becomes of its name. The kernel tells
/// what happens in the folders (`FolderWatch`), so that the cost follows what changes; a sweep now and
/// then finds what it could not tell.
///
/// A source is wanted when it is not read to its end and not open: its file rolled while the agent
/// was away, or was truncated in place. It is looked for in its folder, under any name: by identity,
/// and by content, packed or not.
///
/// @unchecked: the scanning thread alone changes what is not in `shared`; the reader calls `restart`
/// and `reportLost`, which use the rest of it only as far as it never changes.
final class Discovery: @unchecked Sendable {
    struct Shared {
        /// Newly opened, for the reader.
        var inbox: [FollowedFile] = []
        /// Everything open, by identity and by the id of its source.
        private(set) var following: [FileIdentity: FollowedFile] = [:]
        private(set) var files: [String: FollowedFile] = [:]
        private var ids: [String: Set<String>] = [:]
        /// Open files in each lane, by stream.
        private(set) var lanes: [Int: [Int64: Int]] = [:]
        /// Sources whose file the reader should look at: it grew, or its name went.
        var hints: Set<String> = []
        /// Some folder is not watched: the reader must look at files by itself.
        var isBlind = false
        /// The folders that patterns reach, as the last sweep found them.
        var reached: Set<FileIdentity> = []
        /// Something was closed, or lost its file: what is looked for must be found out anew.
        var isWantedStale = true
        var registry: SourceRegistry
        var isRegistryDirty = false
        /// Sources of this run whose rest is looked for; the reader gives them up.
        var truncated: Set<String> = []
        /// Longer copies of open files, by the id of their source.
        var replaced: [String: Replacement] = [:]
        /// What tells when files will be deleted.
        var forecast = DeletionForecast()
        /// Changes with every truncation: then judgements are made anew.
        var epoch = 0
        /// Files that wait for a descriptor.
        var waiting = 0
        /// The latest source of each name and its rolls, and the number of the latest source of all.
        var latest: [String: String] = [:]
        var order: Int64 = 0
        /// The newest numbered roll of each name.
        var newestRoll: [String: String] = [:]

        init(registry: SourceRegistry) {
            self.registry = registry
            for record in registry.sources.values.sorted(by: { ($0.order ?? 0) < ($1.order ?? 0) })
            {
                latest[record.family] = record.id
                order = max(order, record.order ?? 0)
            }
            for (family, roll) in registry.rolls {
                newestRoll[RolledName.family(of: family)] = roll
            }
        }

        mutating func add(_ file: FollowedFile, stream: Int) {
            noteEnds(of: file.path, before: file)
            following[file.identity] = file
            files[file.id] = file
            ids[file.path, default: []].insert(file.id)
            lanes[stream, default: [:]][file.lane, default: 0] += 1
            isWantedStale = true
        }

        /// The file is not open any more, or stands for another source now.
        mutating func remove(_ file: FollowedFile, stream: Int) {
            if following[file.identity] === file { following[file.identity] = nil }
            if files[file.id] === file { files[file.id] = nil }
            ids[file.path]?.remove(file.id)
            if ids[file.path]?.isEmpty == true { ids[file.path] = nil }
            let count = (lanes[stream]?[file.lane] ?? 1) - 1
            lanes[stream]?[file.lane] = count > 0 ? count : nil
            isWantedStale = true
        }

        /// Other content stands in its file: the file is open for another source.
        mutating func leaveFile(_ file: FollowedFile) {
            if following[file.identity] === file { following[file.identity] = nil }
            if files[file.id] === file { files[file.id] = nil }
            isWantedStale = true
        }

        /// Nothing more is expected in this file: what it holds now is what may be lost of it.
        mutating func noteEnd(of id: String) {
            guard let file = files[id], file.isPlain, var record = registry[id],
                record.isRolled != true, record.isDetached != true,
                let status = FileIdentity.status(of: file.content.descriptor)
            else { return }
            file.shown.withLock { $0.size = max($0.size, status.size) }
            record.size = status.size
            record.isRolled = true
            registry[id] = record
            isRegistryDirty = true
        }

        /// `file`: the one that has the path now. Where that leads over links, others may still stand, and grow.
        mutating func noteEnds(of path: String, before file: FollowedFile? = nil) {
            func folder(_ id: String) -> String? {
                registry[id]?.place.map { FollowedFile.split($0).folder }
            }
            for id in ids[path] ?? [] where file.map({ folder($0.id) == folder(id) }) ?? true {
                noteEnd(of: id)
            }
        }

        /// The first bytes of an open file, though the reader has not come to them.
        mutating func learnHead(of file: FollowedFile) {
            let isMore = file.learnHead()
            let head = file.shown.withLock(\.head)
            guard isMore || head.count > registry[file.id]?.fingerprint.count ?? 0 else { return }
            registry[file.id]?.fingerprint = Fingerprint(head)
            isRegistryDirty = true
        }

        /// The open files that were found under a path.
        func openFiles(of path: String) -> [FollowedFile] {
            (ids[path] ?? []).compactMap { files[$0] }
        }

        mutating func hint(paths: Set<String>) {
            for path in paths { hints.formUnion(ids[path] ?? []) }
        }
    }

    struct Group: Sendable {
        /// As records remember it.
        let key: String
        let globs: [Glob]
        let rolledGlobs: [Glob]
        var allGlobs: [Glob] { globs + rolledGlobs }
        let exclusion: Exclusion
        let retention: RollRetention?
        let layout: LayoutRule
        let zone: ZoneRule
        let encoding: TextEncoding?
        let format: SourceFormat
        /// The first group with the same labels, but for those of fields.
        let stream: Int
    }

    /// What was found out about a file that is not followed; holds until it changes.
    struct Judgement {
        var size: Int64
        var epoch: Int
        /// The source that it is a copy of.
        var source: String?
        /// By a source of agent.yaml that asks for it; another one may, where this did not.
        var wasAsked: Bool
    }

    let shared: Mutex<Shared>
    /// Held by whoever saves the registry.
    let saving = Mutex(())
    let groups: [Group]
    let host: String
    let state: String
    let logger: Logger
    let metrics: SharedMetrics
    let maxOpenFiles: Int
    let searchSeconds: Double
    let patience: Double
    let began = Int64(Date().timeIntervalSince1970)

    var judged: [FileIdentity: Judgement] = [:]
    /// Packed files that could not be judged at a look. A wait that is over stays, for when the file
    /// must be judged anew.
    var later: [FileIdentity: PackedWait] = [:]
    var held: [FileIdentity: HeldFile] = [:]
    /// By folder.
    var wanted: [String: [SourceRecord]] = [:]
    /// Files and folders that may not be read, and why.
    var unreadable: [String: Int32] = [:]
    var isUnreadableNew = false
    /// Paths whose names are no UTF-8, as the last sweep found them, and such news as came.
    var unnameable: Set<String> = []
    var newsOfUnnameable: Set<String> = []
    var waiting = 0
    /// Those of them that are new.
    var waitingFiles: [FileIdentity: Sight] = [:]
    var isLimitTold = false
    var epoch = 0

    let watch = FolderWatch()
    /// Rung when there is something for the reader.
    let wakeup = Wakeup()
    let packedLooks = PackedLooks()
    let ledger: Ledger
    /// What patterns reach, by folder, in the order of the configuration: the first that asks for a file
    /// has it.
    var places: [String: [Place]] = [:]
    /// Files that are to be looked at again, by where they stand.
    var rechecks: [String: Recheck] = [:]
    var needsSweep = true
    var lastSweep = 0.0
    var nextSweep = 0.0
    /// How long the latest sweep took of a core.
    var sweepSeconds = 0.0
    /// Open files that the sweep has not met yet.
    var unseen: Set<FileIdentity> = []
    var told: Set<FolderWatch.Blindness> = []
    var isOverflowTold = false
    private var lastGiveUp = 0.0
    /// The last rolls that were seen before this start, by family, and those that are there.
    let rollsBefore: [String: String]
    var rollsFound: [String: Set<String>] = [:]
    var areGapsTold = false
    /// Folders with rolled files that are older than what the agent follows, which is told once for each.
    var oldFolders: Set<String> = []
    /// The number of the latest source of before this start.
    let orderBefore: Int64
    /// Rolled files that were seen, by path.
    var rolls: [String: RollTempo.Roll] = [:]
    /// Links by the folder of what they lead to, which is watched for them.
    var links: [String: Set<String>] = [:]

    /// Files of which a verdict is remembered, and names of those that cannot be opened, so that each
    /// is reported once: more than a folder of logs has.
    static let maxRemembered = 50_000

    init(
        _ configuration: AgentConfiguration, registry: SourceRegistry, ledger: Ledger,
        maxOpenFiles: Int, logger: Logger, metrics: SharedMetrics
    ) {
        self.ledger = ledger
        let labels = configuration.groups.map { configuration.labels.merging($0.labels) { $1 } }
        groups = configuration.groups.enumerated().map { index, group in
            Group(
                key: group.key,
                globs: group.paths.map { Glob($0) },
                rolledGlobs: group.rolledPaths.map { Glob($0) },
                exclusion: Exclusion(group.exclude),
                retention: group.retention, layout: group.layout, zone: group.zone,
                encoding: group.encoding,
                format: group.format,
                stream: labels.firstIndex(of: labels[index]) ?? index)
        }
        host = configuration.host
        state = configuration.state
        searchSeconds = configuration.searchSeconds
        patience = configuration.patience
        self.maxOpenFiles = maxOpenFiles
        self.logger = logger
        self.metrics = metrics
        rollsBefore = registry.rolls
        let content = Shared(registry: registry)
        orderBefore = content.order
        shared = Mutex(content)
    }

    /// Nil when the file must wait for a descriptor, or cannot be opened: told once for each.
    func open(_ sight: Sight) -> Int32? {
        guard shared.withLock(\.following.count) + held.count < maxOpenFiles else {
            noteWaiting(sight)
            return nil
        }
        waitingFiles[sight.status.identity] = nil
        let descriptor = Foundation.open(
            sight.place ?? sight.path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor < 0 else {
            noteReadable(sight.path, nil)
            // Between the look and the opening another file may have taken the name.
            if FileIdentity.status(of: descriptor)?.identity == sight.status.identity {
                return descriptor
            }
            close(descriptor)
            return nil
        }
        noteReadable(sight.path, errno)
        return nil
    }

    /// Wanted sources of before the start that are nowhere to be found.
    func giveUpLost(_ wall: Double) {
        // What waits for a descriptor may be any of them.
        guard wall - Double(began) > searchSeconds, wall - lastGiveUp >= 0.2, waiting == 0,
            !packedLooks.isBusy
        else { return }
        lastGiveUp = wall
        if !areGapsTold {
            areGapsTold = true
            tellGaps()
        }
        for record in wanted.values.joined() where record.touched <= began {
            guard owner(of: record) != nil else {
                // Nobody asks for it any more, wherever it is by now.
                leave(record.id)
                continue
            }
            // It may be there, and cannot be opened: that is told as long as it is so.
            if unreadable[record.path] != nil || unreadable[record.folder] != nil { continue }
            let isOurs = shared.withLock { shared in
                // This very look may have found it.
                guard !shared.truncated.contains(record.id), shared.files[record.id] == nil,
                    shared.registry[record.id]?.isFinished == false
                else { return false }
                shared.registry[record.id]?.isFinished = true
                shared.registry[record.id]?.touched = Int64(wall)
                shared.isRegistryDirty = true
                shared.isWantedStale = true
                return true
            }
            guard isOurs else { continue }
            if record.offset > record.ledgered ?? 0 {
                note(.shipped, record.path, record.id, record.ledgered ?? 0, record.offset)
            }
            // A file that had come to its end with nothing unread in it has lost nothing. What was
            // written while nobody looked, nobody knows.
            let isEndKnown = record.isDetached == true || record.isRolled == true
            if !isEndKnown || record.unread != 0 {
                reportLost(
                    record.path, source: record.id, from: record.offset, bytes: record.unread,
                    isEndKnown: isEndKnown, why: whyGone(record, isEndKnown))
            }
        }
    }

    /// Counts, notes and tells what cannot be read any more.
    func reportLost(
        _ path: String, source: String?, from offset: Int64, bytes: Int64?, isEndKnown: Bool,
        why: String
    ) {
        let end = isEndKnown ? bytes.map { offset + $0 } : nil
        note(.lost, path, source, offset, end, why)
        metrics.update { metrics in
            metrics.lostSources += 1
            metrics.lostBytes += Int(bytes ?? 0)
        }
        logger.warning(
            "a file was gone before it was read to its end",
            metadata: [
                "path": "\(path)", "from byte": "\(offset)",
                "bytes lost": "\(bytes.map { "\($0)" } ?? "unknown")", "why": "\(why)",
            ])
    }

    /// Writes into the ledger; what cannot be written is told.
    func note(
        _ what: Ledger.Fate, _ path: String, _ source: String?, _ from: Int64, _ to: Int64?,
        _ why: String? = nil
    ) {
        do throws(AgentError) {
            try ledger.note(
                Ledger.Range(
                    at: Int64(Date().timeIntervalSince1970), file: path, source: source,
                    what: what, from: from, to: to, why: why))
        } catch {
            logger.error("the ledger cannot be written: \(error)")
            metrics.update { $0.lastError = "\(error)" }
        }
    }
}

extension Fingerprint {
    var hex: String {
        let text = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - text.count) + text
    }
}
