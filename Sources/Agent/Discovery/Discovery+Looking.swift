import Foundation

/// When to look where: at names that the kernel tells of, at files whose time has come, and now and
/// then at everything.
extension Discovery {
    /// How often everything is looked at, in seconds, where the kernel tells what happens and where it
    /// does not.
    private static let sweepEvery = 10.0
    private static let blindSweepEvery = 0.03
    /// A sweep may take one part in so many of the time: of a core, then.
    private static let sweepShare = 20.0
    /// News are gathered so long, in microseconds: a file that rolls at once is still there then.
    private static let gatherMicroseconds: UInt32 = 20_000
    /// The longest rest, in milliseconds: a stop is noticed by then.
    private static let longestRest = 200.0
    /// How often losses, copies and packed files are looked after, in seconds.
    private static let careEvery = 0.03

    /// Looks until it is told to stop.
    func run(until stop: StopFlag) {
        learnPlaces()
        openSpool()
        while !stop.isSet {
            let wall = Date().timeIntervalSince1970
            look(wall)
            watch.wait(milliseconds: Int32(rest(wall)))
            usleep(Self.gatherMicroseconds)
        }
        packedLooks.stop()
        for file in held.values { close(file.descriptor) }
        held = [:]
    }

    /// Finds out which pattern looks where, before a first look: who owns a file depends on all of them.
    func learnPlaces() {
        _ = reach { _ in
        } unnameable: { _ in
        }
    }

    /// Milliseconds until something is due without news.
    private func rest(_ wall: Double) -> Double {
        var next = needsSweep ? wall + Self.careEvery : nextSweep
        if !held.isEmpty || packedLooks.isBusy { next = min(next, wall + Self.careEvery) }
        for recheck in rechecks.values { next = min(next, recheck.due) }
        return max(0, min(Self.longestRest, (next - wall) * 1000))
    }

    private func look(_ wall: Double) {
        let news = takeNews()
        if refreshWanted() { needsSweep = true }
        if waiting > 0, wall - lastSweep > 0.2 { needsSweep = true }
        // However much happens, sweeps leave most of the time to others.
        let isRested = wall - lastSweep >= Self.sweepShare * sweepSeconds
        if wall >= nextSweep || needsSweep && isRested {
            sweep(wall)
        } else {
            for (folder, names) in news { look(folder, names) }
            lookAgain(wall)
        }
        takePackedLooks()
        judgeHeld()
        giveUpLost(wall)
        publishUnreadable()
        shared.withLock { $0.waiting = waiting }
    }

    /// Names by folder that are to be looked at.
    private func takeNews() -> [String: Set<String>] {
        var names: [String: Set<String>] = [:]
        var moved: Set<String> = []
        for news in watch.news() {
            switch news {
            case .name(let folder, let name):
                names[folder, default: []].insert(name)
                moved.insert(folder + "/" + name)
                noteDeletion(folder + "/" + name)
                noteUnnameable(folder, name)
            case .growth(let folder, let name): names[folder, default: []].insert(name)
            case .folders: needsSweep = true
            case .overflow:
                needsSweep = true
                tellOverflow()
            }
        }
        for folder in names.keys {
            for link in links[folder] ?? [] {
                let (folder, name) = FollowedFile.split(link)
                names[folder, default: []].insert(name)
            }
        }
        // Whatever had such a name may be gone from it.
        if !moved.isEmpty { shared.withLock { $0.hint(paths: moved) } }
        return names
    }

    private func tellOverflow() {
        metrics.update { $0.watchOverflows += 1 }
        guard !isOverflowTold else { return }
        isOverflowTold = true
        logger.warning(
            """
            more happened than the kernel's queue of news holds: all folders are swept; raise \
            fs.inotify.max_queued_events if this comes often
            """)
    }

    /// What is wanted, and the epoch, as they are now. True when there is more to find than before.
    private func refreshWanted() -> Bool {
        shared.withLock { shared in
            guard shared.isWantedStale || shared.epoch != epoch else { return false }
            let isNewEpoch = shared.epoch != epoch
            epoch = shared.epoch
            shared.isWantedStale = false
            let before = Set(wanted.values.joined().map(\.id))
            let missing = shared.registry.unfinished { shared.files[$0] != nil }
                .filter { $0.spooledFrom == nil }
            wanted = Dictionary(grouping: missing, by: \.folder)
            return isNewEpoch || missing.contains { !before.contains($0.id) }
        }
    }

