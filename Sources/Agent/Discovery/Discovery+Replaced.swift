import Foundation

/// Files that are replaced by longer copies of themselves: rsync writes what it fetches into another file,
/// and gives that the name; what was rolled where it comes from is a copy of what had another name here.
/// The new file goes on where the one before was read to.
extension Discovery {
    /// Somebody may still write to a file that has no name any more: then the new one is no copy of it.
    /// So long, in seconds, nobody must.
    private static let replacedQuiet = 2.0
    /// Of both ends of a file so many bytes are compared, at most: that takes a few milliseconds.
    private static let comparedBytes: Int64 = 8 << 20
    private static let lookAgainAfter = 0.2

    /// Goes on in this file with the open source of which it is a longer copy, and which has no file with a
    /// name any more. False when there is none; true, and it will be looked at again, while that is not sure.
    func takesPlace(
        _ descriptor: Int32, _ sight: Sight, _ content: FileContent, _ first: [UInt8]
    ) -> Bool {
        guard let before = openSources(of: sight, first).first(where: { holds(content, sight, $0) })
        else { return false }
        // What grows on differs from its copy at the next look.
        let wall = Date().timeIntervalSince1970
        let isGone = before.status()?.links == 0
        let since = shared.withLock { shared in
            var replacement = shared.replaced[before.id] ?? Replacement(since: wall, isGone: isGone)
            if replacement.isGone != isGone {
                replacement = Replacement(since: wall, isGone: isGone)
            }
            shared.replaced[before.id] = replacement
            return replacement.since
        }
        // A roll may be fetched long before the file that is to have the name.
        guard wall - since > (isGone ? Self.replacedQuiet * patience : searchSeconds) else {
            recheck(sight, at: wall + Self.lookAgainAfter)
            close(descriptor)
            return true
        }
        guard let record = replaceable(before, by: content, sight),
            let sight = self.sight(sight, of: record)
        else {
            shared.withLock { $0.replaced[before.id] = nil }
            return false
        }
        shared.withLock { shared in
            shared.leaveFile(before)
            shared.truncated.insert(before.id)
            // The reader has not come to it: nothing of it is needed any more.
            if shared.inbox.contains(where: { $0 === before }) {
                shared.inbox.removeAll { $0 === before }
                shared.remove(before, stream: groups[before.place.group].stream)
            }
        }
        follow(descriptor, record, sight, first)
        return true
    }

    /// The source of an open file that was deleted, when all of it stands in this one.
    private func replaceable(
        _ before: FollowedFile, by content: FileContent, _ sight: Sight
    ) -> SourceRecord? {
        guard let status = FileIdentity.status(of: before.content.descriptor), status.links == 0,
            Self.beginsAlike(content, before.content, status.size)
        else { return nil }
        let known = shared.withLock { shared in
            shared.files[before.id] === before ? shared.registry[before.id] : nil
        }
        guard let record = known, maySee(record, in: sight) else { return nil }
        return record
    }

    /// Since when a file holds an open one, in seconds since the epoch; anew when that loses its name.
    struct Replacement {
        let since: Double
        let isGone: Bool
    }

    /// True while a deleted open file is, or will be, followed in another one.
    func isReplaced(_ id: String) -> Bool { shared.withLock { $0.replaced[id] != nil } }

    /// Open files that begin so and had this name, or may be rolled to it.
    private func openSources(of sight: Sight, _ first: [UInt8]) -> [FollowedFile] {
        guard isAsked(sight) else { return [] }
        let folder = sight.folder
        return shared.withLock { shared in
            shared.files.values.filter { file in
                file.folder == folder && file.identity != sight.status.identity
                    && first.starts(with: file.shown.withLock(\.head))
                    && (file.name == sight.name || RolledName.isCopy(sight.name, of: file.name))
            }
        }
    }

    /// Whether a file has the first bytes of an open one, and the last ones where they stand there. What is
    /// shorter than a fingerprint says too little without dates: two runs of a program begin with the same
    /// banner. One that has its name is left to itself, unless this one may be its roll.
    private func holds(_ content: FileContent, _ sight: Sight, _ file: FollowedFile) -> Bool {
        let before = file.content
        guard before.kind == .plain, let status = FileIdentity.status(of: before.descriptor),
            status.links == 0 || file.name != sight.name,
            status.size > 0, sight.status.size >= status.size,
            status.size >= Int64(Fingerprint.length)
                || shared.withLock({ $0.registry[file.id]?.hasDates }) == true,
            before.firstBytes.starts(with: file.shown.withLock(\.head)),
            content.firstBytes.starts(with: before.firstBytes),
            let tail = before.tail(before: status.size)
        else { return false }
        return content.tail(before: status.size) == tail
    }

    private static func beginsAlike(
        _ content: FileContent, _ before: FileContent, _ size: Int64
    ) -> Bool {
        let head = 0..<min(size, comparedBytes)
        let tail = max(head.upperBound, size - comparedBytes)..<size
        return [head, tail].allSatisfy { range in
            stride(from: range.lowerBound, to: range.upperBound, by: FileContent.blockBytes)
                .allSatisfy { offset in
                    let count = min(FileContent.blockBytes, Int(range.upperBound - offset))
                    return FileContent.read(content.descriptor, at: offset, count: count)
                        == FileContent.read(before.descriptor, at: offset, count: count)
                }
        }
    }

    /// Sources that were read to their ends, stand in this file, too, and had its name or one that is rolled
    /// to it. Their own files are gone, and their stamps tell dates: who writes the same every day writes it
    /// anew.
    func readSources(_ content: FileContent, _ first: [UInt8], _ sight: Sight) -> [SourceRecord] {
        guard isAsked(sight) else { return [] }
        let folder = sight.folder
        let alike = shared.withLock { shared in
            shared.registry.beginning(with: first).filter { record in
                record.isFinished && record.isDetached != true && record.hasDates == true
                    && record.mark != nil && record.identity != sight.status.identity
                    && record.folder == folder
                    && (record.path == sight.path
                        || RolledName.isCopy(sight.name, of: record.name))
            }
        }
        return alike.filter {
            $0.matches(content, first: first)
                && Self.path(of: $0.identity, at: $0.path) == nil
        }
    }
}
