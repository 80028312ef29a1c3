/// Replacing and counting by the rules of Go's regexp package.
extension Regexp {
    /// Every match replaced. With `expanding`, `$1`, `${1}`, `$name`, `${name}` and `$$` in the
    /// replacement stand for groups. Nil when the result would be longer than `limit` by far.
    package func replacing(
        in text: [UInt8], with replacement: [UInt8], expanding: Bool, limit: Int = .max
    ) -> [UInt8]? {
        var out: [UInt8] = []
        text.withUnsafeBytes { bytes in
            var last = 0
            var at = 0
            while at <= bytes.count, out.count <= limit, let groups = captures(in: bytes, from: at),
                let match = groups[0]
            {
                out += bytes[last..<match.lowerBound]
                // An empty match right behind another match is none.
                if match.upperBound > last || match.lowerBound == 0 {
                    out +=
                        expanding
                        ? expanded(replacement, groups, bytes, limit: limit) : replacement
                }
                last = match.upperBound
                at = Self.next(bytes, at, match)
            }
            out += bytes[last...]
        }
        return out.count <= limit ? out : nil
    }

    /// How many matches follow each other without overlapping.
    package func countMatches(in text: [UInt8]) -> Int {
        text.withUnsafeBytes { bytes in
            var count = 0
            var at = 0
            var previous = -1
            while at <= bytes.count, let match = find(in: bytes, from: at) {
                if !match.isEmpty || match.lowerBound != previous { count += 1 }
                previous = match.upperBound
                at =
                    match.upperBound > at
                    ? match.upperBound : at + max(1, Self.scalarLength(bytes, at))
            }
            return count
        }
    }

    private static func next(
        _ bytes: UnsafeRawBufferPointer, _ at: Int, _ match: Range<Int>
    ) -> Int {
        let width = scalarLength(bytes, at)
        if at + width > match.upperBound { return at + width }
        return at + 1 > match.upperBound ? at + 1 : match.upperBound
    }

    /// Bytes of the code point at an offset, 0 at the end.
    private static func scalarLength(_ bytes: UnsafeRawBufferPointer, _ at: Int) -> Int {
        guard at < bytes.count else { return 0 }
        let byte = bytes[at]
        let length = byte < 0xc2 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4
        return at + length <= bytes.count ? length : 1
    }

    /// A replacement with its groups filled in; unknown groups are empty. It ends early when it gets
    /// longer than `limit`.
    package func expanded(
        _ template: [UInt8], _ groups: [Range<Int>?], _ text: UnsafeRawBufferPointer, limit: Int
    ) -> [UInt8] {
        var out: [UInt8] = []
        var at = 0
        while at < template.count, out.count <= limit {
            guard template[at] == UInt8(ascii: "$"), at + 1 < template.count else {
                out.append(template[at])
                at += 1
                continue
            }
            if template[at + 1] == UInt8(ascii: "$") {
                out.append(UInt8(ascii: "$"))
                at += 2
                continue
            }
            let braced = template[at + 1] == UInt8(ascii: "{")
            let start = at + (braced ? 2 : 1)
            var end = start
            while end < template.count, Self.isWord(template[end]) { end += 1 }
            guard end > start, !braced || (end < template.count && template[end] == 0x7d) else {
                out.append(template[at])
                at += 1
                continue
            }
            let name = String(decoding: template[start..<end], as: UTF8.self)
            let group = Int(name) ?? groupNames.firstIndex { $0 == name }
            if let group, groups.indices.contains(group), let range = groups[group] {
                out += text[range]
            }
            at = end + (braced ? 1 : 0)
        }
        return out
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        byte == 0x5f || (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte)
            || (0x61...0x7a).contains(byte)
    }
}
