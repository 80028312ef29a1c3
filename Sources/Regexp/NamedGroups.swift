/// Names of groups as Go has them, made ready for RE2: `(?<name>…)` stands beside `(?P<name>…)`,
/// and a name is made of ASCII letters, digits and `_`.
enum NamedGroups {
    /// The pattern with every named group written as RE2 wants it.
    ///
    /// Errors: a name that Go refuses, in its words.
    static func spelled(_ pattern: String) throws(RegexpError) -> String {
        guard pattern.contains("(?<") || pattern.contains("(?P<") else { return pattern }
        var out: [UInt8] = []
        let bytes = Array(pattern.utf8)
        var at = 0
        var isInClass = false
        while at < bytes.count {
            let byte = bytes[at]
            if byte == UInt8(ascii: "\\") {
                let end = isInClass ? at + 2 : endOfEscape(bytes, at)
                out += bytes[at..<min(end, bytes.count)]
                at = end
                continue
            }
            if isInClass {
                isInClass = byte != UInt8(ascii: "]")
            } else if byte == UInt8(ascii: "[") {
                isInClass = true
                // A bracket that comes first stands for itself.
                let first = at + (bytes.dropFirst(at + 1).first == UInt8(ascii: "^") ? 2 : 1)
                if first < bytes.count, bytes[first] == UInt8(ascii: "]") {
                    out += bytes[at...first]
                    at = first + 1
                    continue
                }
            } else if let length = opening(bytes, at) {
                let end = bytes[at...].firstIndex(of: UInt8(ascii: ">")) ?? bytes.count
                let name = bytes[(at + length)..<end]
                guard end < bytes.count, !name.isEmpty, name.allSatisfy(isWordCharacter) else {
                    let shown = String(
                        decoding: bytes[at..<min(end + 1, bytes.count)], as: UTF8.self)
                    throw RegexpError(
                        pattern: pattern, reason: "invalid named capture: `\(shown)`")
                }
                out += Array("(?P<".utf8) + name
                at = end
                continue
            }
            out.append(byte)
            at += 1
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// How long the opening of a named group is, up to its name.
    private static func opening(_ bytes: [UInt8], _ at: Int) -> Int? {
        if bytes[at...].starts(with: Array("(?P<".utf8)) { return 4 }
        guard bytes[at...].starts(with: Array("(?<".utf8)) else { return nil }
        // Looking behind is neither Go's nor RE2's: its refusal stays theirs.
        let next = bytes.dropFirst(at + 3).first
        return next == UInt8(ascii: "=") || next == UInt8(ascii: "!") ? nil : 3
    }

    /// Behind an escape; `\Q` lasts until `\E`.
    private static func endOfEscape(_ bytes: [UInt8], _ at: Int) -> Int {
        guard bytes.dropFirst(at + 1).first == UInt8(ascii: "Q") else { return at + 2 }
        var end = at + 2
        while end + 1 < bytes.count {
            if bytes[end] == UInt8(ascii: "\\"), bytes[end + 1] == UInt8(ascii: "E") {
                return end + 2
            }
            end += 1
        }
        return bytes.count
    }

    private static func isWordCharacter(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "_") || (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte)
            || (0x61...0x7a).contains(byte)
    }
}
