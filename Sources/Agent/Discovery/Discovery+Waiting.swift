import Foundation

/// Files for which there is no descriptor: told as long as it is so, and as lost when they are deleted before
/// their turn has come.
extension Discovery {
    func noteWaiting(_ sight: Sight) {
        waiting += 1
        guard waitingFiles.count < Self.maxRemembered else { return }
        waitingFiles[sight.status.identity] = sight
        guard !isLimitTold else { return }
        isLimitTold = true
        logger.warning(
            """
            files wait to be read: as many are open as this process may have open; raise its limit \
            (LimitNOFILE, ulimit -n), as what is deleted while it waits is lost
            """,
            metadata: ["path": "\(sight.path)", "open files": "\(maxOpenFiles)"])
    }

    /// Behind a sweep: tells which of those that waited before it are gone.
    func tellGone(_ before: [FileIdentity: Sight]) {
        if waitingFiles.isEmpty { isLimitTold = false }
        for (identity, sight) in before where waitingFiles[identity] == nil {
            let isKnown = shared.withLock {
                $0.following[identity] != nil || $0.registry.source(of: identity) != nil
            }
            guard !isKnown, held[identity] == nil,
                FileIdentity.status(of: sight.path)?.identity != identity,
                !hasPackedCopy(sight)
            else { continue }
            reportLost(
                sight.path, source: nil, from: 0, bytes: sight.status.size, isEndKnown: true,
                why: "it was deleted while as many files were open as may be (LimitNOFILE)")
        }
    }

    /// What was packed meanwhile is read from there.
    private func hasPackedCopy(_ sight: Sight) -> Bool {
        (Glob.names(sight.folder) ?? []).contains {
            let plain = RolledName.unpacked($0)
            return plain != $0 && (plain == sight.name || RolledName.isCopy(plain, of: sight.name))
        }
    }
}
