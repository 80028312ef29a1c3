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
        let fixed = all.dropLast().prefix { part in !part.contains { "*?[".contains($0) } }
        root = "/" + fixed.joined(separator: "/")
        parts = Array(all.dropFirst(fixed.count))
    }

    typealias Body = (_ folder: String, _ names: [String], _ name: String, _ isDated: Bool) -> Void

    /// Calls `body` with the folder and the names in it, for every folder that the pattern reaches, and
    /// for those of dates below it, to which files may be rolled: `2026/11/21`. Calls `enter` with every
    /// folder on the way before its names are read.
    func forEachFolder(enter: (_ folder: String) -> Void, body: Body) {
        visit(root, parts[...], depth: 0, enter, body)
    }

    /// Folders below this depth are not entered: a link may lead in circles.
    private static let deepest = 16
    /// Folders of dates below the one that is named: year, month, day, hour.
    private static let deepestDates = 4

    private func visit(
        _ folder: String, _ parts: ArraySlice<String>, depth: Int, _ enter: (String) -> Void,
        _ body: Body
    ) {
        guard let part = parts.first, depth < Self.deepest else { return }
        enter(folder)
        guard let names = Self.names(folder) else { return }
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
        _ folder: String, _ names: [String], _ part: String, depth: Int, _ enter: (String) -> Void,
        _ body: Body
    ) {
        // `**` comes to these folders by itself.
        guard depth < Self.deepestDates, !parts.contains("**") else { return }
        for name in names where name.utf8.allSatisfy({ Self.dateMarks.contains($0) }) {
            let inner = folder + "/" + name
            guard let found = Self.names(inner) else { continue }
            enter(inner)
            body(inner, found, part, true)
            visitDates(inner, found, part, depth: depth + 1, enter, body)
        }
    }

    private static let dateMarks = Set("0123456789-_.".utf8)

    static func names(_ folder: String) -> [String]? {
        guard let stream = opendir(folder) else { return nil }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    static func matches(_ pattern: String, _ name: String) -> Bool {
        // A leading dot wants to be named.
        if name.hasPrefix("."), !pattern.hasPrefix(".") { return false }
        return fnmatch(pattern, name, 0) == 0
    }

    /// True for a whole path.
    func matches(path: String) -> Bool { fnmatch(pattern, path, 0) == 0 }
}
