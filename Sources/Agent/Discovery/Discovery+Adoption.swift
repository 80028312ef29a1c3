import Foundation

/// Files that stay open while the configuration changes: one that is deleted and unread has no other
/// name to be found by.
extension Discovery {
    struct Adopted {
        let descriptor: Int32
        let id: String
        let path: String
        let head: [UInt8]
        let order: Int64
    }

    /// Open files, oldest first, for another discovery; those of packed content are found again by
    /// their names. For a time when neither the scanning thread nor the reader runs.
    func handOver() -> [Adopted] {
        shared.withLock { shared in
            shared.files.values.filter { file in
                file.isPlain && file.truncated == nil
                    && shared.registry[file.id]?.spooledFrom == nil
            }.compactMap { file in
                let descriptor = file.duplicate()
                guard descriptor >= 0 else { return nil }
                return Adopted(
                    descriptor: descriptor, id: file.id, path: file.path,
                    head: file.shown.withLock(\.head),
                    order: shared.registry[file.id]?.order ?? 0)
            }.sorted { $0.order < $1.order }
        }
    }

    /// Goes on with open files, behind `learnPlaces` and before `run`. A file that no pattern asks for any
    /// more is let go.
    func adopt(_ files: [Adopted]) {
        for file in files {
            guard let record = shared.withLock({ $0.registry[file.id] }),
                let group = owner(of: record) ?? owner(of: file.path),
                let status = FileIdentity.status(of: file.descriptor)
            else {
                close(file.descriptor)
                leave(file.id)
                continue
            }
            let sight = Sight(
                path: file.path, name: FollowedFile.split(file.path).name, group: group,
                isNamed: true, isRolled: false, kind: .plain, status: status)
            follow(file.descriptor, record, sight, file.head)
            watchTarget(of: file.path)
        }
    }

    /// Not followed until somebody asks for it again; what is read of it stays known.
    func leave(_ id: String) {
        shared.withLock { shared in
            shared.registry[id]?.isFinished = true
            shared.registry[id]?.isLeft = true
            shared.registry[id]?.touched = Int64(Date().timeIntervalSince1970)
            shared.isRegistryDirty = true
            shared.isWantedStale = true
        }
    }
}
