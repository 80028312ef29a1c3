import Foundation

/// Files whose names are no UTF-8: paths are text here, and such a name is none, so they are not
/// followed. Who runs the agent is told, as nobody would look for them.
extension Discovery {
    /// News of such a name come with U+FFFD in it: a sweep shows its bytes.
    func noteUnnameable(_ folder: String, _ name: String) {
        guard name.unicodeScalars.contains("\u{FFFD}"),
            newsOfUnnameable.count < Self.maxRemembered,
            newsOfUnnameable.insert(folder + "/" + name).inserted
        else { return }
        needsSweep = true
    }

    /// `paths`: all that a sweep found.
    func tellUnnameable(_ paths: Set<String>) {
        guard paths != unnameable else { return }
        for path in paths.subtracting(unnameable).sorted().prefix(Self.mostTold) {
            logger.warning(
                """
                not followed: the name is no UTF-8. Rename the file, or let the application write \
                under a name in UTF-8 (-Dsun.jnu.encoding=UTF-8, LC_ALL=C.UTF-8)
                """, metadata: ["path": "\(path)"])
        }
        unnameable = paths
        metrics.update { $0.unnameable = Array(paths.sorted().prefix(Self.mostTold)) }
    }

    /// Names that are told, at a time: more say nothing new.
    private static let mostTold = 100
}
