import Foundation
import LogModel
import Logback
import Logging
import Synchronization

/// Finds files and opens each at first sight, on a thread that nothing blocks: a file that rolls while
/// the server is away is then held by its descriptor, whatever becomes of its name.
///
/// Rolled files. A rolled file whose descriptor is open is read on through it. After a restart an
/// unfinished source is looked for in its folder, by identity under any name, or compressed: a `.gz`
/// whose first bytes are the source's. A `.gz` beside the pattern (its name without `.gz` matches)
/// that is newer than the agent's first start and known by no fingerprint is read as a source.
final class Discovery: Sendable {
    struct Shared {
        /// Newly opened, for the reader.
        var inbox: [FollowedFile] = []
        /// Everything open, by identity.
        var following: [FileIdentity: FollowedFile] = [:]
        var registry: SourceRegistry
        var isRegistryDirty = false
    }

    private struct Group: Sendable {
        let globs: [Glob]
        let exclude: [Glob]
        let layout: LayoutRule
        let zone: ZoneRule
    }

    let shared: Mutex<Shared>
    private let groups: [Group]
    private let host: String
    private let logger: Logger
    private let metrics: SharedMetrics
    /// Compressed files that have been judged.
    private let judged = Mutex<Set<FileIdentity>>([])
    private let began = Int64(Date().timeIntervalSince1970)

    /// Descriptors that may be open at once; files beyond wait for their turn.
    private static let maxOpenFiles = 4000
    /// A compressed file is judged when it has not changed for so long, in seconds.
    private static let settleSeconds: Int64 = 1
    /// How long after a start an unfinished source is looked for before it counts as lost, in seconds.
    private static let searchSeconds: Int64 = 60

    init(
        _ configuration: AgentConfiguration, registry: SourceRegistry, logger: Logger,
        metrics: SharedMetrics
    ) {
        groups = configuration.groups.map { group in
            Group(
                globs: group.paths.map { Glob($0) }, exclude: group.exclude.map { Glob($0) },
                layout: group.layout, zone: group.zone)
        }
        host = configuration.host
        self.logger = logger
        self.metrics = metrics
        shared = Mutex(Shared(registry: registry))
    }

    /// One look at everything.
    func scan() {
        for (index, group) in groups.enumerated() {
            for glob in group.globs {
                glob.forEachFolder { folder, names, pattern in
                    for name in names { consider(folder + "/" + name, name, pattern, index) }
                }
            }
        }
        giveUpLost()
    }

    private func consider(_ path: String, _ name: String, _ pattern: String, _ index: Int) {
        let isPacked = name.hasSuffix(".gz")
        let plainName = isPacked ? String(name.dropLast(3)) : name
        let isNamed = Glob.matches(pattern, name)
        if groups[index].exclude.contains(where: {
            $0.matches(path: path) || Glob.matches($0.pattern, name)
        }) {
            return
        }
        if isPacked, isNamed || Self.isSibling(plainName, of: pattern) {
            considerPacked(path, index)
        } else if isNamed || isUnfinished(path) {
            considerPlain(path, index)
        }
    }

    /// `app-2026-11-21.0.log` beside `*.log`, or beside `app.log` by its stem.
    private static func isSibling(_ name: String, of pattern: String) -> Bool {
        if Glob.matches(pattern, name) { return true }
        guard !pattern.contains(where: { "*?[".contains($0) }) else { return false }
        return name.hasPrefix(pattern.prefix { $0 != "." })
    }

    /// True for a file under a new name that was not read to its end.
    private func isUnfinished(_ path: String) -> Bool {
        guard let status = FileIdentity.status(of: path), status.isRegular else { return false }
        return shared.withLock { shared in
            guard shared.following[status.identity] == nil,
                let record = shared.registry.source(of: status.identity)
            else { return false }
            return !record.isFinished || status.size > record.offset
        }
    }

    private func considerPlain(_ path: String, _ index: Int) {
        guard let seen = FileIdentity.status(of: path), seen.isRegular else { return }
        let isKnown = shared.withLock { shared in
            shared.following[seen.identity] != nil || shared.following.count >= Self.maxOpenFiles
                || shared.registry.source(of: seen.identity).map {
                    $0.isFinished && seen.size <= $0.offset
                } ?? false
        }
        if isKnown { return }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0, let status = FileIdentity.status(of: descriptor), status.isRegular
        else {
            if descriptor >= 0 { close(descriptor) }
            return
        }
        let id = identifier(status.identity)
        follow(descriptor, status.identity, path, index, .plain, id: id)
    }

    private func identifier(_ identity: FileIdentity, generation: String = "") -> String {
        let text = "\(host)/\(identity.device)/\(identity.inode)/\(identity.birth)/\(generation)"
        return Fingerprint(text.utf8).hex + Fingerprint(text.utf8.reversed()).hex
    }

