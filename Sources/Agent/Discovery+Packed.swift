import Foundation

/// Compressed files: the unread rest of a source that was rolled, a roll that was never seen plain, or
/// what the pattern names itself.
extension Discovery {
    /// A compressed file is judged when it has not changed for so long, in seconds.
    private static let settleSeconds: Int64 = 1
    /// A file whose source is still being read is looked at again after so many seconds.
    private static let laterSeconds = 1.0

    private enum Owner {
        /// Being read through its own descriptor; what to do will be clear when that is done.
        case open
        case known(SourceRecord)
        case nobody
    }

    func considerPacked(_ sight: Sight) {
        let identity = sight.status.identity
        let wall = Date().timeIntervalSince1970
        guard sight.status.size > 0, !isJudged(sight), later[identity, default: 0] <= wall,
            Int64(wall) - sight.status.modified >= Self.settleSeconds
        else { return }
        guard isAsked(sight) || wanted[folder(of: sight)] != nil else {
            judge(sight)
            return
        }
        guard let descriptor = open(sight) else { return }
        let content = FileContent(descriptor: descriptor, kind: .gzip)
        let first = content.firstBytes
        guard !first.isEmpty, let end = content.packedEnd() else {
            // Cut off: still being packed, or left so by a crash.
            later[identity] = wall + Self.laterSeconds
            close(descriptor)
            return
        }
        later[identity] = nil
        switch owner(content, first) {
        case .open: later[identity] = wall + Self.laterSeconds
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
