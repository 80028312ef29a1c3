import Foundation

/// Files that are replaced by longer copies of themselves: rsync writes what it fetches into another file,
/// and gives that the name. The new file goes on where the one before was read to.
extension Discovery {
    /// Somebody may still write to a file that has no name any more: then the new one is no copy of it.
    /// So long, in seconds, nobody must.
    private static let replacedQuiet = 2.0
    /// Of both ends of a file so many bytes are compared, at most: that takes a few milliseconds.
    private static let comparedBytes: Int64 = 8 << 20
    private static let lookAgainAfter = 0.2

    /// Goes on in this file with the open source that it replaces. False when it replaces none; true, and
    /// it will be looked at again, while that is not sure.
    func takesPlace(
        _ descriptor: Int32, _ sight: Sight, _ content: FileContent, _ first: [UInt8]
    ) -> Bool {
        let named = shared.withLock { $0.openFiles(of: sight.path) }
        guard sight.isNamed,
            let before = named.first(where: { mayReplace(content, sight.status.size, $0) })
        else { return false }
        let wall = Date().timeIntervalSince1970
        // What grows on differs from its copy at the next look.
        let since = replaced[before.id] ?? wall
        replaced[before.id] = since
        guard wall - since > Self.replacedQuiet * patience else {
            rechecks[sight.path] = wall + Self.lookAgainAfter
            close(descriptor)
            return true
        }
        replaced[before.id] = nil
        guard let size = FileIdentity.status(of: before.content.descriptor)?.size,
            Self.beginsAlike(content, before.content, size)
        else { return false }
        let known = shared.withLock { shared -> SourceRecord? in
            guard shared.files[before.id] === before, let record = shared.registry[before.id] else {
                return nil
            }
            return record
        }
        guard var record = known, let sight = self.sight(sight, of: record) else { return false }
        // It has a name again, and may grow.
        record.isRolled = nil
        shared.withLock { shared in
            shared.leaveFile(before)
            shared.truncated.insert(before.id)
        }
        follow(descriptor, record, sight, first)
        return true
    }

    /// True while the name of an open file that was deleted belongs to one that is, or will be, followed in
    /// its place.
    func isReplaced(_ file: FollowedFile) -> Bool {
        guard let status = FileIdentity.status(of: file.path), status.isRegular,
            status.identity != file.identity
        else { return false }
        if let other = shared.withLock({ $0.following[status.identity] }) {
            return other.id == file.id
        }
        let descriptor = Foundation.open(file.path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        let content = FileContent(descriptor: descriptor, kind: .plain)
        return mayReplace(content, status.size, file)
    }

    /// A deleted file's first bytes, and the last ones where they stood in it. What is shorter than a
    /// fingerprint says too little without stamps: two runs of a program begin with the same banner.
    private func mayReplace(
        _ content: FileContent, _ size: Int64, _ file: FollowedFile
    ) -> Bool {
        let before = file.content
        guard before.kind == .plain, let status = FileIdentity.status(of: before.descriptor),
            status.links == 0, status.size > 0, size >= status.size,
            status.size >= Int64(Fingerprint.length)
                || shared.withLock({ $0.registry[file.id]?.hasHeaders }) == true,
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
}
