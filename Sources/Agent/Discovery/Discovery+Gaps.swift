import Foundation

/// Rolls that came and went while no agent was there to see them: their numbers are missing between the
/// last one that was seen and the first one that is left.
extension Discovery {
    /// Remembers the newest rolled name of each family, and, until gaps are told, all names.
    func noteRoll(_ sight: Sight) {
        let number = Self.rollNumber(sight.name)
        // A pattern may name rolled files, too; of thousands nobody looks at each name for nothing.
        let isRoll =
            sight.isRolled || number != nil
            || groups[sight.group].retention != nil
                && RolledName.root(of: sight.name) != sight.name
        if isRoll, !RolledName.isTemporary(sight.name) { noteTempo(sight) }
        guard let number else { return }
        let family = sight.folder + "/" + number.family
        let name = RolledName.settled(sight.name)
        // Until gaps are told, the roll that they begin behind is what a restart must know.
        let isGapOpen = !areGapsTold && rollsBefore[family] != nil
        if isGapOpen { rollsFound[family, default: []].insert(name) }
        shared.withLock { shared in
            let root = RolledName.family(of: family)
            let newest = shared.newestRoll[root].flatMap { RolledName.Numbered($0) }
            let before = newest.flatMap { $0.family == number.family ? $0 : nil }
            if let before, !(before < number) { return }
            shared.newestRoll[root] = name
            if !isGapOpen {
                shared.registry.setRoll(name, of: family)
                shared.isRegistryDirty = true
            }
            // Without a `<file>` the one before keeps its name, and is written to no more.
            if let before {
                for suffix in ["", ".gz", ".zip"] {
                    shared.noteEnds(
                        of: sight.folder + "/" + before.name(number: before.number) + suffix)
                }
            }
        }
    }

    /// The number in a rolled name. A temporary name tells it too, unless its own digits follow it
    /// without anything between them.
    static func rollNumber(_ name: String) -> RolledName.Numbered? {
        let settled = RolledName.settled(name)
        if settled != name, settled.last.map({ ".-_".contains($0) }) ?? true { return nil }
        return RolledName.Numbered(settled)
    }

    /// Notes rolls that are missing: neither there nor known as sources, which are looked for by
    /// themselves.
    func tellGaps() {
        for (family, last) in rollsBefore {
            guard let last = RolledName.Numbered(last) else { continue }
            let names = rollsFound[family] ?? []
            let found = Set(names.compactMap { RolledName.Numbered($0) })
            defer { goOn(family, behind: names) }
            let later = found.filter { last < $0 }
            guard let first = later.min() else { continue }
            let packing = found.first { !$0.packing.isEmpty }?.packing ?? ""
            let known = knownNumbers(RolledName.family(of: family), date: first.date)
            let start = first.date == last.date ? last.number + 1 : 0
            for number in start..<max(start, min(first.number, start + Self.mostGaps))
            where !known.contains(number) {
                reportLost(
                    FollowedFile.split(family).folder + "/" + first.name(number: number)
                        + packing,
                    source: nil, from: 0, bytes: nil, isEndKnown: false,
                    why: "rolled and deleted while the agent was away")
            }
        }
        rollsFound = [:]
    }

    /// The gap is told: the next one begins behind the newest roll.
    private func goOn(_ family: String, behind names: Set<String>) {
        let rolls = names.compactMap { name in RolledName.Numbered(name).map { (name, $0) } }
        guard let newest = rolls.max(by: { $0.1 < $1.1 })?.0 else { return }
        shared.withLock { shared in
            shared.registry.setRoll(newest, of: family)
            shared.isRegistryDirty = true
        }
    }

    /// Numbers of a date that sources have, or took when they were rolled: the
    /// next one after the roll before; the first of its date when they began in it. A source may be
    /// found before the roll of the one that stood under its name is: it comes behind that one.
    private func knownNumbers(_ family: String, date: String) -> Set<Int> {
        let digits = date.filter(\.isNumber)
        return shared.withLock { shared in
            var numbers: Set<Int> = []
            var last = -1
            let records = shared.registry.sources.values.filter { $0.family == family }
            for record in records.sorted(by: { ($0.order ?? 0) < ($1.order ?? 0) }) {
                if let own = Self.rollNumber(record.name) {
                    if own.date == date { numbers.insert(own.number) }
                    continue
                }
                let before = record.rollBefore.flatMap { RolledName.Numbered($0) }
                let birth = Self.digits(of: record.identity.birth, count: digits.count)
                if let before, before.date == date {
                    last = max(last, before.number) + 1
                } else if birth == digits {
                    last += 1
                } else {
                    if birth > digits { numbers.insert(0) }
                    continue
                }
                numbers.insert(last)
            }
            return numbers
        }
    }

    /// The local date and time of so many nanoseconds since the epoch, as digits from the year on.
    private static func digits(of nanoseconds: Int64, count: Int) -> String {
        var seconds = time_t(nanoseconds / 1_000_000_000)
        var parts = tm()
        localtime_r(&seconds, &parts)
        let text = String(
            format: "%04d%02d%02d%02d%02d%02d", parts.tm_year + 1900, parts.tm_mon + 1,
            parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec)
        return String(text.prefix(count))
    }

    /// What is to be said of a source that is gone. Where no numbers tell what else is, the range of
    /// files does: up to the oldest one that is left.
    func whyGone(_ record: SourceRecord, _ isEndKnown: Bool) -> String {
        if record.isDetached == true { return "truncated, and its rest is in no copy" }
        let why = "gone when the agent came back"
        let left = shared.withLock { shared -> [SourceRecord]? in
            guard !isEndKnown, shared.newestRoll[record.family] == nil else { return nil }
            let root = RolledName.root(of: record.name)
            return shared.registry.sources.values.filter {
                $0.order ?? 0 > orderBefore && RolledName.root(of: $0.name) == root
                    && ($0.folder == record.folder || $0.folder.hasPrefix(record.folder + "/"))
            }
        }
        guard let left else { return why }
        let rolled = left.filter { $0.name != record.name }
        let oldest = rolled.min { RolledName.Rank($0.name) < RolledName.Rank($1.name) }
        let next = (oldest ?? left.min { $0.order ?? 0 < $1.order ?? 0 })?.path
        return why + ", with whatever was rolled between it and \(next ?? "now")"
    }

    /// Missing rolls of one family that are told one by one.
    private static let mostGaps = 10_000
}
