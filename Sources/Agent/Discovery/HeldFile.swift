import Foundation

/// A file that may be a copy of one which is followed: its descriptor is held, and nothing is read,
/// until its content tells. Owned by discovery.
final class HeldFile {
    let descriptor: Int32
    let sight: Discovery.Sight
    /// The size of the original when the file was first seen. A copy becomes as long; a file that is
    /// shorter, and than a fingerprint too, only began with the same line.
    let originalSize: Int64
    var size: Int64
    /// Seconds since the epoch of the last growth.
    var grown: Double

    init(_ descriptor: Int32, _ sight: Discovery.Sight, originalSize: Int64, now: Double) {
        self.descriptor = descriptor
        self.sight = sight
        self.originalSize = originalSize
        size = sight.status.size
        grown = now
    }
}

/// Copies, as copytruncate makes them: a copy that the pattern matches must not be read as a source.
///
/// A file is taken for a copy when its name may be one of the original's rolled names, it is younger,
/// not longer, and its first and last bytes are the original's, which still stands under
/// its own name. When the original is truncated the copy is looked at again, for the unread rest; it is
/// held until the reader finds the truncation out, however long it waits for the server: by then the
/// copy may have no name any more. On another disk than the original's every roll is such a copy.
extension Discovery {
    /// A file that does not grow for so long is no copy in the making, in seconds.
    private static let copyQuiet = 2.0

    func hold(_ descriptor: Int32, _ sight: Sight, _ original: FollowedFile) {
        held[sight.status.identity] = HeldFile(
            descriptor, sight, originalSize: original.shown.withLock(\.size),
            now: Date().timeIntervalSince1970)
    }

    /// The open file that this one looks like a copy of.
    func original(of content: FileContent, _ first: [UInt8], _ sight: Sight) -> FollowedFile? {
        let birth = sight.status.identity.birth
        let folder = sight.folder
        let names = shared.withLock { shared in
            Set(
                shared.files.values.lazy.filter { file in
                    let head = file.shown.withLock(\.head)
                    return file.folder == folder
                        && (head.starts(with: first) || first.starts(with: head))
                }.map(\.name))
        }
        let stood = sight.place.map { FollowedFile.split($0).folder } ?? folder
        // Thousands may have stood under one name: the one that does now.
        for name in names where RolledName.isCopy(sight.name, of: name) {
            let path = folder + "/" + name
            guard let identity = FileIdentity.status(of: stood + "/" + name)?.identity,
                identity.birth < birth || birth == 0,
                let file = shared.withLock({ $0.following[identity] }), file.path == path,
                file.isPlain, Self.isAlike(content, sight.status.size, first, file)
            else { continue }
            return file
        }
        return movedOriginal(content, first, sight)
    }

    /// The open file of another disk that this one looks like a copy of: nothing is renamed across
    /// disks, so what is rolled there is copied and then deleted. It may have no name any more.
    private func movedOriginal(
        _ content: FileContent, _ first: [UInt8], _ sight: Sight
    ) -> FollowedFile? {
        let (plain, spooled) = shared.withLock { shared in
            let moved = shared.files.values.filter { file in
                file.identity.device != sight.status.identity.device
                    && RolledName.isCopy(sight.name, of: file.name)
            }
            // Of these the spool has all that is unread.
            let spooled = moved.filter { file in
                guard let record = shared.registry[file.id], record.spooledFrom != nil else {
                    return false
                }
                return record.fingerprint.count > 0 && record.fingerprint.matches(first)
            }
            return (moved.filter(\.isPlain), spooled)
        }
        return plain.first { Self.isAlike(content, sight.status.size, first, $0) } ?? spooled.first
    }

    /// The source that was read to its end and stood on another disk, of which this file is a copy, or
    /// becomes one: it is looked at again when it grows.
    func movedSource(_ content: FileContent, _ first: [UInt8], _ sight: Sight) -> String? {
        shared.withLock { shared in
            shared.registry.beginning(with: first).first { record in
                let isPart =
                    record.fingerprint.count == Fingerprint.length
                    && sight.status.size < record.offset
                return record.isFinished
                    && record.identity.device != sight.status.identity.device
                    && record.fingerprint.count > 0 && record.offset >= sight.status.size
                    && RolledName.isCopy(sight.name, of: record.name)
                    && (isPart || record.matches(content, first: first))
            }?.id
        }
    }

    /// Truncated, which the reader has yet to find out.
    private static func isTruncated(_ file: FollowedFile) -> Bool {
        !file.content.firstBytes.starts(with: file.shown.withLock(\.head))
    }

    /// True when the first bytes are those of the original, and the last ones what stands there in it, or may
    /// be: files of one application mostly begin with the same lines.
    private static func isAlike(
        _ content: FileContent, _ size: Int64, _ first: [UInt8], _ file: FollowedFile
    ) -> Bool {
        let shown = file.shown.withLock { $0 }
        let current = file.content.firstBytes
        guard current.starts(with: shown.head) else {
            // Truncated: then the rest is looked for here.
            return !shown.head.isEmpty
                && (first.starts(with: shown.head) || shown.head.starts(with: first))
        }
        let originalSize = max(
            shown.size, FileIdentity.status(of: file.content.descriptor)?.size ?? 0)
        guard originalSize > 0, size <= originalSize, current.starts(with: first) else {
            return false
        }
        guard let tail = content.tail(before: size), file.content.tail(before: size) != tail else {
            return true
        }
        // Just now the original may have been truncated.
        return isTruncated(file)
            || FileIdentity.status(of: file.content.descriptor)?.size ?? 0 < size
    }

    /// The source, truncated in place, that this file is a copy of: as long as what was read of it, or
    /// from an earlier time.
    func sourceOfCopy(_ content: FileContent, _ first: [UInt8], _ sight: Sight) -> String? {
        truncatedSources(sight, first).first { record in
            let isEarlier =
                record.fingerprint.count == Fingerprint.length
                && sight.status.size <= record.mark?.offset ?? 0
            return isEarlier || record.matches(content, first: first)
        }?.id
    }

    /// Sources that were truncated in place, begin like this file, and may have left a copy under its
    /// name.
    func truncatedSources(_ sight: Sight, _ first: [UInt8]) -> [SourceRecord] {
        shared.withLock { shared in
            shared.registry.detached.filter {
                $0.fingerprint.count > 0
                    && RolledName.isCopy(sight.name, of: $0.name) && $0.fingerprint.matches(first)
            }
        }
    }

    /// Looks again at what is held: a file that differs is a source, one that stays alike a copy.
    func judgeHeld() {
        let now = Date().timeIntervalSince1970
        for (identity, file) in held {
            guard let status = FileIdentity.status(of: file.descriptor) else { continue }
            if status.size != file.size {
                file.size = status.size
                file.grown = now
            }
            let sight = Sight(
                path: file.sight.path, name: file.sight.name, group: file.sight.group,
                isNamed: file.sight.isNamed, isRolled: file.sight.isRolled, kind: .plain,
                status: status, place: file.sight.place)
            let content = FileContent(descriptor: file.descriptor, kind: .plain)
            let first = content.firstBytes
            let original = original(of: content, first, sight)
            let isAlike = original != nil
            let isQuiet = now - file.grown > Self.copyQuiet * patience
            if let original, !isQuiet || original.isPlain && Self.isTruncated(original) {
                continue
            }
            let isLong = status.size >= min(file.originalSize, Int64(Fingerprint.length))
            if isAlike, status.size > 0, isLong {
                judge(sight)
                close(file.descriptor)
            } else if !settle(file.descriptor, sight, content, first) {
                continue
            }
            held[identity] = nil
        }
    }
}
