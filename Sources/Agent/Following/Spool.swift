import Bytes
import Foundation
import Logging

/// Keeps deleted files from filling their disk: an open file that has no name any more still takes its
/// place. When those that are unread take more than a limit, their rest is moved, packed, into the state
/// folder, and read on from there under the offsets of the original. When the agent ends all of them are
/// moved: what has no name is gone with its descriptor.
///
///     STATE/spool/ID.gz    the bytes of source ID from `SourceRecord.spooledFrom` on
///
/// Owned by a thread of its own: the reader may be waiting for the server.
final class Spool {
    private let folder: String
    private let discovery: Discovery
    private let pinnedBytes: Int64
    private let spoolBytes: Int64
    private let logger: Logger
    private var isFullTold = false
    /// Sizes at the last look: a file that still grows is left alone.
    private var sizes: [String: Int64] = [:]
    /// The room, in bytes, that there was for so many unread ones of a file, which needs more.
    private var tooSmall: [String: (room: Int64, unread: Int64)] = [:]
    private var stop: StopFlag?

    /// How often deleted files are counted, in seconds.
    private static let careEvery = 2.0
    /// Packed at a time, each as a gzip member of its own.
    private static let blockBytes = 1 << 20

    init(_ configuration: AgentConfiguration, discovery: Discovery, logger: Logger) {
        folder = configuration.state + "/spool"
        pinnedBytes = configuration.pinnedBytes
        spoolBytes = configuration.spoolBytes
        self.discovery = discovery
        self.logger = logger
    }

    static func path(_ id: String, state: String) -> String { "\(state)/spool/\(id).gz" }

    func run(until stop: StopFlag) {
        self.stop = stop
        var next = Date().timeIntervalSince1970
        while !stop.isSet {
            Thread.sleep(forTimeInterval: 0.2)
            let now = Date().timeIntervalSince1970
            if now >= next {
                next = now + Self.careEvery * min(1, discovery.patience)
                care()
            }
        }
    }

    /// Moves what must be moved, largest first.
    private func care() {
        let open = discovery.shared.withLock { shared in
            shared.files.values.compactMap { file -> (FollowedFile, Int64)? in
                guard let offset = shared.registry[file.id]?.offset,
                    file.shown.withLock(\.size) > offset
                else { return nil }
                return (file, offset)
            }
        }
        var pinned: [(file: FollowedFile, offset: Int64, size: Int64)] = []
        for (file, offset) in open where file.isPlain {
            let status = FileIdentity.status(of: file.content.descriptor)
            guard let status, status.links == 0, status.size > offset else { continue }
            pinned.append((file, offset, status.size))
        }
        var total = pinned.reduce(0) { $0 + $1.size }
        let before = sizes
        sizes = Dictionary(pinned.map { ($0.file.id, $0.size) }) { $1 }
        tooSmall = tooSmall.filter { sizes[$0.key] != nil }
        discovery.metrics.update { $0.pinnedBytes = total }
        for one in pinned.sorted(by: { $0.size > $1.size }) where total > pinnedBytes {
            guard before[one.file.id] == one.size, stop?.isSet != true,
                mayFit(one.file.id, unread: one.size - one.offset)
            else { continue }
            if move(one.file, from: one.offset, to: one.size) { total -= one.size }
        }
        discovery.metrics.update { metrics in
            metrics.pinnedBytes = total
            metrics.spoolBytes = usedBytes
        }
    }

    /// False for what was tried before, with as much room and not much more to pack.
    private func mayFit(_ id: String, unread: Int64) -> Bool {
        guard let tried = tooSmall[id] else { return true }
        return tried.room < spoolBytes - usedBytes || unread <= tried.unread / 2
    }

    private var usedBytes: Int64 {
        (Glob.names(folder) ?? []).reduce(0) {
            $0 + (FileIdentity.status(of: folder + "/" + $1)?.size ?? 0)
        }
    }

