import Foundation
import LogModel
import Logback

/// Opening files for the reader: new sources, known ones, and what follows a truncation.
extension Discovery {
    /// Follows a file under a record that is known.
    func follow(_ descriptor: Int32, _ known: SourceRecord, _ sight: Sight, _ head: [UInt8]) {
        // Another file has its name, and may grow.
        let livesAgain =
            known.identity != sight.status.identity
            && FileIdentity.status(of: known.path)?.identity == sight.status.identity
        start(descriptor, sight, head) { shared in
            var record = known
            if livesAgain { record.isRolled = nil }
            record.isFinished = false
            record.identity = sight.status.identity
            // A copy holds the content of a source that was truncated: it speaks for it now.
            record.isDetached = nil
            record.isLeft = nil
            // The file holds all of it.
            record.spooledFrom = nil
            leavePredecessor(&record, shared)
            return record
        }
    }

    /// Follows a file as a source of its own.
    func followNew(_ descriptor: Int32, _ sight: Sight, _ head: [UInt8]) {
        var id = identifier(sight.status.identity, "")
        if shared.withLock({ $0.registry[id] }) != nil {
            // Another content stood in this file before.
            id = identifier(sight.status.identity, Self.generation())
        }
        startNew(id, descriptor, sight, head)
    }

    /// Follows a file under a name that is given.
    func startNew(
        _ id: String, _ descriptor: Int32, _ sight: Sight, _ head: [UInt8], size: Int64? = nil
    ) {
        start(descriptor, sight, head) { shared in
            var record = SourceRecord(
                id: id, identity: sight.status.identity, path: sight.path, touched: began)
            record.fingerprint = Fingerprint(head)
            record.size = size
            assignClock(&record, sight, &shared)
            if Self.rollNumber(sight.name) == nil {
                record.rollBefore = shared.newestRoll[record.family]
            }
            return record
        }
    }

    private static func generation() -> String {
        "\(DispatchTime.now().uptimeNanoseconds)/\(Date().timeIntervalSince1970)"
    }

    private func identifier(_ identity: FileIdentity, _ generation: String) -> String {
        let text = "\(host)/\(identity.device)/\(identity.inode)/\(identity.birth)/\(generation)"
        return Fingerprint(text.utf8).hex + Fingerprint(text.utf8.reversed()).hex
    }

    /// Opens the source that `record` makes; the descriptor goes with it. Both this thread and the
    /// reader, after a truncation, come here: whoever is second finds the file followed.
    func start(
        _ descriptor: Int32, _ sight: Sight, _ head: [UInt8],
        _ record: (inout Shared) -> SourceRecord
    ) {
        let group = groups[sight.group]
        let place = FollowedFile.Place(
            path: sight.path, group: sight.group, content: sight.kind,
            layout: group.layout, zone: group.zone, encoding: group.encoding,
            format: group.format)
        let now = DispatchTime.now().uptimeNanoseconds
        let stood = sight.kind == .plain ? Self.place(of: sight.path, descriptor) : nil
        let isStarted = shared.withLock { shared in
            guard shared.following[sight.status.identity] == nil else {
                close(descriptor)
                return false
            }
            var record = record(&shared)
            record.group = group.key
            record.place = stood ?? record.place
            let file = FollowedFile(
                record, descriptor: descriptor, place: place,
                isRolled: sight.path != record.path, head: head, now: now)
            // Two copies of one content: one is enough. The file closes its descriptor.
            if shared.files[record.id] != nil { return false }
            shared.registry[record.id] = record
            shared.isRegistryDirty = true
            shared.add(file, stream: group.stream)
            if RolledName.isTemporary(sight.name) { shared.noteEnd(of: record.id) }
            shared.inbox.append(file)
            return true
        }
        guard isStarted else { return }
        wakeup.ring()
        logger.debug("following", metadata: ["path": "\(sight.path)"])
    }

    /// A source that waited for a clock when the agent stopped, and whose predecessor is still looked
    /// for, counts in a lane of its own instead: above it, where nothing of their name that came since
    /// counts.
    private func leavePredecessor(_ record: inout SourceRecord, _ shared: Shared) {
        guard let before = record.predecessor.flatMap({ shared.registry[$0] }), !before.isFinished,
            shared.files[before.id] == nil
        else { return }
        let (family, order) = (record.family, before.order ?? 0)
        let used = shared.registry.sources.values.filter {
            $0.family == family && ($0.order ?? 0) >= order
        }.map { $0.lane ?? 0 }
        record.predecessor = nil
        record.lane = Self.lane(above: before.lane ?? 0, free: { !used.contains($0) })
    }

    /// Where a new source counts its nanoseconds from: behind the source that had its name before;
    /// behind the rolls of its name, in a lane above theirs; or in a lane that no open file of the
    /// same labels uses.
    private func assignClock(
        _ record: inout SourceRecord, _ sight: Sight, _ shared: inout Shared
    ) {
        let used = shared.lanes[groups[sight.group].stream] ?? [:]
        let family = record.family
        let before = shared.latest[family].flatMap { shared.registry[$0] }
        shared.latest[family] = record.id
        shared.order += 1
        record.order = shared.order
        if let before, before.path == record.path,
            before.isFinished || shared.files[before.id] != nil
        {
            record.lane = before.lane
            record.predecessor = before.isFinished ? nil : before.id
            if before.isFinished {
                record.seed = before.events
                record.events = before.events
            }
            return
        }
        record.lane = Self.lane(
            above: before.map { $0.lane ?? 0 } ?? used.keys.max() ?? -1,
            free: { used[$0] == nil })
    }

    /// The next lane that is free; the next of all when none is.
    private static func lane(above last: Int64, free isFree: (Int64) -> Bool) -> Int64 {
        let first = last + 1
        return (first..<first + EventClock.lanes).map { $0 % EventClock.lanes }.first(where: isFree)
            ?? first % EventClock.lanes
    }

    /// Other content stands in the file of this source now.
    func detach(_ record: SourceRecord) {
        shared.withLock { shared in
            var record = record
            record.isDetached = true
            // How far it went before it was truncated nobody saw.
            if !record.isFinished { record.size = nil }
            shared.registry[record.id] = record
            shared.isRegistryDirty = true
            shared.epoch += 1
        }
    }

    /// The reader found that a file was truncated in place: the file goes on as another source, and
    /// what was not read is looked for in a copy.
    func restart(_ file: FollowedFile) {
        let head = file.shown.withLock { $0 }
        shared.withLock { shared in
            guard var record = shared.registry[file.id] else { return }
            record.isDetached = true
            record.fingerprint = Fingerprint(head.head)
            record.mark = file.readMark
            record.size = head.size
            shared.registry[file.id] = record
            shared.isRegistryDirty = true
            shared.leaveFile(file)
            shared.truncated.insert(file.id)
            shared.epoch += 1
        }
        let descriptor = file.duplicate()
        guard descriptor >= 0, let status = FileIdentity.status(of: descriptor) else { return }
        let sight = Sight(
            path: file.path, name: "", group: file.place.group, isNamed: true, isRolled: false,
            kind: .plain, status: status)
        let first = FileContent(descriptor: descriptor, kind: .plain).firstBytes
        followNew(descriptor, sight, first)
    }
}
