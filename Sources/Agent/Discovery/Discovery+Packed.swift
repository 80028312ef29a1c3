import Foundation

/// Compressed files: the unread rest of a source that was rolled, a roll that was never seen plain, or
/// what the pattern names itself.
extension Discovery {
    /// A compressed file is judged when it has not changed for so long, in seconds.
    private static let settleSeconds: Int64 = 1
    /// A file that cannot be judged yet is looked at again after so many seconds, then twice as many,
    /// and so on: each look unpacks it whole.
    private static let firstPause = 1.0
    private static let longestPause = 30.0

    /// A packed file as it was when it could not be judged.
    struct PackedWait {
        var size: Int64
        var modified: Int64
        var epoch: Int
        /// Cut off or damaged: still being packed, or left so by a crash.
        var isCut: Bool
        var pause: Double
        /// Seconds since the epoch of the next look.
        var next: Double

        func isOf(_ sight: Sight) -> Bool {
            size == sight.status.size && modified == sight.status.modified
        }
    }

    private enum Owner {
        /// Being read through its own descriptor; what to do will be clear when that is done.
        case open
        case known(SourceRecord)
        case nobody
    }

    func considerPacked(_ sight: Sight) {
        let wall = Date().timeIntervalSince1970
        guard sight.status.size > 0, !isJudged(sight),
            !packedLooks.contains(sight.status.identity)
        else { return }
        let settled = Double(sight.status.modified + Self.settleSeconds)
        guard settled <= wall.rounded(.down), isDue(sight, wall) else {
            let next = later[sight.status.identity].map { isDueLater($0, sight) } ?? settled
            recheck(sight, at: max(next, wall + 0.1))
            return
        }
        guard isAsked(sight) || isWanted(sight.folder) else {
            tellHistory(sight)
            judge(sight)
            return
        }
        guard packedLooks.hasRoom, let descriptor = open(sight) else {
            recheck(sight, at: wall + 0.1)
            return
        }
        let first = FileContent(descriptor: descriptor, kind: sight.kind).firstBytes
        if !first.isEmpty, isOpen(first) {
            postpone(sight, wall, isCut: false)
            close(descriptor)
            return
        }
        logger.debug("unpacking a file to judge it", metadata: ["path": "\(sight.path)"])
        let offsets = shared.withLock { shared in
            shared.registry.beginning(with: first).compactMap { $0.mark?.offset }
        }
        packedLooks.add(
            PackedLooks.Look(
                sight: sight, descriptor: descriptor, first: first,
                offsets: Array(Set(offsets)).sorted()))
    }

    /// Judges what was unpacked meanwhile.
    func takePackedLooks() {
        for look in packedLooks.take() {
            if let facts = look.facts {
                judge(look, facts)
            } else {
                postpone(look.sight, Date().timeIntervalSince1970, isCut: true)
                close(look.descriptor)
            }
        }
    }

    private func judge(_ look: PackedLooks.Look, _ facts: PackedFacts) {
        let sight = look.sight
        let wall = Date().timeIntervalSince1970
        guard facts.isWhole || isLeftCut(sight, wall) else {
            postpone(sight, wall, isCut: true)
            close(look.descriptor)
            return
        }
        if look.first.isEmpty {
            if !facts.isWhole {
                tellDamage(sight.path, "no packed data")
                note(.lost, sight.path, nil, 0, nil, "damaged: there is no packed data in it")
            }
            judge(sight)
            close(look.descriptor)
            return
        }
        switch owner(facts, look) {
        case .open: postpone(sight, wall, isCut: !facts.isWhole)
        case .known(var record) where !record.isFinished || facts.length > record.offset:
            record.size = facts.length
            if let sight = self.sight(sight, of: record) {
                follow(look.descriptor, record, sight, look.first)
                return
            }
            leave(record.id)
            judge(sight, as: record.id)
        case .known(let record):
            judge(sight, as: record.id)
        case .nobody:
            judge(sight)
            if isAsked(sight) {
                let id = packedID(sight, look.first, facts.tail, facts.length)
                startNew(id, look.descriptor, sight, look.first, size: facts.length)
                return
            }
        }
        close(look.descriptor)
    }

    /// The id of the source that a packed file is, of its first and last bytes and its length, unpacked. Short
    /// ones may hold the same on every host.
    func packedID(_ sight: Sight, _ first: [UInt8], _ tail: [UInt8], _ length: Int64) -> String {
        let place = "\(host)/\(sight.family)"
        return "\(Fingerprint(place.utf8 + first).hex)\(Fingerprint(tail).hex)-\(length)-packed"
    }