    private func move(_ file: FollowedFile, from: Int64, to end: Int64) -> Bool {
        let path = Spool.path(file.id, state: discovery.state)
        do throws(AgentError) {
            var used = usedBytes
            discovery.shared.withLock { $0.learnHead(of: file) }
            let packed = try pack(file, from, end, into: path, &used) { stop?.isSet == true }
            guard let packed else {
                if stop?.isSet != true { tooSmall[file.id] = (spoolBytes - used, end - from) }
                return false
            }
            // A restart must find it before the file itself is gone.
            discovery.noteSpooled(file.id, from: from, size: packed.end)
            try discovery.saveRegistry()
            // Somebody may have written on meanwhile.
            let size = FileIdentity.status(of: file.content.descriptor)?.size
            guard size == end, file.exchange(for: packed.descriptor, from: from) else {
                close(packed.descriptor)
                unlink(path)
                discovery.noteUnspooled(file.id)
                return false
            }
        } catch {
            noteFailure(error, file, path)
            return false
        }
        discovery.shared.withLock { _ = $0.hints.insert(file.id) }
        discovery.wakeup.ring()
        tellKept(file, from, end)
        return true
    }

    private func tellKept(_ file: FollowedFile, _ from: Int64, _ end: Int64) {
        logger.notice(
            "the unread rest of a deleted file is kept in the spool",
            metadata: ["path": "\(file.path)", "from byte": "\(from)", "bytes": "\(end - from)"])
    }

    private func noteFailure(_ error: AgentError, _ file: FollowedFile, _ path: String) {
        unlink(path)
        discovery.noteUnspooled(file.id)
        logger.error("the rest of a deleted file cannot be kept elsewhere: \(error)")
        discovery.metrics.update { $0.noteError("\(error)", of: file.id) }
    }

    /// Moves the unread rest of every deleted file, oldest first and what may be too large last, for a time
    /// when nothing else runs: no file is read any more.
    func keepAll(where isMeant: (FollowedFile, SourceRecord) -> Bool = { _, _ in true }) {
        let open = discovery.shared.withLock { shared in
            shared.files.values.compactMap { file -> (file: FollowedFile, record: SourceRecord)? in
                shared.registry[file.id].map { (file, $0) }
            }
        }.sorted { ($0.record.order ?? 0) < ($1.record.order ?? 0) }
        var saved = Date()
        var used = usedBytes
        let room = spoolBytes - used
        let fits = open.filter { ($0.record.unread ?? .max) <= room }
        let others = open.filter { ($0.record.unread ?? .max) > room }
        for (file, record) in fits + others where isMeant(file, record) {
            // Who is killed in the middle of it has kept what was packed by then.
            if saved.timeIntervalSinceNow < -1 {
                save()
                saved = Date()
            }
            guard let status = FileIdentity.status(of: file.content.descriptor), status.links == 0
            else { continue }
            discovery.shared.withLock { shared in
                // A copy of it may be there, packed: by its beginning it is known again.
                shared.learnHead(of: file)
                // Should there be no room, the ledger tells what is lost.
                shared.noteEnd(of: file.id)
            }
            let from = record.offset
            guard !file.isPlain || status.size > from else { continue }
            let path = Spool.path(file.id, state: discovery.state)
            do throws(AgentError) {
                guard let packed = try pack(file, from, status.size, into: path, &used)
                else { continue }
                close(packed.descriptor)
                guard packed.end > from else {
                    unlink(path)
                    discovery.shared.withLock { $0.registry[file.id]?.isFinished = true }
                    continue
                }
                discovery.noteSpooled(file.id, from: from, size: packed.end)
                tellKept(file, from, packed.end)
            } catch { noteFailure(error, file, path) }
        }
        save()
    }

    private func save() {
        do throws(AgentError) { try discovery.saveRegistry() } catch { logger.error("\(error)") }
    }

    /// A descriptor to read the packed bytes of a file from an offset on, and the offset where they end: of a
    /// plain file at `end`. Nil when the spool is full, of which `used` bytes are taken, or at an order to
    /// stop.
    private func pack(
        _ file: FollowedFile, _ from: Int64, _ end: Int64, into path: String, _ used: inout Int64,
        isStopped: () -> Bool = { false }
    ) throws(AgentError) -> (descriptor: Int32, end: Int64)? {
        mkdir(folder, 0o750)
        let source = file.duplicate()
        guard source >= 0 else { throw .system("opening", file.path) }
        defer { close(source) }
        let temporary = path + ".tmp"
        let out = open(temporary, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o640)
        guard out >= 0 else { throw .system("creating", temporary) }
        var isDone = false
        defer {
            if !isDone {
                close(out)
                unlink(temporary)
            }
        }
        var taken = used
        var rest = Rest(FileContent(descriptor: source, kind: file.content.kind), from, end)
        while let block = rest.next(Self.blockBytes) {
            if isStopped() { return nil }
            let packed = Gzip.compress(block, level: PackedLogs.gzipLevel)
            taken += Int64(packed.count)
            guard taken <= spoolBytes else {
                tellFull()
                return nil
            }
            try StateFile.write(packed, to: out, temporary)
        }
        guard !file.isPlain || rest.offset == end else { throw .system("reading", file.path) }
        guard fsync(out) == 0, rename(temporary, path) == 0 else { throw .system("writing", path) }
        isDone = true
        used = taken
        return (out, rest.offset)
    }