    /// One look at everything.
    func sweep(_ wall: Double) {
        let before = Self.threadSeconds
        needsSweep = false
        let waited = waitingFiles
        (waiting, waitingFiles) = (0, [:])
        lastSweep = wall
        // Forgetting costs another look at each file, no more.
        if judged.count > Self.maxRemembered { judged = [:] }
        if later.count > Self.maxRemembered { later = [:] }
        if rechecks.count > Self.maxRemembered { rechecks = [:] }
        shared.withLock { shared in
            shared.replaced = shared.replaced.filter { shared.files[$0.key] != nil }
        }
        unseen = shared.withLock { Set($0.following.keys) }
        var reached: Set<String> = []
        var unnameable: Set<String> = []
        forgetLinks()
        let found = reach {
            reached.formUnion(watchWay(to: $0))
        } unnameable: {
            if unnameable.count < Self.maxRemembered { unnameable.insert($0) }
        }
        lookBehindLinks()
        // Whether a name is asked for depends on all patterns.
        for (folder, names, place) in found { look(folder, names, place) }
        tellGone(waited)
        watch.keep(reached.union(links.keys))
        tellUnnameable(unnameable)
        forgetUnreadable()
        // The kernel does not tell of a file that lost its name before its folder was watched.
        shared.withLock { shared in
            for identity in unseen {
                if let file = shared.following[identity] { shared.hints.insert(file.id) }
            }
        }
        if !unseen.isEmpty { wakeup.ring() }
        unseen = []
        sweepSeconds = Self.threadSeconds - before
        let end = Date().timeIntervalSince1970
        // Who is swept all the time has as long a rest as a look took: it may be somebody else's disk.
        let every =
            watch.blind.isEmpty ? Self.sweepEvery : max(Self.blindSweepEvery, end - wall)
        nextSweep = end + max(every * min(1, patience), Self.sweepShare * sweepSeconds)
        let (watched, blind) = (watch.count, watch.blind.count)
        shared.withLock { $0.isBlind = blind > 0 }
        metrics.update { metrics in
            metrics.watchedFolders = watched
            metrics.unwatchedFolders = blind
            metrics.sweepSeconds += sweepSeconds
        }
    }

    /// Every folder that a pattern reaches, with what stands in it; `places` has the patterns. Calls `enter`
    /// with each folder on the way before its names are read.
    private func reach(
        enter: (String) -> Void, unnameable: (String) -> Void
    ) -> [(folder: String, names: [String], place: Place)] {
        places = [:]
        var found: [(folder: String, names: [String], place: Place)] = []
        for (index, group) in groups.enumerated() {
            for (glob, isOfRolls) in group.globs.map({ ($0, false) })
                + group.rolledGlobs.map({ ($0, true) })
            {
                glob.forEachFolder(enter: enter, unnameable: unnameable) {
                    folder, names, pattern, isDated in
                    let place = Place(
                        group: index, pattern: pattern, isOfRolls: isOfRolls || isDated)
                    guard !places[folder, default: []].contains(place) else { return }
                    places[folder, default: []].append(place)
                    found.append((folder, names, place))
                }
            }
        }
        // Of links to files news come from where these stand.
        let folders = Set(places.keys).union(links.keys)
        let identities = folders.compactMap { FileIdentity.status(of: $0)?.identity }
        shared.withLock { $0.reached = Set(identities) }
        return found
    }

    /// What this thread has had of a core: on a busy machine a look takes long and costs no more.
    private static var threadSeconds: Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// Watches a folder, or, where it is not there yet, the one that it will come in. The folders that
    /// are watched for it.
    private func watchWay(to folder: String) -> [String] {
        noteBlindness(folder, watch.watch(folder))
        let isFolder = FileIdentity.isFolder(folder)
        let error = isFolder == nil ? errno : 0
        if error == EACCES { noteReadable(folder, error) }
        guard error != 0 else {
            // A pattern of folders may mean files, too.
            if isFolder == true {
                noteReadable(folder, access(folder, R_OK | X_OK) == 0 ? nil : errno)
            }
            // A link on the way may come to lead elsewhere.
            let links = FileIdentity.links(on: folder).map { FollowedFile.split($0).folder }
            for parent in links { watch.watchForFolders(parent.isEmpty ? "/" : parent) }
            return [folder] + links.map { $0.isEmpty ? "/" : $0 }
        }
        var above = folder
        while access(above, F_OK) != 0, above.count > 1 {
            let parent = FollowedFile.split(above).folder
            above = parent.isEmpty ? "/" : parent
        }
        watch.watchForFolders(above)
        // It may have come before there was a watch.
        let next = folder.dropFirst(above.count).drop { $0 == "/" }.prefix { $0 != "/" }
        if access(above + "/" + next, F_OK) == 0 { needsSweep = true }
        return [folder, above]
    }

