import Foundation

/// Plain files: known ones that go on, new ones, copies, and the rest of what was rolled.
extension Discovery {
    func considerPlain(_ sight: Sight) {
        let identity = sight.status.identity
        let record = shared.withLock { $0.registry.source(of: identity) }
        // Growth alone brings back nothing that was told to end.
        if record?.isLeft == true, !sight.isNamed, !sight.isRolled { return }
        if let record, isKnownAsRead(record, sight) {
            keep(record.id)
            return
        }
        if record == nil, isJudged(sight) { return }
        guard let descriptor = open(sight) else { return }
        watchTarget(of: sight.path)
        let content = FileContent(descriptor: descriptor, kind: .plain)
        let first = content.firstBytes
        if let record {
            if record.matches(content, first: first) {
                let isRead = record.isFinished && sight.status.size <= record.offset
                if !isRead, let sight = self.sight(sight, of: record) {
                    follow(descriptor, record, sight, first)
                    return
                }
                if !isRead { leave(record.id) }
                judge(sight, as: record.id)
                close(descriptor)
                return
            }
            // Other content in the same file: truncated while the agent did not look.
            detach(record)
        }
        if isAsked(sight), record == nil, let original = original(of: content, first, sight) {
            hold(descriptor, sight, original)
        } else if !settle(descriptor, sight, content, first) {
            close(descriptor)
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
    /// truncated, renamed or replaced, a copy of what was shipped, or a source. False, and nothing is done, when
    /// a source was truncated since this look began: this may be the copy with its unread rest, which
    /// may have no other name by now.
    func settle(
        _ descriptor: Int32, _ sight: Sight, _ content: FileContent, _ first: [UInt8]
    ) -> Bool {
        if takesPlace(descriptor, sight, content, first) { return true }
        let read = readSources(content, first, sight)
        if let rest = rest(content, first, of: sight, read) {
            if let sight = self.sight(sight, of: rest) {
                follow(descriptor, rest, sight, first)
                return true
            }
            leave(rest.id)
        }
        let source =
            sourceOfCopy(content, first, sight) ?? packedTwin(content, first, sight)
            ?? movedSource(content, first, sight)
            ?? read.first { $0.offset == sight.status.size }?.id
        guard shared.withLock(\.epoch) == epoch else { return false }
        if isAsked(sight), source == nil {
            followNew(descriptor, sight, first)
        } else {
            if source == nil { tellHistory(sight) }
            judge(sight, as: source)
            close(descriptor)
        }
        return true
    }

    /// Tells once of a folder that what was rolled in it is not asked for.
    func tellHistory(_ sight: Sight) {
        guard sight.isRolled, oldFolders.insert(sight.folder).inserted else { return }
        logger.notice(
            "rolled files from before the agent's first start are left as they are: name them in the paths to ship them",
            metadata: ["folder": "\(sight.folder)", "for example": "\(sight.path)"])
    }

    /// The source whose beginning and last bytes this file has, and unread ones behind them.
    private func rest(
        _ content: FileContent, _ first: [UInt8], of sight: Sight, _ read: [SourceRecord]
    ) -> SourceRecord? {
        let truncated = truncatedSources(sight, first).filter { $0.isFinished }
        let family = sight.family
        func likelihood(_ record: SourceRecord) -> (Int, Int) {
            (record.family == family ? 1 : 0, record.fingerprint.count)
        }
        let longer = read.filter { sight.status.size > $0.offset }
        return (wanted(for: sight) + truncated + longer).filter {
            $0.fingerprint.count > 0 && $0.matches(content, first: first)
                && (sight.status.size > $0.offset || $0.isDetached != true)
                && maySee($0, in: sight)
        }.max { likelihood($0) < likelihood($1) }
    }

    /// What is looked for in a file: sources that stood in its folder, or above it when it is one of
    /// dates; and of another disk whatever is rolled to such a name.
    private func wanted(for sight: Sight) -> [SourceRecord] {
        let folder = sight.folder
        return wanted.flatMap { place, records in
            if folder == place || folder.hasPrefix(place + "/") { return records }
            return records.filter {
                $0.identity.device != sight.status.identity.device
                    && RolledName.isCopy(sight.name, of: $0.name)
            }
        }
    }

    func isJudged(_ sight: Sight) -> Bool {
        guard let judgement = judged[sight.status.identity], judgement.epoch == epoch,
            judgement.size == sight.status.size,
            judgement.wasAsked || judgement.source != nil || !isAsked(sight)
        else { return false }
        keep(judgement.source)
        return true
    }

    func judge(_ sight: Sight, as source: String? = nil) {
        judged[sight.status.identity] = Judgement(
            size: sight.status.size, epoch: epoch, source: source, wasAsked: isAsked(sight))
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

    /// The source of which a packed copy is read already: what Logback packs stands under a temporary
    /// name until that is done, and stays there when it crashes after it; and a file that was held as
    /// a copy may have been packed, and its name gone, before it was seen to be none.
    private func packedTwin(
        _ content: FileContent, _ first: [UInt8], _ sight: Sight
    ) -> String? {
        let size = sight.status.size
        let isDone =
            sight.isRolled
            || FileIdentity.status(of: sight.path)?.identity != sight.status.identity
        guard isDone, size > 0, let tail = content.tail(before: size) else { return nil }
        let id = packedID(sight, first, tail, size)
        return shared.withLock { shared in
            if shared.registry[id] != nil { return id }
            guard RolledName.isTemporary(sight.name) else { return nil }
            return shared.registry.sources.values.first {
                $0.isFinished && $0.fingerprint.count == Fingerprint.length
                    && $0.offset >= size && $0.fingerprint.matches(first)
            }?.id
        }
    }
}
