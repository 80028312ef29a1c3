import Foundation

/// Files that paths lead to over links, as `current/logs/app.log` does to those of the latest release.
extension Discovery {
    /// Goes on with wanted sources whose path leads elsewhere by now: the file of the release before stands
    /// where it stood, under its name or another one.
    func lookBehindLinks() {
        let records = wanted.values.joined().sorted { ($0.order ?? 0) < ($1.order ?? 0) }
        for record in records where record.place != nil {
            // Where the path leads to the same folder as ever, its names are looked at in their order.
            guard let place = record.place, let group = owner(of: record),
                Self.identity(ofFolder: place) != Self.identity(ofFolder: record.path),
                let path = Self.path(of: record.identity, at: place),
                shared.withLock(\.following.count) + held.count < maxOpenFiles
            else { continue }
            let descriptor = Foundation.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
            guard descriptor >= 0 else { continue }
            let content = FileContent(descriptor: descriptor, kind: .plain)
            let first = content.firstBytes
            guard let status = FileIdentity.status(of: descriptor),
                status.identity == record.identity, record.matches(content, first: first)
            else {
                close(descriptor)
                continue
            }
            let sight = Sight(
                path: record.path, name: record.name, group: group, isNamed: true, isRolled: false,
                kind: .plain, status: status)
            follow(descriptor, record, sight, first)
        }
    }

    private static func identity(ofFolder path: String) -> FileIdentity? {
        FileIdentity.status(of: FollowedFile.split(path).folder)?.identity
    }

    /// The name that a file has by now, of those beside the one that it had.
    private static func path(of identity: FileIdentity, at place: String) -> String? {
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
