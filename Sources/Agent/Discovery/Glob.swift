import Foundation

/// A path pattern: `*` and `?` within a name, `[a-z]`, `**` for any folders.
struct Glob: Sendable {
    let pattern: String
    /// The folder part up to the first wildcard.
    private let root: String
    private let parts: [String]

    init(_ pattern: String) {
        let absolute =
            pattern.hasPrefix("/")
            ? pattern : FileManager.default.currentDirectoryPath + "/" + pattern
        self.pattern = absolute
        let all = absolute.split(separator: "/").map(String.init)
        let fixed = all.dropLast().prefix { !Self.hasWildcard($0) }
        root = "/" + fixed.joined(separator: "/")
        parts = Array(all.dropFirst(fixed.count))
    }

    typealias Body = (_ folder: String, _ names: [String], _ name: String, _ isDated: Bool) -> Void

    /// Calls `body` with the folder and the names in it, for every folder that the pattern reaches, and
    /// for those of dates below it, to which files may be rolled: `2026/11/21`. Calls `enter` with every
    /// folder on the way before its names are read.
    ///
    /// `unnameable` is called with what the pattern means and whose name is no UTF-8, as
    /// `Listing.unnameable` shows it.
    func forEachFolder(
        enter: (_ folder: String) -> Void, unnameable: (_ path: String) -> Void = { _ in },
        body: Body
    ) {
        let enter: Enter = { folder, part in
            enter(folder)
            guard let found = Self.listing(folder) else { return nil }
            for name in found.unnameable where part == "**" || Self.matches(part, name) {
                unnameable(folder + "/" + name)
            }
            return found.names
        }
        visit(root, parts[...], depth: 0, enter, body)
    }

    /// The names in a folder; nil for one that cannot be read. The part of the pattern is for them.
    private typealias Enter = (_ folder: String, _ part: String) -> [String]?

    /// Folders below this depth are not entered: a link may lead in circles.
    private static let deepest = 16
    /// Folders of dates below the one that is named: year, month, day, hour.
    private static let deepestDates = 4

    private func visit(
        _ folder: String, _ parts: ArraySlice<String>, depth: Int, _ enter: Enter, _ body: Body
    ) {
        guard let part = parts.first, depth < Self.deepest, let names = enter(folder, part) else {
            return
        }
        if parts.count == 1 {
            body(folder, names, part, false)
            visitDates(folder, names, part, depth: 0, enter, body)
            return
        }
        if part == "**" { visit(folder, parts.dropFirst(), depth: depth, enter, body) }
        for name in names where part == "**" || Self.matches(part, name) {
            visit(
                folder + "/" + name, part == "**" ? parts : parts.dropFirst(), depth: depth + 1,
                enter, body)
        }
    }

    private func visitDates(
        _ folder: String, _ names: [String], _ part: String, depth: Int, _ enter: Enter,
        _ body: Body
    ) {
        // `**` comes to these folders by itself.
        guard depth < Self.deepestDates, !parts.contains("**") else { return }
        for name in names where name.utf8.allSatisfy({ Self.dateMarks.contains($0) }) {
            let inner = folder + "/" + name
            guard let found = enter(inner, part) else { continue }
            body(inner, found, part, true)
            visitDates(inner, found, part, depth: depth + 1, enter, body)
        }
    }

    private static let dateMarks = Set("0123456789-_.".utf8)

    /// What stands in a folder.
    struct Listing {
        var names: [String] = []
        /// Names that are no UTF-8, of which a path of text cannot be made: other bytes than ASCII
        /// as `\xNN`.
        var unnameable: [String] = []
    }

    static func names(_ folder: String) -> [String]? { listing(folder)?.names }

    static func listing(_ folder: String) -> Listing? {
        guard let stream = opendir(folder) else { return nil }
        defer { closedir(stream) }
        var listing = Listing()
        while let entry = readdir(stream) {
            let bytes = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
            guard let name = String(validating: bytes, as: UTF8.self) else {
                listing.unnameable.append(escaped(bytes))
                continue
            }
            if name != ".", name != ".." { listing.names.append(name) }
        }
        return listing
    }

    private static func escaped(_ name: [UInt8]) -> String {
        name.map { byte in
            (0x20..<0x7f).contains(byte)
                ? String(Unicode.Scalar(byte))
                : "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }.joined()
    }

    static func matches(_ pattern: String, _ name: String) -> Bool {
        // A leading dot wants to be named.
        if name.hasPrefix("."), !pattern.hasPrefix(".") { return false }
        return fnmatch(pattern, name, 0) == 0
    }

    /// True for a whole path.
    func matches(path: String) -> Bool { fnmatch(pattern, path, 0) == 0 }

    /// True when the pattern names a file of such a path.
    func names(_ path: String) -> Bool {
        let (folder, name) = FollowedFile.split(path)
        return isReached(folder) && Self.matches(FollowedFile.split(pattern).name, name)
    }

    /// True when the pattern asks for a file of such a path, or for it as a roll.
    func asksFor(_ path: String) -> Bool {
        let (folder, name) = FollowedFile.split(path)
        return isReached(folder) && Self.asks(FollowedFile.split(pattern).name, name)
    }

    private func isReached(_ folder: String) -> Bool {
        let wanted = FollowedFile.split(pattern).folder
        guard parts.contains("**") else { return fnmatch(wanted, folder, FNM_PATHNAME) == 0 }
        return fnmatch(wanted, folder, 0) == 0
            || fnmatch(wanted.replacing("/**", with: ""), folder, 0) == 0
    }

    static func hasWildcard(_ part: String) -> Bool { part.contains { "*?[".contains($0) } }

    /// True for a name that a part of a pattern means, and for what its files are rolled to.
    static func asks(_ part: String, _ name: String) -> Bool {
        matches(part, name) || RolledName.isRolled(RolledName.unpacked(name), from: part)
    }

    /// True when a file of this path would be followed, wherever links lead: folders are looked at.
    func reaches(_ path: String) -> Bool {
        let (own, name) = FollowedFile.split(path)
        guard let identity = FileIdentity.status(of: own.isEmpty ? "/" : own)?.identity else {
            return asksFor(path)
        }
        var isReached = false
        forEachFolder { _ in
        } body: { folder, _, part, _ in
            isReached =
                isReached
                || Self.asks(part, name) && FileIdentity.status(of: folder)?.identity == identity
        }
        return isReached
    }
}
