import Foundation

/// Files that paths lead to over links, as `current/logs/app.log` does to those of the latest release.
extension Discovery {
    /// What was born so many seconds ago, and is not known, was never seen: sources are remembered longer.
    private static let newSeconds = 6 * 86_400.0

    /// Goes on with sources whose path leads elsewhere by now: the file of the release before stands where it
    /// stood, under its name or another one, packed or not; and what was begun beside it since is a source
    /// of its own.
    func lookBehindLinks() {
        let open = shared.withLock { shared in shared.files.keys.compactMap { shared.registry[$0] }
        }
        let records = (wanted.values.joined() + open).filter { $0.place != nil }
            .sorted { ($0.order ?? 0) < ($1.order ?? 0) }
        var folders: [String: [String: SourceRecord]] = [:]
        for record in records {
            // Where the path leads to the same file as ever, or folder, its names are looked at in their order.
            guard let place = record.place,
                FileIdentity.status(of: record.path)?.identity != record.identity,
                Self.identity(ofFolder: place) != Self.identity(ofFolder: record.path),
                let group = owner(of: record)
            else { continue }
            // A link to a file tells of its own rolls alone.
            let isOfFile = Self.isRenamed(record)
            folders[FollowedFile.split(place).folder, default: [:]][
                isOfFile ? record.path : record.folder] = record
            guard shared.withLock({ $0.files[record.id] == nil }),
                let path = Self.path(of: record.identity, at: place),
                FileContent.Kind(name: path) == .plain
            else { continue }
            goOn(record, at: path, group)
        }
        for (place, records) in folders {
            for record in records.values { lookAround(record, in: place) }
        }
    }

    private func goOn(_ record: SourceRecord, at path: String, _ group: Int) {
        guard shared.withLock(\.following.count) + held.count < maxOpenFiles else {
            waiting += 1
            return
        }
        let descriptor = Foundation.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        noteReadable(record.path, descriptor < 0 ? errno : nil)
        guard descriptor >= 0 else { return }
        let first = FileContent(descriptor: descriptor, kind: .plain).firstBytes
        guard let status = FileIdentity.status(of: descriptor), status.identity == record.identity,
            record.matches(FileContent(descriptor: descriptor, kind: .plain), first: first)
        else {
            close(descriptor)
            return
        }
        let sight = Sight(
            path: record.path, name: record.name, group: group, isNamed: true, isRolled: false,
            kind: .plain, status: status)
        follow(descriptor, record, sight, first)
    }

    /// Whether the link leads to a file of another name, as those to containers do.
    private static func isRenamed(_ record: SourceRecord) -> Bool {
        guard let stood = record.place.map({ FollowedFile.split($0).name }) else { return false }
        return RolledName.root(of: stood) != RolledName.root(of: record.name)
    }

    /// Looks at the names of a folder to which the path of a source has led.
    private func lookAround(_ record: SourceRecord, in place: String) {
        let sights = (Glob.names(place) ?? []).compactMap { sight(place, $0, behind: record) }
        for sight in Self.inOrder(sights) { consider(sight) }
    }

    /// A file beside that of a source, under the path that it would have where links led there. What is known
    /// is known by its content; new ones are asked for by their names.
    private func sight(_ place: String, _ name: String, behind record: SourceRecord) -> Sight? {
        let path = place + "/" + name
        // What its own path leads to is looked at there.
        guard let status = FileIdentity.status(of: path), status.isRegular,
            FileIdentity.status(of: record.path)?.identity != status.identity
        else { return nil }
        var sight = Sight(
            path: record.folder + "/" + name, name: name, group: 0, isNamed: false, isRolled: false,
            kind: FileContent.Kind(name: name), status: status, place: path)
        let birth = Double(status.identity.birth) / 1e9
        let started = Double(shared.withLock(\.registry.started))
        guard birth > started, Date().timeIntervalSince1970 - birth < Self.newSeconds,
            shared.withLock({ $0.registry.source(of: status.identity) }) == nil
        else { return sight }
        guard !Self.isRenamed(record) else {
            // Rolls go by the name of the link.
            guard let stood = record.place.map({ FollowedFile.split($0).name }),
                RolledName.root(of: name) == RolledName.root(of: stood),
                let group = owner(of: record)
            else { return sight }
            sight = sight.as(record.path).of(group)
            sight.isNamed = true
            return sight
        }
        guard let group = owner(of: sight.path) else { return sight }
        let places = (self.places[record.folder] ?? []).filter { $0.group == group }
        sight = sight.of(group)
        sight.isNamed = places.contains { $0.names(name) }
        sight.isRolled = !sight.isNamed && places.contains { $0.rolls(name) }
        return sight
    }

    /// Links are switched, and go.
    func forgetLinks() {
        for (folder, paths) in links {
            let left = paths.filter { FollowedFile.split(Self.target(of: $0)).folder == folder }
            links[folder] = left.isEmpty ? nil : left
        }
    }

    static func target(of path: String) -> String {
        URL(fileURLWithPath: path).resolvingSymlinksInPath().path
    }

    private static func identity(ofFolder path: String) -> FileIdentity? {
        FileIdentity.status(of: FollowedFile.split(path).folder)?.identity
    }

    /// The name that a file has by now, of those beside the one that it had.
    static func path(of identity: FileIdentity, at place: String) -> String? {
        if FileIdentity.status(of: place)?.identity == identity { return place }
        let folder = FollowedFile.split(place).folder
        return (Glob.names(folder) ?? []).lazy.map { folder + "/" + $0 }.first {
            FileIdentity.status(of: $0)?.identity == identity
        }
    }

    /// Where a file stands to which a path leads over links; nil where none is on the way.
    static func place(of path: String, _ descriptor: Int32) -> String? {
        FileIdentity.links(on: path).isEmpty ? nil : FileIdentity.path(of: descriptor)
    }
}
