import Bytes

/// A literal that lines of columns are searched for: bytes, perhaps without regard to the case of
/// ASCII letters.
package struct ColumnsLiteral: Sendable {
    /// In lower case when the case does not matter.
    let needle: [UInt8]
    let ignoringCase: Bool
    let search: ByteSearch
    /// Per byte: the classes of bytes that stand for it.
    let accepted: [UInt64]

    package init(_ needle: [UInt8], ignoringCase: Bool = false) {
        self.ignoringCase = ignoringCase
        search = ByteSearch(needle, ignoringCase: ignoringCase)
        self.needle = search.needle
        accepted = search.needle.map { byte in
            let isLetter = (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
            return ByteClasses.mask(ignoringCase && isLetter ? [byte, byte & ~0x20] : [byte])
        }
    }

    /// Laying a longer one along templates would cost more than it could rule out.
    private static let longest = 256

    /// A literal with a newline may lie across strips, but its longest part between newlines lies
    /// in one; of a very long literal a part will do. Nil when the literal can be taken as it is.
    func part(for header: ColumnsHeader) -> ColumnsLiteral? {
        part(hasStrips: header.strips > header.rows)
    }

    func part(hasStrips: Bool) -> ColumnsLiteral? {
        let isAcross = hasStrips && needle.contains(10)
        guard isAcross || needle.count > Self.longest else { return nil }
        let whole = isAcross ? needle.split(separator: 10).max { $0.count < $1.count } : needle[...]
        let part = whole?.prefix(Self.longest) ?? []
        return ColumnsLiteral(part.isEmpty ? [10] : Array(part), ignoringCase: ignoringCase)
    }

    /// The other byte that stands for one of the needle.
    func unfold(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) ? byte & ~0x20 : byte
    }

    @inline(__always)
    func fold(_ byte: UInt8) -> UInt8 {
        ignoringCase && byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
    }
}

/// Where a literal can lie in the lines of one template, as far as the header tells.
struct LiteralPlan {
    /// In every line: it lies inside a static piece.
    var isEverywhere = false
    /// Columns of holes that it may lie in as a whole.
    var columns: Set<Int32> = []
    /// Elements (pieces and holes in turn) that it may lie across: from the first to the last where
    /// that is possible.
    var across: ClosedRange<Int>?

    var isNowhere: Bool { !isEverywhere && columns.isEmpty && across == nil }

    static func joined(_ known: ClosedRange<Int>?, _ more: ClosedRange<Int>) -> ClosedRange<Int> {
        guard let known else { return more }
        return min(known.lowerBound, more.lowerBound)...max(known.upperBound, more.upperBound)
    }
}
