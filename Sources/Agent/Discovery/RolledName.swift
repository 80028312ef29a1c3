/// What the name of a file says about rolling: `app.log.2026-01-08.0`, `app.log.2`, `app-2026-01-08.log`
/// and `app.1.log` all come from `app.log`. A rolled name is the first one with dates and numbers put
/// in; its extension may be left out behind them.
package enum RolledName {
    static let separators: Set<UInt8> = Set("._-".utf8)
    /// What dates and numbers consist of: `2026-01-08T10.3`.
    private static let marks: Set<UInt8> = Set("0123456789T".utf8).union(separators)

    /// True when a file under this name, without `.gz`, may have been rolled from one that the
    /// pattern names, or is named itself.
    static func isRolled(_ name: String, from pattern: String) -> Bool {
        Glob.matches(pattern, settled(name)) || takenOut(name, from: pattern) != nil
    }

    /// The fewest bytes that must be taken out of a name so that the pattern names what is left; nil where
    /// nothing can be taken out for that.
    package static func takenOut(_ name: String, from pattern: String) -> Int? {
        let name = settled(name)
        if name == pattern { return 0 }
        let dot = pattern.lastIndex(of: ".") ?? pattern.endIndex
        // `*.log` names whatever gets its extension: only a day tells a roll from `core.1234`.
        let mayLackExtension = !Glob.hasWildcard(pattern) || day(of: name) != nil
        return originals(of: name).filter { original in
            Glob.matches(pattern, original)
                || mayLackExtension && name.utf8.starts(with: original.utf8)
                    && Glob.matches(pattern, original + pattern[dot...])
        }.map { name.utf8.count - $0.utf8.count }.min()
    }

    /// The names that are left when a part of dates and numbers is taken out.
    private static func originals(of name: String) -> [String] {
        let bytes = Array(name.utf8)
        var found: [String] = []
        for start in bytes.indices.dropFirst() where separators.contains(bytes[start]) {
            let end = bytes[start...].firstIndex { !marks.contains($0) } ?? bytes.count
            // The point before an extension belongs to the extension.
            var stop = end
            while stop > start, separators.contains(bytes[stop - 1]), end < bytes.count {
                stop -= 1
            }
            guard bytes[start..<stop].contains(where: { (48...57).contains($0) }) else { continue }
            found.append(String(decoding: bytes[..<start] + bytes[stop...], as: UTF8.self))
        }
        return found
    }

    /// The name that a file has before it is rolled, and all its rolls share.
    static func root(of name: String) -> String {
        let plain = settled(unpacked(name))
        return originals(of: plain).min { $0.utf8.count < $1.utf8.count } ?? plain
    }

    /// The name without the suffix of a compressed file.
    package static func unpacked(_ name: String) -> String {
        for suffix in [".gz", ".zip"] where name.hasSuffix(suffix) {
            return String(name.dropLast(suffix.count))
        }
        return name
    }

    /// What Logback calls a file while it packs it: `app-2026-11-20.0.log1071503709821.tmp`, the number
    /// of nanoseconds behind the name that it will have without `.gz`.
    static func isTemporary(_ name: String) -> Bool {
        guard name.hasSuffix(".tmp") else { return false }
        return name.utf8.dropLast(4).last.map { (48...57).contains($0) } ?? false
    }

    /// The name that a temporary one becomes; any other as it is.
    static func settled(_ name: String) -> String {
        guard isTemporary(name) else { return name }
        var bytes = Array(name.utf8.dropLast(4))
        while let last = bytes.last, (48...57).contains(last) { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// True when a copy of the file `original` may bear this name: it goes on behind the original's
    /// stem, whatever comes then. The name that a file has before it is rolled is none for a copy of
    /// its roll.
    static func isCopy(_ name: String, of original: String) -> Bool {
        let stem = original.utf8.prefix { $0 != UInt8(ascii: ".") }
        guard !stem.isEmpty, name.utf8.starts(with: stem), name != original,
            let next = name.utf8.dropFirst(stem.count).first, separators.contains(next)
        else { return false }
        return !originals(of: settled(original)).contains(name)
    }
}