    /// When a file that waits is to be looked at again, if nothing happens.
    private func isDueLater(_ wait: PackedWait, _ sight: Sight) -> Double {
        wait.isCut && wait.isOf(sight) ? Double(sight.status.modified) + searchSeconds : wait.next
    }

    /// True when the file may show more than at the last look.
    private func isDue(_ sight: Sight, _ wall: Double) -> Bool {
        guard let wait = later[sight.status.identity] else { return true }
        // Unpacking it again would show the same; once it is quiet it is taken as it is.
        if wait.isCut, wait.isOf(sight), !isQuiet(sight, wall) { return false }
        return wall >= wait.next || wait.epoch != epoch
    }

    /// Nobody packs a file for so long without writing into it.
    private func isQuiet(_ sight: Sight, _ wall: Double) -> Bool {
        wall - Double(sight.status.modified) >= searchSeconds
    }

    /// True for a file that was cut at an earlier look, and will stay so.
    private func isLeftCut(_ sight: Sight, _ wall: Double) -> Bool {
        guard let wait = later[sight.status.identity] else { return false }
        return wait.isCut && wait.isOf(sight) && isQuiet(sight, wall)
    }

    private func postpone(_ sight: Sight, _ wall: Double, isCut: Bool) {
        let before = later[sight.status.identity].flatMap { $0.epoch == epoch ? $0 : nil }
        let pause = before.map { min(2 * $0.pause, Self.longestPause) } ?? Self.firstPause
        later[sight.status.identity] = PackedWait(
            size: sight.status.size, modified: sight.status.modified, epoch: epoch, isCut: isCut,
            pause: pause, next: wall + pause)
        logger.debug("a packed file cannot be judged yet", metadata: ["path": "\(sight.path)"])
        recheck(sight, at: isCut ? wall + min(pause, 1) : wall + pause)
    }

    /// What stands before the damage is read, what stands behind it is lost.
    func tellDamage(_ path: String, _ damage: String) {
        logger.warning(
            "a packed file is read up to its damage only",
            metadata: ["path": "\(path)", "reason": "\(damage)"])
        metrics.update { $0.lastError = "unpacking \(path): \(damage)" }
    }

    /// The source that shows this beginning, and these bytes before what was read last.
    private func owner(_ facts: PackedFacts, _ look: PackedLooks.Look) -> Owner {
        let records = shared.withLock { shared in
            shared.registry.beginning(with: look.first).filter { shared.files[$0.id] == nil }
        }.filter { maySee($0, in: look.sight) }
        let family = look.sight.family
        /// Of several with the same content the unread one first, and the one of the same name.
        func likelihood(_ record: SourceRecord) -> (Int, Int, Int, Int64) {
            (
                record.isFinished ? 0 : 1, record.family == family ? 1 : 0,
                record.fingerprint.count, record.offset
            )
        }
        var isMoved = false
        let candidates = records.filter { record in
            guard let mark = record.mark else { return true }
            // Of a packed file that is cut, what is left of it may be all read.
            let isRead = record.isFinished && record.offset >= facts.length
            if !facts.isWhole, isRead, record.fingerprint.count == Fingerprint.length {
                return true
            }
            // Read on since the bytes before the mark were asked for: the next look tells.
            guard let has = facts.has(mark) else {
                isMoved = true
                return false
            }
            return has
        }.sorted { likelihood($0) > likelihood($1) }
        if let best = candidates.first { return .known(best) }
        if isMoved || isOpen(look.first) { return .open }
        // Begun under a source of agent.yaml that has it no more.
        let id = packedID(look.sight, look.first, facts.tail, facts.length)
        return shared.withLock { $0.registry[id] }.map { .known($0) } ?? .nobody
    }

    /// True while a source that begins so is read through its own descriptor, or may become one: a
    /// file that is held stands for itself once it is no copy.
    private func isOpen(_ first: [UInt8]) -> Bool {
        func begins(with head: [UInt8]) -> Bool { !head.isEmpty && first.starts(with: head) }
        for file in held.values
        where begins(with: FileContent(descriptor: file.descriptor, kind: .plain).firstBytes) {
            return true
        }
        return shared.withLock { shared in
            let isHead = shared.files.values.contains { file in
                shared.learnHead(of: file)
                return begins(with: file.shown.withLock(\.head))
            }
            // The spool has no beginning of a file, only what was unread of it.
            return isHead
                || shared.registry.beginning(with: first).contains { shared.files[$0.id] != nil }
        }
    }
}