    private func tellFull() {
        guard !isFullTold else { return }
        isFullTold = true
        logger.warning(
            "the spool is full (spool: bytes): unread deleted files stay on their disk",
            metadata: ["folder": "\(folder)", "bytes": "\(spoolBytes)"])
    }
}

/// The content of a file from an offset on, block by block: of a plain one up to an end.
private struct Rest: ~Copyable {
    private let content: FileContent
    private let end: Int64
    /// Nil for a plain file.
    private var stream: UnpackedStream?
    private var toSkip: Int64
    /// Of the unpacked content, where the next block begins.
    private(set) var offset: Int64

    init(_ content: FileContent, _ from: Int64, _ end: Int64) {
        self.content = content
        self.end = end
        offset = from
        toSkip = from
        guard content.kind != .plain else { return }
        stream = UnpackedStream(descriptor: content.descriptor, kind: content.kind)
    }

    /// Nil at the end, and where nothing can be read.
    mutating func next(_ count: Int) -> [UInt8]? {
        var block: [UInt8] = []
        if content.kind == .plain {
            let left = max(0, end - offset)
            block = FileContent.read(
                content.descriptor, at: offset, count: Int(min(Int64(count), left)))
        } else {
            while block.isEmpty, let next = stream?.next(FileContent.blockBytes) {
                let skipped = min(toSkip, Int64(next.count))
                toSkip -= skipped
                block = Array(next.dropFirst(Int(skipped)))
            }
        }
        offset += Int64(block.count)
        return block.isEmpty ? nil : block
    }
}

extension Discovery {
    func noteSpooled(_ id: String, from offset: Int64, size: Int64) {
        shared.withLock { shared in
            shared.registry[id]?.spooledFrom = offset
            shared.registry[id]?.size = size
            shared.isRegistryDirty = true
        }
    }

    func noteUnspooled(_ id: String) {
        shared.withLock { shared in
            guard shared.registry[id]?.spooledFrom != nil else { return }
            shared.registry[id]?.spooledFrom = nil
            shared.isRegistryDirty = true
        }
    }

    /// Goes on with what an agent before left in the spool, behind `learnPlaces`, and clears away the rest
    /// of it.
    func openSpool() {
        let folder = state + "/spool"
        var kept: Set<String> = []
        for record in shared.withLock({ $0.registry.unfinished }) where record.spooledFrom != nil {
            kept.insert("\(record.id).gz")
            guard shared.withLock({ $0.files[record.id] == nil }) else { continue }
            let descriptor = Foundation.open(
                Spool.path(record.id, state: state), O_RDONLY | O_CLOEXEC)
            if descriptor < 0, errno == ENOENT {
                // Then it is looked for as any other source.
                shared.withLock { $0.registry[record.id]?.spooledFrom = nil }
            }
            guard descriptor >= 0, let status = FileIdentity.status(of: descriptor) else {
                continue
            }
            guard let group = owner(of: record) else {
                logger.notice(
                    "no source asks for what is kept in the spool: it stays there",
                    metadata: ["path": "\(record.path)"])
                close(descriptor)
                continue
            }
            let sight = Sight(
                path: record.path, name: record.name, group: group, isNamed: true, isRolled: true,
                kind: .gzip, status: status)
            start(descriptor, sight, []) { _ in record }
        }
        for name in Glob.names(folder) ?? [] where !kept.contains(name) {
            unlink(folder + "/" + name)
        }
    }

    /// The source is shipped: its part of the spool is not needed any more.
    func clearSpool(of id: String) {
        let isSpooled = shared.withLock { shared in
            guard shared.registry[id]?.spooledFrom != nil else { return false }
            shared.registry[id]?.spooledFrom = nil
            return true
        }
        if isSpooled { unlink(Spool.path(id, state: state)) }
    }
}
