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

    /// Calls `body` with the folder and the names in it, for every folder that the pattern reaches.
    func forEachFolder(_ body: (_ folder: String, _ names: [String], _ name: String) -> Void) {
        visit(root, parts[...], depth: 0, body)
    }

    /// Folders below this depth are not entered: a link may lead in circles.
    private static let deepest = 16

    private func visit(
        _ folder: String, _ parts: ArraySlice<String>, depth: Int,
        _ body: (String, [String], String) -> Void
    ) {
        guard let part = parts.first, depth < Self.deepest, let names = Self.names(folder) else {
            return
        }
        if parts.count == 1 {
            body(folder, names, part)
            return
        }
        if part == "**" { visit(folder, parts.dropFirst(), depth: depth, body) }
        for name in names where part == "**" || Self.matches(part, name) {
            visit(
                folder + "/" + name, part == "**" ? parts : parts.dropFirst(), depth: depth + 1,
                body)
        }
    }

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
