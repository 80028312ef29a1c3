import Foundation
import LogModel
import Logback
import Logging
import Synchronization

/// Finds files and opens each at first sight, on a thread that nothing blocks: a file that rolls while
/// the server is away is then held by its descriptor, whatever becomes of its name.
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
        /// Everything open, by identity.
        var following: [FileIdentity: FollowedFile] = [:]
        var registry: SourceRegistry
        var isRegistryDirty = false
        /// Sources of this run whose rest is looked for; the reader gives them up.
        var truncated: Set<String> = []
        /// Changes with every truncation: then judgements are made anew.
        var epoch = 0
        /// Files that wait for a descriptor.
        var waiting = 0
        /// The latest source of each name and its rolls, and the number of the latest source of all.
        var latest: [String: String] = [:]
        var order: Int64 = 0

        init(registry: SourceRegistry) {
            self.registry = registry
            for record in registry.sources.values.sorted(by: { ($0.order ?? 0) < ($1.order ?? 0) })
            {
                latest[record.family] = record.id
                order = max(order, record.order ?? 0)
            }
        }
    }

    struct Group: Sendable {
        let globs: [Glob]
        let exclude: [Glob]
        let layout: LayoutRule
        let zone: ZoneRule
        /// The first group with the same labels, but for those of fields.
        let stream: Int
    }

    /// A name in a folder that is looked at.
    struct Sight {
        let path: String
        let name: String
        let group: Int
        /// The pattern matches the name itself.
        let isNamed: Bool
        /// The name is one that a file of the pattern may be rolled to.
        let isRolled: Bool
        let isPacked: Bool
        let status: FileIdentity.Status
    }

    /// What was found out about a file that is not followed; holds until it changes.
    struct Judgement {
        var size: Int64
        var epoch: Int
        /// The source that it is a copy of.
        var source: String?
    }

    let shared: Mutex<Shared>
    let groups: [Group]
    let host: String
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
    private var unreadable: [String: Int32] = [:]
    private var waiting = 0
    private(set) var epoch = 0

    /// Files of which a verdict is remembered, and names of those that cannot be opened, so that each
    /// is reported once: more than a folder of logs has.
    private static let maxRemembered = 10_000

    init(
        _ configuration: AgentConfiguration, registry: SourceRegistry, maxOpenFiles: Int,
        logger: Logger, metrics: SharedMetrics
    ) {
        let labels = configuration.groups.map { configuration.labels.merging($0.labels) { $1 } }
        groups = configuration.groups.enumerated().map { index, group in
            Group(
                globs: group.paths.map { Glob($0) }, exclude: group.exclude.map { Glob($0) },
                layout: group.layout, zone: group.zone,
                stream: labels.firstIndex(of: labels[index]) ?? index)
        }
        host = configuration.host
        searchSeconds = configuration.searchSeconds
        patience = configuration.patience
        self.maxOpenFiles = maxOpenFiles
        self.logger = logger
        self.metrics = metrics
        shared = Mutex(Shared(registry: registry))
    }

    /// One look at everything.
    func scan() {
        waiting = 0
        // Forgetting costs another look at each file, no more.
        if judged.count > Self.maxRemembered { judged = [:] }
        if later.count > Self.maxRemembered { later = [:] }
        (wanted, epoch) = shared.withLock { shared in
            let open = Set(shared.following.values.map(\.id))
            let missing = shared.registry.sources.values.filter {
                !$0.isFinished && !open.contains($0.id)
            }
            return (Dictionary(grouping: missing, by: \.folder), shared.epoch)
        }
        for (index, group) in groups.enumerated() {
            for glob in group.globs {
                glob.forEachFolder { folder, names, pattern in
                    let sights = names.compactMap { sight(folder, $0, pattern, index) }
                    // Rolled files before those that came after them, and originals before copies.
                    for sight in sights.sorted(by: Self.isOlder) { consider(sight) }
                }
            }
        }
        judgeHeld()
        giveUpLost()
        shared.withLock { $0.waiting = waiting }
    }

    private static func isOlder(_ a: Sight, _ b: Sight) -> Bool {
        (a.status.identity.birth, a.name) < (b.status.identity.birth, b.name)
    }

    private func sight(_ folder: String, _ name: String, _ pattern: String, _ index: Int) -> Sight?
    {
        let path = folder + "/" + name
        let isPacked = name.hasSuffix(".gz")
        let isNamed = Glob.matches(pattern, name)
        let isRolled =
            !isNamed
            && RolledName.isRolled(
                isPacked ? String(name.dropLast(3)) : name, from: pattern)
        let isMeant = isNamed || isRolled || wanted[folder] != nil
        guard
            !groups[index].exclude.contains(where: {
                $0.matches(path: path) || Glob.matches($0.pattern, name)
            }),
            let status = FileIdentity.status(of: path), status.isRegular,
            isMeant || hasGrown(status)
        else { return nil }
        return Sight(
            path: path, name: name, group: index, isNamed: isNamed, isRolled: isRolled,
            isPacked: isPacked, status: status)
    }

    /// True for a file under a new name that somebody still writes to.
    private func hasGrown(_ status: FileIdentity.Status) -> Bool {
        shared.withLock { shared in
            shared.registry.source(of: status.identity).map { status.size > $0.offset } ?? false
        }
    }

    private func consider(_ sight: Sight) {
        let identity = sight.status.identity
        guard held[identity] == nil, shared.withLock({ $0.following[identity] == nil }) else {
            return
        }
        sight.isPacked ? considerPacked(sight) : considerPlain(sight)
    }

    private func considerPlain(_ sight: Sight) {
        let identity = sight.status.identity
        let record = shared.withLock { $0.registry.source(of: identity) }
        if let record, isKnownAsRead(record, sight) {
            keep(record.id)
            return
        }
        if record == nil, isJudged(sight) { return }
        guard let descriptor = open(sight) else { return }
        let content = FileContent(descriptor: descriptor, kind: .plain)
        let first = content.firstBytes
        if let record {
            if record.matches(content, first: first) {
                if record.isFinished, sight.status.size <= record.offset {
                    judge(sight, as: record.id)
                    close(descriptor)
                } else {
                    follow(descriptor, record, sight, first)
                }
                return
            }
            // Other content in the same file: truncated while the agent did not look.
            detach(record)
        }
        if isAsked(sight), record == nil, let original = original(of: content, first, sight) {
            hold(descriptor, sight, original)
        } else {
            settle(descriptor, sight, content, first)
        }
    }

    /// True for a file that is to be read though no source is known in it: one that the pattern names,
    /// or a roll of one since the agent's first start. Older rolls are history, which nobody asked
    /// for.
    func isAsked(_ sight: Sight) -> Bool {
        sight.isNamed
            || sight.isRolled
                && sight.status.modified >= shared.withLock({ $0.registry.started }) - 1
    }

    /// Read to its end in this run or found so, and not changed since.
    private func isKnownAsRead(_ record: SourceRecord, _ sight: Sight) -> Bool {
        record.isFinished
            && (isJudged(sight)
                || record.touched >= began && sight.status.size == record.offset)
    }

    /// What becomes of a plain file that is no copy of an open one: the rest of a source that was
    /// truncated or renamed, a copy of what was shipped, or a source.
    func settle(
        _ descriptor: Int32, _ sight: Sight, _ content: FileContent, _ first: [UInt8]
    ) {
        if let rest = rest(content, first, of: sight) {
            follow(descriptor, rest, sight, first)
            return
        }
        let source = sourceOfCopy(content, first, sight)
        guard isAsked(sight), source == nil else {
            judge(sight, as: source)
            close(descriptor)
            return
        }
        // A source may have been truncated since this look began, and this be its copy.
        if shared.withLock(\.epoch) == epoch {
            followNew(descriptor, sight, first)
        } else {
            close(descriptor)
        }
    }

    /// The source whose beginning and last bytes this file has, and unread ones behind them.
    private func rest(
        _ content: FileContent, _ first: [UInt8], of sight: Sight
    ) -> SourceRecord? {
        let folder = FollowedFile.split(sight.path).folder
        let truncated = truncatedSources(sight, first).filter { $0.isFinished }
        return ((wanted[folder] ?? []) + truncated).filter {
            $0.fingerprint.count > 0 && $0.matches(content, first: first)
                && (sight.status.size > $0.offset || $0.isDetached != true)
        }.max { $0.fingerprint.count < $1.fingerprint.count }
    }

    func isJudged(_ sight: Sight) -> Bool {
        guard let judgement = judged[sight.status.identity], judgement.epoch == epoch,
            judgement.size == sight.status.size
        else { return false }
        keep(judgement.source)
        return true
    }

    func judge(_ sight: Sight, as source: String? = nil) {
        judged[sight.status.identity] = Judgement(
            size: sight.status.size, epoch: epoch, source: source)
        keep(source)
    }

    /// The file of a finished source, or a copy, is still there: its record must not be forgotten.
    private func keep(_ source: String?) {
        guard let source else { return }
        let now = Int64(Date().timeIntervalSince1970)
        shared.withLock { shared in
            if shared.registry.touch(source, now: now) { shared.isRegistryDirty = true }
        }
    }

    /// Nil when the file must wait for a descriptor, or cannot be opened: told once for each.
    func open(_ sight: Sight) -> Int32? {
        guard shared.withLock(\.following.count) + held.count < maxOpenFiles else {
            waiting += 1
            return nil
        }
        let descriptor = Foundation.open(sight.path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor < 0 else {
            unreadable[sight.path] = nil
            // Between the look and the opening another file may have taken the name.
            if FileIdentity.status(of: descriptor)?.identity == sight.status.identity {
                return descriptor
            }
            close(descriptor)
            return nil
        }
        let reason = errno
        // Gone since the look: nothing to tell.
        if reason == ENOENT || unreadable[sight.path] == reason { return nil }
        if unreadable.count >= Self.maxRemembered { unreadable = [:] }
        unreadable[sight.path] = reason
        let text = String(cString: strerror(reason))
        logger.error(
            "cannot open a file", metadata: ["path": "\(sight.path)", "reason": "\(text)"])
        metrics.update { $0.lastError = "opening \(sight.path): \(text)" }
        return nil
    }

    /// Wanted sources of before the start that are nowhere to be found.
    private func giveUpLost() {
        guard Date().timeIntervalSince1970 - Double(began) > searchSeconds else { return }
        for record in wanted.values.joined() where record.touched <= began {
            let isOurs = shared.withLock { shared in
                guard !shared.truncated.contains(record.id) else { return false }
                shared.registry[record.id]?.isFinished = true
                shared.isRegistryDirty = true
                return true
            }
            // A file that was truncated with nothing unread in it has lost nothing.
            if isOurs, record.isDetached != true || record.unread != 0 {
                reportLost(record.path, from: record.offset, bytes: record.unread)
            }
        }
    }

    /// Counts and tells what cannot be read any more.
    func reportLost(_ path: String, from offset: Int64, bytes: Int64?) {
        metrics.update { metrics in
            metrics.lostSources += 1
            metrics.lostBytes += Int(bytes ?? 0)
        }
        logger.warning(
            "a file was gone before it was read to its end",
            metadata: [
                "path": "\(path)", "from byte": "\(offset)",
                "bytes lost": "\(bytes.map { "\($0)" } ?? "unknown")",
            ])
    }
}

extension Fingerprint {
    var hex: String {
        let text = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - text.count) + text
    }
}
