/// Which pattern asks for which file. Folders mostly hold the files of several.
extension Discovery {
    /// One folder that a pattern reaches, and the pattern of names in it.
    struct Place: Hashable {
        let group: Int
        let pattern: String
        /// Only rolled files are looked for here, as in a folder of dates below the one that is named.
        let isOfRolls: Bool

        /// True for what a person asks for by its own name.
        func names(_ name: String) -> Bool {
            !isOfRolls && Glob.matches(pattern, name) && !RolledName.isTemporary(name)
        }

        /// True for what files of the pattern may be rolled to, packed or not.
        func rolls(_ name: String) -> Bool {
            Glob.asks(pattern, name)
        }

        /// What must be taken out of a name, in bytes, to make it the pattern's; nil for no roll of it.
        func takenOut(_ name: String) -> Int? {
            isOfRolls ? nil : RolledName.takenOut(RolledName.unpacked(name), from: pattern)
        }

        /// Whether this one's claim to a file as a roll gives way to another's that names it: `app-error.log`
        /// is no roll of `app-*.log`, nor `app-2.log` one of `app.log`, where a source names them; but who
        /// asks for all the rest, as `*.log` behind `app.log` does, gets no rolls of what is another's.
        func yields(to other: Place, isBefore: Bool) -> Bool {
            other.group == group || isOfRolls || isBefore
                || !Glob.hasWildcard(other.pattern)
        }
    }

    /// Nil for a file that is not for this pattern to judge.
    func sight(_ folder: String, _ name: String, _ place: Place) -> Sight? {
        let path = folder + "/" + name
        guard !isExcluded(path, name, by: place.group) else { return nil }
        let isNamed = place.names(name)
        // Whichever place comes to it first: the file may be made between two looks.
        if isNamed, isNamedBefore(place, folder, name) { return nil }
        let isRolled = !isNamed && place.rolls(name)
        // What nobody asks for is looked at once, by whoever comes first: a known source may stand in it.
        if !isNamed,
            isRolled ? isNamedElsewhere(place, folder, name) : !isLeftTo(place, folder, name)
        {
            return nil
        }
        guard let status = FileIdentity.status(of: path), status.isRegular,
            isNamed || isRolled || isWanted(folder) || hasGrown(status)
        else { return nil }
        return Sight(
            path: path, name: name, group: place.group, isNamed: isNamed, isRolled: isRolled,
            kind: FileContent.Kind(name: name), status: status)
    }

    private func isExcluded(_ path: String, _ name: String, by group: Int) -> Bool {
        groups[group].exclusion.excludes(path, name)
    }

    /// A group in front of this one names the file, too.
    private func isNamedBefore(_ place: Place, _ folder: String, _ name: String) -> Bool {
        guard let all = places[folder], all.count > 1 else { return false }
        return all.prefix { $0.group != place.group }.contains {
            $0.names(name) && !isExcluded(folder + "/" + name, name, by: $0.group)
        }
    }

    /// Another pattern names what is only rolled from this one's files, and has the better claim.
    private func isNamedElsewhere(_ place: Place, _ folder: String, _ name: String) -> Bool {
        guard let all = places[folder], all.count > 1 else { return false }
        let path = folder + "/" + name
        let taken = place.takenOut(name)
        var isBefore = true
        for other in all {
            if other == place {
                isBefore = false
            } else if place.yields(to: other, isBefore: isBefore),
                other.names(name) || isCloser(other, name, than: taken),
                !isExcluded(path, name, by: other.group)
            {
                return true
            }
        }
        return false
    }

    /// `app-2.2026-11-21.log` may be a roll of `app.log`, and more likely is one of `app-2.log`.
    private func isCloser(_ other: Place, _ name: String, than taken: Int?) -> Bool {
        guard let taken, let others = other.takenOut(name) else { return false }
        return others < taken
    }

    /// No pattern asks for this name, and the place is the first that looks into the folder.
    private func isLeftTo(_ place: Place, _ folder: String, _ name: String) -> Bool {
        let path = folder + "/" + name
        guard let all = places[folder],
            all.first(where: { !isExcluded(path, name, by: $0.group) }) == place
        else { return false }
        return !all.contains {
            ($0.names(name) || $0.rolls(name)) && !isExcluded(path, name, by: $0.group)
        }
    }

    /// The group that a file of this path belongs to, the first that asks for it: what stands in it keeps the
    /// labels that it was begun with, whatever it is called by now. Nil when none asks.
    func owner(of path: String) -> Int? {
        let (folder, name) = FollowedFile.split(path)
        let place = places[folder]?.first { place in
            !isExcluded(path, name, by: place.group)
                && (place.names(name)
                    || place.rolls(name) && !isNamedElsewhere(place, folder, name))
        }
        if let place { return place.group }
        // No sweep has come to the folder, or it is gone.
        func first(_ asks: (Glob) -> Bool, in globs: (Group) -> [Glob]) -> Int? {
            groups.indices.first { index in
                !isExcluded(path, name, by: index) && globs(groups[index]).contains(where: asks)
            }
        }
        return first({ $0.names(path) }, in: \.globs)
            ?? first({ $0.names(path) }, in: \.rolledGlobs)
            ?? first({ $0.asksFor(path) }, in: \.globs)
            ?? first({ $0.asksFor(path) }, in: \.rolledGlobs)
            ?? first({ $0.matches(path: path) }, in: \.allGlobs)
    }

    /// The group of a known source: the one that it was begun by, as long as it is there.
    func owner(of record: SourceRecord) -> Int? {
        record.group.flatMap { key in groups.firstIndex { $0.key == key } }
            ?? owner(of: record.path)
    }

    /// The sight of a file in which a known source stands; nil where nobody asks for either. What stands
    /// behind a link that was switched goes by the path that is asked for.
    func sight(_ sight: Sight, of record: SourceRecord) -> Sight? {
        let sight = sight.place == nil ? sight : sight.as(record.path)
        guard let group = owner(of: record) else {
            return sight.isNamed || sight.isRolled ? sight : nil
        }
        return sight.group == group ? sight : sight.of(group)
    }

    /// True where a source may stand in a file that was not known as its own: not in what another group
    /// asks for, unless the name is its own or one for its copies.
    func maySee(_ record: SourceRecord, in sight: Sight) -> Bool {
        guard sight.isNamed || sight.isRolled, let owner = owner(of: record) else {
            return true
        }
        return owner == sight.group || sight.path == record.path
            || RolledName.isCopy(sight.name, of: record.name)
    }
}
