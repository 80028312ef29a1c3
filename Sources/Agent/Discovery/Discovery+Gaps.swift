import Foundation

/// Rolls that came and went while no agent was there to see them: their numbers are missing between the
/// last one that was seen and the first one that is left.
extension Discovery {
    /// Remembers the newest rolled name of each family, and, until gaps are told, all names.
    func noteRoll(_ sight: Sight) {
        guard sight.isRolled || sight.isNamed, let number = RolledName.Numbered(sight.name),
            !RolledName.isTemporary(sight.name)
        else { return }
        if rollTimes.count < Self.maxRemembered { rollTimes[sight.path] = sight.status.modified }
        let family = sight.folder + "/" + number.family
        if !areGapsTold, rollsBefore[family] != nil {
            rollsFound[family, default: []].append(sight.name)
        }
        shared.withLock { shared in
            let before = shared.registry.rolls[family].flatMap { RolledName.Numbered($0) }
            if let before, !(before < number) { return }
            shared.registry.setRoll(sight.name, of: family)
            shared.isRegistryDirty = true
        }
    }

    /// Notes rolls that are missing. The first of them is the file that was active when the agent
    /// stopped: it is known, and looked for by itself.
    func tellGaps() {
        for (family, last) in rollsBefore {
            guard let last = RolledName.Numbered(last) else { continue }
            let found = Set((rollsFound[family] ?? []).compactMap { RolledName.Numbered($0) })
            let later = found.filter { last < $0 }
            guard let first = later.min() else { continue }
            let known = shared.withLock { shared in
                shared.registry.sources.values.contains {
                    $0.family == RolledName.family(of: family) && $0.touched <= began
                }
            }
            let isSameDate = first.date == last.date
            let start = isSameDate ? last.number + 1 : 0
            for number in start..<max(start, min(first.number, start + Self.mostGaps)) {
                // The active file took the first number after the last roll.
                if known, isSameDate, number == start { continue }
                let name = first.name(number: number)
                reportLost(
                    FollowedFile.split(family).folder + "/" + name, source: nil, from: 0,
                    bytes: nil, isEndKnown: false,
                    why: "rolled and deleted while the agent was away")
            }
        }
        rollsFound = [:]
    }

    /// Missing rolls of one family that are told one by one.
    private static let mostGaps = 10_000

    /// A rolled file that is gone tells how long such files live: until the policy that deletes them
    /// changes, others will live as long.
    func noteDeletion(_ path: String) {
        guard let modified = rollTimes[path], FileIdentity.status(of: path) == nil else { return }
        rollTimes[path] = nil
        // Packed, not deleted.
        for suffix in [".gz", ".zip"] where FileIdentity.status(of: path + suffix) != nil { return }
        let (folder, name) = FollowedFile.split(path)
        let family = folder + "/" + RolledName.root(of: name)
        let seconds = Date().timeIntervalSince1970 - Double(modified)
        shared.withLock { $0.lifetimes[family] = max(0, seconds) }
    }
}
