/// Go's way with characters and strings in source text.
enum GoText {
    static func isWord(_ byte: UInt8) -> Bool {
        byte == 0x5f || (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte)
            || (0x61...0x7a).contains(byte)
    }

    /// `U+007B '{'`, as Go's messages name a character.
    static func character(_ byte: UInt8) -> String {
        let hex = String(byte, radix: 16, uppercase: true)
        let padded = String(repeating: "0", count: 4 - hex.count) + hex
        return "U+\(padded) '\(String(decoding: [byte], as: UTF8.self))'"
    }

    /// Reads a double-quoted string; `at` stands on the quote before and behind the other after.
    static func quotedString(_ bytes: [UInt8], _ at: inout Int) throws(TemplateError) -> [UInt8] {
        var out: [UInt8] = []
        at += 1
        while at < bytes.count, bytes[at] != UInt8(ascii: "\"") {
            guard bytes[at] != UInt8(ascii: "\n") else { break }
            try appendCharacter(bytes, &at, to: &out)
        }
        guard at < bytes.count, bytes[at] == UInt8(ascii: "\"") else {
            throw TemplateError("unterminated quoted string")
        }
        at += 1
        return out
    }

    /// Reads a character constant; its value is the code point.
    static func quotedCharacter(_ bytes: [UInt8], _ at: inout Int) throws(TemplateError) -> Int {
        var out: [UInt8] = []
        at += 1
        if at < bytes.count { try appendCharacter(bytes, &at, to: &out) }
        while at < bytes.count, bytes[at] & 0xc0 == 0x80 {
            try appendCharacter(bytes, &at, to: &out)
        }
        guard at < bytes.count, bytes[at] == UInt8(ascii: "'"),
            let scalar = String(decoding: out, as: UTF8.self).unicodeScalars.first
        else { throw TemplateError("unterminated character constant") }
        at += 1
        return Int(scalar.value)
    }

    private static let simple: [UInt8: UInt8] = [
        0x61: 7, 0x62: 8, 0x66: 12, 0x6e: 10, 0x72: 13, 0x74: 9, 0x76: 11, 0x5c: 0x5c, 0x22: 0x22,
        0x27: 0x27,
    ]

    private static func appendCharacter(
        _ bytes: [UInt8], _ at: inout Int, to out: inout [UInt8]
    ) throws(TemplateError) {
        let byte = bytes[at]
        at += 1
        guard byte == UInt8(ascii: "\\") else {
            out.append(byte)
            return
        }
        guard at < bytes.count else { throw TemplateError("unterminated quoted string") }
        let escape = bytes[at]
        at += 1
        if let value = simple[escape] {
            out.append(value)
            return
        }
        let digits: (count: Int, radix: Int)
        switch escape {
        case UInt8(ascii: "x"): digits = (2, 16)
        case UInt8(ascii: "u"): digits = (4, 16)
        case UInt8(ascii: "U"): digits = (8, 16)
        case UInt8(ascii: "0")...UInt8(ascii: "7"):
            at -= 1
            digits = (3, 8)
        default: throw TemplateError("invalid syntax in a quoted string")
        }
        guard at + digits.count <= bytes.count,
            let value = UInt32(
                String(decoding: bytes[at..<at + digits.count], as: UTF8.self), radix: digits.radix)
        else { throw TemplateError("invalid syntax in a quoted string") }
        at += digits.count
        if digits.count > 3 {
            guard let scalar = UnicodeScalar(value) else {
                throw TemplateError("invalid syntax in a quoted string")
            }
            out += Array(String(Character(scalar)).utf8)
        } else {
            guard value < 256 else { throw TemplateError("invalid syntax in a quoted string") }
            out.append(UInt8(value))
        }
    }

    /// Each code point through a mapping; bytes that are no text become U+FFFD, as in Go.
    static func mapped(_ text: [UInt8], _ map: (UnicodeScalar) -> UnicodeScalar) -> [UInt8] {
        var out = String.UnicodeScalarView()
        for scalar in String(decoding: text, as: UTF8.self).unicodeScalars {
            out.append(map(scalar))
        }
        return Array(String(out).utf8)
    }

    static func upper(_ scalar: UnicodeScalar) -> UnicodeScalar {
        single(scalar.properties.uppercaseMapping) ?? scalar
    }

    static func lower(_ scalar: UnicodeScalar) -> UnicodeScalar {
        // The only letter that is two in lower case; Go drops the dot above.
        scalar == "\u{130}" ? "i" : single(scalar.properties.lowercaseMapping) ?? scalar
    }

    /// Go maps one code point to one.
    private static func single(_ text: String) -> UnicodeScalar? {
        let scalars = text.unicodeScalars
        return scalars.count == 1 ? scalars.first : nil
    }

    static func isSpace(_ scalar: UnicodeScalar) -> Bool { scalar.properties.isWhitespace }
}

extension [UInt8] {
    /// Place of the first occurrence of a needle from an offset.
    func place(of needle: [UInt8], from: Int = 0) -> Int? {
        if needle.isEmpty { return from <= count ? from : nil }
        guard count >= needle.count, from <= count - needle.count else { return nil }
        for start in from...(count - needle.count) where self[start] == needle[0] {
            if self[start..<start + needle.count] == needle[...] { return start }
        }
        return nil
    }

    func hasPrefix(_ prefix: [UInt8]) -> Bool { starts(with: prefix) }

    func hasSuffix(_ suffix: [UInt8]) -> Bool {
        count >= suffix.count && self[(count - suffix.count)...] == suffix[...]
    }

    /// The first `count` occurrences replaced, all of them when it is negative. An empty needle lies
    /// before every character and at the end. Nil when the result would be longer than `limit`.
    func replacing(
        _ needle: [UInt8], with replacement: [UInt8], count most: Int = -1, limit: Int
    ) -> [UInt8]? {
        var out: [UInt8] = []
        var at = 0
        var done = 0
        while most < 0 || done < most {
            guard out.count <= limit else { return nil }
            if needle.isEmpty {
                if done > 0 {
                    guard at < count else { break }
                    let next = at + Swift.max(1, scalarLength(at))
                    out += self[at..<next]
                    at = next
                }
                out += replacement
            } else {
                guard let hit = place(of: needle, from: at) else { break }
                out += self[at..<hit]
                out += replacement
                at = hit + needle.count
            }
            done += 1
        }
        return out + self[Swift.min(at, count)...]
    }

    /// Bytes of the code point at an offset; 1 where there is none.
    func scalarLength(_ at: Int) -> Int {
        let byte = self[at]
        let length = byte < 0x80 ? 1 : byte < 0xc2 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4
        return at + length <= count ? length : 1
    }
}
