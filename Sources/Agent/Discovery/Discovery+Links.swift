import Foundation

/// Files that paths lead to over links, as `current/logs/app.log` does to those of the latest release.
extension Discovery {
    /// Goes on with wanted sources whose path leads elsewhere by now: the file of the release before stands
    /// where it stood, under its name or another one, packed or not.
    func lookBehindLinks() {
        let records = wanted.values.joined().sorted { ($0.order ?? 0) < ($1.order ?? 0) }
        var folders: [String: String] = [:]
        for record in records {
            // Where the path leads to the same file as ever, or folder, its names are looked at in their order.
            guard let place = record.place, let group = owner(of: record),
                Self.identity(ofFolder: place) != Self.identity(ofFolder: record.path),
                FileIdentity.status(of: record.path)?.identity != record.identity
            else { continue }
            let path = Self.path(of: record.identity, at: place)
            if let path, FileContent.Kind(name: path) == .plain {
                goOn(record, at: path, group)
            } else {
                folders[FollowedFile.split(place).folder] = record.folder
            }
        }
        for (place, folder) in folders { lookForRest(in: place, of: folder) }
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

    /// Looks at the names of a folder, to which `folder` has led, for what is known to be unread: nobody asks
    /// for others there.
    private func lookForRest(in place: String, of folder: String) {
        let sights = (Glob.names(place) ?? []).compactMap { name -> Sight? in
            let path = place + "/" + name
            guard let status = FileIdentity.status(of: path), status.isRegular else { return nil }
            return Sight(
                path: folder + "/" + name, name: name, group: 0, isNamed: false, isRolled: false,
                kind: FileContent.Kind(name: name), status: status, place: path)
        }
        for sight in Self.inOrder(sights) { consider(sight) }
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