    private func follow(
        _ descriptor: Int32, _ identity: FileIdentity, _ path: String, _ index: Int,
        _ content: FollowedFile.Content, id: String
    ) {
        let first = FollowedFile.firstBytes(descriptor, content)
        let now = DispatchTime.now().uptimeNanoseconds
        shared.withLock { shared in
            guard shared.following[identity] == nil else {
                close(descriptor)
                return
            }
            var record =
                (content == .plain ? shared.registry.source(of: identity) : shared.registry[id])
                ?? SourceRecord(
                    id: id, identity: identity, fingerprint: Fingerprint(first), path: path,
                    offset: 0, events: 0, isFinished: false, touched: began)
            record.isFinished = false
            if content == .gzip { record.identity = identity }
            shared.registry[record.id] = record
            shared.isRegistryDirty = true
            let file = FollowedFile(
                id: record.id, descriptor: descriptor, identity: identity, path: path, group: index,
                content: content, layout: groups[index].layout, zone: groups[index].zone,
                offset: record.offset, events: record.events, now: now)
            shared.following[identity] = file
            shared.inbox.append(file)
        }
        logger.debug("following", metadata: ["path": "\(path)"])
    }

    /// Starts over with a file that was truncated in place: the same file, another source.
    func restart(_ file: FollowedFile) {
        let descriptor = open("/proc/self/fd/\(file.descriptorNumber)", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        let generation = "\(DispatchTime.now().uptimeNanoseconds)/\(began)"
        let id = identifier(file.identity, generation: generation)
        shared.withLock { shared in
            shared.registry[file.id]?.isFinished = true
            // The record of the old content no longer speaks for this identity.
            shared.registry[file.id]?.identity.birth = -1
            shared.following[file.identity] = nil
        }
        follow(descriptor, file.identity, file.path, file.group, .plain, id: id)
    }

    private func considerPacked(_ path: String, _ index: Int) {
        guard let status = FileIdentity.status(of: path), status.isRegular, status.size > 0,
            !judged.withLock({ $0.contains(status.identity) }),
            shared.withLock({ $0.following[status.identity] == nil })
        else { return }
        let wall = Int64(Date().timeIntervalSince1970)
        // Older than the agent's first start: history, which nobody asked for.
        if status.modified < shared.withLock({ $0.registry.started }) - 1 {
            judged.withLock { _ = $0.insert(status.identity) }
            return
        }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return }
        let first = FollowedFile.firstBytes(descriptor, .gzip)
        guard !first.isEmpty else {
            close(descriptor)
            return
        }
        let known = source(beginningWith: first)
        if let known, known.isDone {
            judged.withLock { _ = $0.insert(status.identity) }
            close(descriptor)
            return
        }
        guard wall - status.modified >= Self.settleSeconds, FollowedFile.isComplete(descriptor)
        else {
            close(descriptor)
            return
        }
        judged.withLock { _ = $0.insert(status.identity) }
        let id = known?.id ?? Fingerprint(first).hex + "-\(status.size)-packed"
        follow(descriptor, status.identity, path, index, .gzip, id: id)
    }

    /// The source that shows these first bytes; done when its own file is open or read to its end.
    private func source(beginningWith first: [UInt8]) -> (id: String, isDone: Bool)? {
        shared.withLock { shared in
            for file in shared.following.values where file.content == .plain {
                let bytes = file.firstBytes
                if !bytes.isEmpty, first.starts(with: bytes) { return (file.id, true) }
            }
            let candidates = shared.registry.sources.values.filter {
                $0.fingerprint.count > 0 && $0.fingerprint.matches(first)
            }
            guard let best = candidates.max(by: { $0.fingerprint.count < $1.fingerprint.count })
            else {
                return nil
            }
            return (best.id, best.isFinished || shared.following[best.identity] != nil)
        }
    }

    /// Unfinished sources of before the start that are nowhere to be found.
    private func giveUpLost() {
        guard Int64(Date().timeIntervalSince1970) - began > Self.searchSeconds else { return }
        let lost = shared.withLock { shared -> [SourceRecord] in
            let lost = shared.registry.sources.values.filter {
                !$0.isFinished && shared.following[$0.identity] == nil && $0.touched <= began
            }
            for record in lost {
                shared.registry[record.id]?.isFinished = true
                shared.isRegistryDirty = true
            }
            return lost
        }
        for record in lost {
            metrics.update { $0.lostSources += 1 }
            logger.warning(
                "a file was gone before it was read to its end",
                metadata: ["path": "\(record.path)", "from byte": "\(record.offset)"])
        }
    }
}

extension Fingerprint {
    var hex: String {
        let text = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - text.count) + text
    }
}

/// Metrics that several threads write.
final class SharedMetrics: Sendable {
    private let metrics = Mutex(AgentMetrics())
    func update(_ body: (inout AgentMetrics) -> Void) { metrics.withLock { body(&$0) } }
    var current: AgentMetrics { metrics.withLock { $0 } }
}
