/// What the name of a file says about rolling: `app.log.2026-01-08.0`, `app.log.2`, `app-2026-01-08.log`
/// and `app.1.log` all come from `app.log`.
enum RolledName {
    private static let separators: Set<Character> = [".", "-", "_"]

    /// True when a file under this name, without `.gz`, may have been rolled from one that the
    /// pattern names: the name, or a part of it up to a separator, matches.
    static func isRolled(_ name: String, from pattern: String) -> Bool {
        if Glob.matches(pattern, name) { return true }
        if !pattern.contains(where: { "*?[".contains($0) }), begins(name, with: stem(pattern)) {
            return true
        }
        return name.indices.contains {
            separators.contains(name[$0]) && Glob.matches(pattern, String(name[..<$0]))
        }
    }

    /// True when a copy of the file `original` may bear this name.
    static func isCopy(_ name: String, of original: String) -> Bool {
        name != original && begins(name, with: stem(original))
    }

    /// The name up to its first point.
    private static func stem(_ name: String) -> Substring { name.prefix { $0 != "." } }

    private static func begins(_ name: String, with stem: Substring) -> Bool {
        guard !stem.isEmpty, name.hasPrefix(stem) else { return false }
        return name.dropFirst(stem.count).first.map(separators.contains) ?? false
    }
}
