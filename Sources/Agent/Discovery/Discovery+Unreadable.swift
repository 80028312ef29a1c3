import Foundation

/// Files and folders that patterns name and this user may not read: told once for each, and in the
/// status as long as they are so.
extension Discovery {
    /// Paths that are told, at a time: more say nothing new.
    private static let mostTold = 100

    /// `error`: an `errno`; nil when it can be read.
    func noteReadable(_ path: String, _ error: Int32?) {
        // Gone since the look: nothing to tell.
        let reason = error == ENOENT ? nil : error
        guard unreadable[path] != reason else { return }
        if unreadable.count >= Self.maxRemembered { unreadable = [:] }
        unreadable[path] = reason
        isUnreadableNew = true
        guard let reason, unreadable.count <= Self.mostTold else { return }
        let text = String(cString: strerror(reason))
        logger.error(
            "cannot be read: give the agent's user, or one of its groups, the right",
            metadata: ["path": "\(path)", "reason": "\(text)"])
        metrics.update { $0.lastError = "opening \(path): \(text)" }
    }

    /// At the end of a look.
    func publishUnreadable() {
        guard isUnreadableNew else { return }
        isUnreadableNew = false
        let first = unreadable.sorted { $0.key < $1.key }.prefix(Self.mostTold)
        let told = Dictionary(
            uniqueKeysWithValues: first.map { ($0.key, String(cString: strerror($0.value))) })
        metrics.update { $0.unreadable = told }
    }

    /// After a sweep: what is gone is no trouble any more.
    func forgetUnreadable() {
        for path in unreadable.keys
        where access(path, F_OK) != 0 && [ENOENT, ENOTDIR].contains(errno) {
            noteReadable(path, nil)
        }
    }
}
