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
            Int64(wall) - sight.status.modified >= Self.settleSeconds, isDue(sight, wall)
        else { return }
        guard isAsked(sight) || wanted[folder(of: sight)] != nil else {
            judge(sight)
            return
        }
        guard let descriptor = open(sight) else { return }
        logger.debug("unpacking a file to judge it", metadata: ["path": "\(sight.path)"])
        let content = FileContent(descriptor: descriptor, kind: .gzip)
        let first = content.firstBytes
        let end = content.packedEnd()
        guard end.isWhole || isLeftCut(sight, wall) else {
            postpone(sight, wall, isCut: true)
            close(descriptor)
            return
        }
        if first.isEmpty {
            if !end.isWhole { tellDamage(sight.path, "no gzip data") }
            judge(sight)
            close(descriptor)
            return
        }
        switch owner(content, first) {
        case .open: postpone(sight, wall, isCut: !end.isWhole)
        case .known(let record) where !record.isFinished || end.length > record.offset:
            follow(descriptor, record, sight, first)
            return
        case .known(let record):
            judge(sight, as: record.id)
        case .nobody:
            judge(sight)
            if isAsked(sight) {
                let tail = Fingerprint(end.tail).hex
                let id = "\(Fingerprint(first).hex)\(tail)-\(end.length)-packed"
                startNew(id, descriptor, sight, first)
                return
            }
        }
        close(descriptor)
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
    }

    /// What stands before the damage is read, what stands behind it is lost.
    func tellDamage(_ path: String, _ damage: String) {
        logger.warning(
            "a packed file is read up to its damage only",
            metadata: ["path": "\(path)", "reason": "\(damage)"])
        metrics.update { $0.lastError = "unpacking \(path): \(damage)" }
    }

    private func folder(of sight: Sight) -> String {
        FollowedFile.split(sight.path).folder
    }

    /// The source that shows this beginning, and these bytes before what was read last.
    private func owner(_ content: FileContent, _ first: [UInt8]) -> Owner {
        let (open, records) = shared.withLock { shared in
            let open = shared.following.values.map { ($0, shared.registry[$0.id]?.mark) }
            let ids = Set(open.map { $0.0.id })
            let records = shared.registry.sources.values.filter {
                $0.fingerprint.count > 0 && !ids.contains($0.id) && $0.fingerprint.matches(first)
            }
            return (open, records)
        }
        let candidates = records.filter { $0.matches(content, first: first) }.sorted {
            ($0.isFinished ? 0 : 1, $0.fingerprint.count, $0.offset)
                > ($1.isFinished ? 0 : 1, $1.fingerprint.count, $1.offset)
        }
        if let best = candidates.first { return .known(best) }
        let isOpen = open.contains { file, mark in
            let head = file.shown.withLock(\.head)
            let known = head.isEmpty ? file.content.firstBytes : head
            return !known.isEmpty && first.starts(with: known)
                && (mark?.matches(content) ?? true)
        }
        return isOpen ? .open : .nobody
    }
}