    /// Watches what a link leads to: news of it come under another name.
    func watchTarget(of path: String) {
        guard (try? FileManager.default.destinationOfSymbolicLink(atPath: path)) != nil else {
            return
        }
        let (folder, _) = FollowedFile.split(Self.target(of: path))
        noteBlindness(folder, watch.watch(folder))
        links[folder, default: []].insert(path)
    }

    private func noteBlindness(_ folder: String, _ reason: FolderWatch.Blindness?) {
        guard let reason, told.insert(reason).inserted else { return }
        logger.warning(
            "folders that cannot be watched are swept instead, which costs more",
            metadata: ["folder": "\(folder)", "reason": "\(reason)"])
    }

    private func look(_ folder: String, _ names: Set<String>) {
        for place in places[folder] ?? [] { look(folder, Array(names), place) }
    }

    private func look(_ folder: String, _ names: [String], _ place: Place) {
        let sights = names.compactMap { sight(folder, $0, place) }
        // Rolled files before those that came after them, and originals before copies.
        for sight in sights.count > 1 ? Self.inOrder(sights) : sights { consider(sight) }
    }

    /// Files that could not be judged at their last look.
    private func lookAgain(_ wall: Double) {
        guard !rechecks.isEmpty else { return }
        for (path, recheck) in rechecks where recheck.due <= wall {
            rechecks[path] = nil
            guard recheck.sight.place != nil else {
                let (folder, name) = FollowedFile.split(path)
                look(folder, [name])
                continue
            }
            guard let status = FileIdentity.status(of: path), status.isRegular else { continue }
            consider(recheck.sight.as(status))
        }
    }

    /// Looks at a file again at a moment, in seconds since the epoch.
    func recheck(_ sight: Sight, at due: Double) {
        rechecks[sight.place ?? sight.path] = Recheck(due: due, sight: sight)
    }

    struct Recheck {
        let due: Double
        let sight: Sight
    }

    /// Oldest first: packed files by what their names say, plain ones by their births, which a rename
    /// keeps; a copy is younger than its original.
    static func inOrder(_ sights: [Sight]) -> [Sight] {
        let packed = sights.filter { $0.kind != .plain }.map { ($0, RolledName.Rank($0.name)) }
        let plain = sights.filter { $0.kind == .plain }
        return packed.sorted { $0.1 < $1.1 }.map(\.0)
            + plain.sorted {
                ($0.status.identity.birth, $0.name) < ($1.status.identity.birth, $1.name)
            }
    }

    /// Something is looked for in this folder, or in the one above a folder of dates.
    func isWanted(_ folder: String) -> Bool {
        wanted.keys.contains { folder == $0 || folder.hasPrefix($0 + "/") }
    }

    /// True for a file under a new name that somebody still writes to.
    func hasGrown(_ status: FileIdentity.Status) -> Bool {
        shared.withLock { shared in
            shared.following[status.identity] != nil
                || shared.registry.source(of: status.identity).map { status.size > $0.offset }
                    ?? false
        }
    }

    func consider(_ sight: Sight) {
        let identity = sight.status.identity
        guard held[identity] == nil else { return }
        let isOpen = shared.withLock { shared in
            guard let file = shared.following[identity] else { return false }
            shared.learnHead(of: file)
            if sight.status.size != file.shown.withLock(\.size) || sight.path != file.path {
                shared.hints.insert(file.id)
            }
            return true
        }
        unseen.remove(identity)
        if sight.isRolled || sight.isNamed { noteRoll(sight) }
        if isOpen {
            wakeup.ring()
            return
        }
        sight.kind == .plain ? considerPlain(sight) : considerPacked(sight)
    }
}
