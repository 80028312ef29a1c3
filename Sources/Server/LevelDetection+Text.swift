import Bytes

/// Levels in logfmt pairs and in plain words.
extension LevelDetection {
    /// The value of the best field among `key=value` pairs; nil when there is none, or when it is
    /// no level. Most lines with a `=` have no such key, so the bytes before each `=` are looked at
    /// before the line is taken apart.
    static func logfmtLevel(_ line: UnsafeRawBufferPointer) -> DetectedLevel? {
        var at = 0
        while let equals = line[at...].firstIndex(of: UInt8(ascii: "=")) {
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

    /// Whole words that mean a level, each with the level it means.
    private static let words: [(text: [UInt8], level: DetectedLevel)] = {
        let words: [(String, DetectedLevel)] = [
            ("trace", .trace), ("debug", .debug), ("fatal", .fatal), ("critical", .critical),
            ("error", .error), ("err", .error), ("warning", .warn), ("warn", .warn),
            ("info", .info),
        ]
        return words.map { (text: Array($0.0.utf8), level: $0.1) }
    }()

    /// True for the bytes behind which a word may begin.
    private static let opens: [Bool] = (0...255).map {
        " \t\n\r\u{0b}\u{0c}[({\"'=|".utf8.contains(UInt8($0))
    }
    private static let closes: [Bool] = (0...255).map {
        " \t\n\r\u{0b}\u{0c}[({\"'=|])}:,!".utf8.contains(UInt8($0))
    }
    /// True for the first letters of the words.
    private static let starts: [Bool] = (0...255).map { "tdfcewiTDFCEWI".utf8.contains(UInt8($0)) }

    /// The level of the first whole word that means one.
    static func firstWord(_ line: UnsafeRawBufferPointer) -> DetectedLevel {
        starts.withUnsafeBufferPointer { starts in
            opens.withUnsafeBufferPointer { opens in
                var atStart = true
                for at in 0..<line.count {
                    let byte = line[at]
                    if atStart, starts[Int(byte)], let level = word(line, at) { return level }
                    atStart = opens[Int(byte)]
                }
                return .unknown
            }
        }
    }

    private static func word(_ line: UnsafeRawBufferPointer, _ at: Int) -> DetectedLevel? {
        for (text, level) in words {
            let end = at + text.count
            guard end <= line.count, end == line.count || closes[Int(line[end])],
                line[at] | 0x20 == text[0]
            else { continue }
            if (1..<text.count).allSatisfy({ lower(line[at + $0]) == text[$0] }) { return level }
        }
        return nil
    }
}
