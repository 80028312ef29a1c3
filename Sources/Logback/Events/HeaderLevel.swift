/// Finds the level of a text header. It must stand among the tokens of a header, or a message that
/// says "0 ERROR lines" would pass for one: before it may come, in any order, numbers and marks,
/// texts in brackets (threads, process ids) and one bare word (a thread or logger without brackets).
enum HeaderLevel {
    private static let names = [
        "TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL", "WARNING", "CRITICAL", "NOTICE",
        "SEVERE", "CRIT", "ALERT", "EMERG",
        "CONFIG", "FINE", "FINER", "FINEST",
    ].map { Array($0.utf8) }
    private static let maxBytes = 256
    private static let escape: UInt8 = 0x1b

    /// True for what is found by itself, in any letters.
    static func isKnown(_ level: String) -> Bool { names.contains(Array(level.uppercased().utf8)) }

    static func find(in line: UnsafeRawBufferPointer, from: Int) -> String? {
        let end = min(line.count, from + maxBytes)
        var at = from
        var words = 0
        while true {
            at = skipColours(line, at)
            guard at < end else { return nil }
            switch line[at] {
            case 0...0x20, escape, UInt8(ascii: "]"): at += 1
            case UInt8(ascii: "["), UInt8(ascii: "("):
                let closing: UInt8 = line[at] == UInt8(ascii: "[") ? 0x5d : 0x29
                guard let close = line[at..<end].firstIndex(of: closing) else { return nil }
                // nginx writes its levels small, in brackets.
                if let name = name(line[at + 1..<close], ignoringCase: true) { return name }
                at = close + 1
            default:
                let stop =
                    line[at..<line.count].firstIndex { $0 <= 0x20 || $0 == escape } ?? line.count
                if let name = name(line[at..<stop], ignoringCase: false) { return name }
                if line[at..<stop].contains(where: { isLetter($0) || $0 >= 0x80 }) { words += 1 }
                guard words < 2 else { return nil }
                at = stop
            }
        }
    }

    /// The sequences by which `%highlight` colours a level.
    static func skipColours(_ line: UnsafeRawBufferPointer, _ start: Int) -> Int {
        var at = start
        while at + 1 < line.count, line[at] == escape, line[at + 1] == UInt8(ascii: "[") {
            var end = at + 2
            while end < line.count, line[end] == 0x3b || (48...57).contains(line[end]) { end += 1 }
            guard end < line.count, line[end] == UInt8(ascii: "m") else { return at }
            at = end + 1
        }
        return at
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (65...90).contains(byte) || (97...122).contains(byte)
    }

    /// The level that a token is, blanks around it and a mark behind it left out.
    private static func name(_ token: Slice<UnsafeRawBufferPointer>, ignoringCase: Bool) -> String?
    {
        var token = token
        while let first = token.first, first == 0x20 { token = token.dropFirst() }
        while let last = token.last, last <= 0x20 || last == 0x3a || last == 0x2c {
            token = token.dropLast()
        }
        guard (4...8).contains(token.count) else { return nil }
        for name in names where name.count == token.count {
            let isName = zip(name, token).allSatisfy { $0 == $1 || ignoringCase && $0 | 0x20 == $1 }
            if isName { return String(decoding: token, as: UTF8.self) }
        }
        return nil
    }
}
