import Bytes

/// Levels in logfmt pairs and in plain words.
extension LevelDetection {
    /// The value of the best field among `key=value` pairs; nil when there is none, or when it is
    /// no level. Most lines with a `=` have no such key, so the bytes before each `=` are looked at
    /// before the line is taken apart.
    static func logfmtLevel(_ line: UnsafeRawBufferPointer) -> DetectedLevel? {
        var at = 0
        while let equals = firstOffset(of: UInt8(ascii: "="), in: line, from: at) {
            if mayBeLevelKey(line, endingAt: equals) { return parsedLevel(line) }
            at = equals + 1
        }
        return nil
    }

    /// All known names end in `level`, `lvl`, `severity` or `text`.
    private static func mayBeLevelKey(_ line: UnsafeRawBufferPointer, endingAt end: Int) -> Bool {
        guard end >= 3 else { return false }
        switch (line[end - 2] | 0x20, line[end - 1] | 0x20) {
        case (UInt8(ascii: "e"), UInt8(ascii: "l")), (UInt8(ascii: "v"), UInt8(ascii: "l")),
            (UInt8(ascii: "t"), UInt8(ascii: "y")), (UInt8(ascii: "x"), UInt8(ascii: "t")):
            return true
        default: return false
        }
    }

    private static func parsedLevel(_ line: UnsafeRawBufferPointer) -> DetectedLevel? {
        var best = fields.count
        var found: Range<Int>?
        var at = 0
        while at < line.count {
            while at < line.count, line[at] <= 0x20 { at += 1 }
            let keyStart = at
            while at < line.count, line[at] > 0x20, line[at] != UInt8(ascii: "=") { at += 1 }
            guard at < line.count, line[at] == UInt8(ascii: "=") else { continue }
            let key = keyStart..<at
            at += 1
            let value = takeValue(line, &at)
            if let rank = rank(line[key]), rank < best {
                best = rank
                found = value
            }
        }
        return found.flatMap { DetectedLevel(word: line[$0]) }
    }

    /// Takes a bare or a quoted value; leaves `at` behind it.
    private static func takeValue(_ line: UnsafeRawBufferPointer, _ at: inout Int) -> Range<Int> {
        let start = at
        guard at < line.count, line[at] == UInt8(ascii: "\"") else {
            while at < line.count, line[at] > 0x20 { at += 1 }
            return start..<at
        }
        at += 1
        while at < line.count, line[at] != UInt8(ascii: "\"") {
            at += line[at] == UInt8(ascii: "\\") ? 2 : 1
        }
        let end = min(at, line.count)
        at = min(at + 1, line.count)
        return start + 1..<max(start + 1, end)
    }

    private static func rank(_ key: Slice<UnsafeRawBufferPointer>) -> Int? {
        guard (3...13).contains(key.count) else { return nil }
        return lowerFieldNames.firstIndex { name in
            name.count == key.count && zip(name, key).allSatisfy { $0 == lower($1) }
        }
    }

    private static let lowerFieldNames = fields.map { Array($0.lowercased().utf8) }

    private static func lower(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }

    /// What a byte is to the search for words.
    private struct Role: OptionSet {
        let rawValue: UInt8
        /// The first letter of a level.
        static let starts = Role(rawValue: 1)
        /// A word may begin behind it.
        static let opens = Role(rawValue: 2)
        /// A word may end before it.
        static let closes = Role(rawValue: 4)
    }

    private static let roles: [Role] = (0...255).map { byte in
        var role: Role = []
        if "tdfcewiTDFCEWI".utf8.contains(UInt8(byte)) { role.insert(.starts) }
        if " \t\n\r\u{0b}\u{0c}[({\"'=|".utf8.contains(UInt8(byte)) { role.insert(.opens) }
        if " \t\n\r\u{0b}\u{0c}[({\"'=|])}:,!".utf8.contains(UInt8(byte)) { role.insert(.closes) }
        return role
    }

    /// The level of the first whole word that means one.
    static func firstWord(_ line: UnsafeRawBufferPointer) -> DetectedLevel {
        roles.withUnsafeBufferPointer { roles in
            var before: Role = .opens
            for at in 0..<line.count {
                let role = roles[Int(line[at])]
                if role.contains(.starts), before.contains(.opens),
                    let (level, end) = word(line, at),
                    end == line.count || roles[Int(line[end])].contains(.closes)
                {
                    return level
                }
                before = role
            }
            return .unknown
        }
    }

    /// The longest word for a level that stands at an offset, and where it ends. Of two words that
    /// begin alike, the shorter one is not whole where the longer one stands.
    private static func word(
        _ line: UnsafeRawBufferPointer, _ at: Int
    ) -> (level: DetectedLevel, end: Int)? {
        func reads(_ word: StaticString) -> Int? {
            let end = at + word.utf8CodeUnitCount
            guard end <= line.count else { return nil }
            for i in 1..<word.utf8CodeUnitCount
            where lower(line[at + i]) != word.utf8Start[i] {
                return nil
            }
            return end
        }
        switch line[at] | 0x20 {
        case UInt8(ascii: "t"): return reads("trace").map { (.trace, $0) }
        case UInt8(ascii: "d"): return reads("debug").map { (.debug, $0) }
        case UInt8(ascii: "f"): return reads("fatal").map { (.fatal, $0) }
        case UInt8(ascii: "c"): return reads("critical").map { (.critical, $0) }
        case UInt8(ascii: "e"): return (reads("error") ?? reads("err")).map { (.error, $0) }
        case UInt8(ascii: "w"): return (reads("warning") ?? reads("warn")).map { (.warn, $0) }
        case UInt8(ascii: "i"): return reads("info").map { (.info, $0) }
        default: return nil
        }
    }
}
