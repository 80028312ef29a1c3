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

    /// A literal with a newline may lie across strips, but its longest part between newlines lies
    /// in one: nil when there is no such difference.
    func withinStrip(of header: ColumnsHeader) -> ColumnsLiteral? {
        guard header.strips > header.rows, needle.contains(10) else { return nil }
        let part = needle.split(separator: 10).max { $0.count < $1.count } ?? []
        return ColumnsLiteral(part.isEmpty ? [10] : Array(part), ignoringCase: ignoringCase)
    }

    @inline(__always)
    func fold(_ byte: UInt8) -> UInt8 {
        ignoringCase && byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
    }

    /// Whether `text` is what the needle has from `offset` on; as many bytes as `text` has.
    @inline(__always)
    func matches(_ text: UnsafeRawBufferPointer, at offset: Int) -> Bool {
        guard text.count <= needle.count - offset else { return false }
        for index in 0..<text.count where fold(text[index]) != needle[offset + index] {
            return false
        }
        return true
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

/// Lays a literal along the elements of a template (pieces and holes in turn) in all ways, and keeps
/// those that nothing in the header rules out. Only necessary conditions are asked, so what is left
/// over may still be wrong, but what is dropped is not in any line.
struct LiteralAlignment {
    private static let never = Int32.max

    private let literal: ColumnsLiteral
    private let header: ColumnsHeader
    private let dictionary: (Int) throws -> ByteColumn?
    /// `reached[n]`: the first n bytes can end where the element begins; the earliest element that
    /// they can have begun in.
    private var reached: [Int32]
    private var next: [Int32]
    private var plan = LiteralPlan()

    /// `dictionary` gives the values of a column where they are at hand.
    init(
        _ literal: ColumnsLiteral, _ header: ColumnsHeader,
        dictionary: @escaping (Int) throws -> ByteColumn?
    ) {
        self.literal = literal
        self.header = header
        self.dictionary = dictionary
        reached = Array(repeating: Self.never, count: literal.needle.count + 1)
        next = reached
    }

    private var count: Int { literal.needle.count }

    mutating func plan(ofTemplate template: Int) throws -> LiteralPlan {
        plan = LiteralPlan()
        guard count > 0 else {
            plan.isEverywhere = true
            return plan
        }
        for index in reached.indices { reached[index] = Self.never }
        let first = header.firstStep[template]
        for step in first..<header.firstStep[template + 1] {
            let entry = header.steps[step]
            let element = Int32(truncatingIfNeeded: (step - first) * 2)
            passPiece(entry, element)
            if plan.isEverywhere { return plan }
            if entry.column >= 0 { try passHole(entry.column, element + 1) }
        }
        return plan
    }

    private mutating func accept(from start: Int32, to end: Int32) {
        plan.across = LiteralPlan.joined(plan.across, Int(start)...Int(end))
    }

    private mutating func reach(_ count: Int, from start: Int32) {
        next[count] = min(next[count], start)
    }

    private mutating func advance() {
        swap(&reached, &next)
    }

    private mutating func clearNext() {
        for index in next.indices { next[index] = Self.never }
    }

    private mutating func passPiece(_ step: ColumnsHeader.Step, _ element: Int32) {
        guard step.size > 0 else { return }
        clearNext()
        let header = self.header
        header.pieces.withUnsafeBytes { pieces in
            let start = Int(step.start)
            let piece = UnsafeRawBufferPointer(
                rebasing: pieces[start..<start + Int(step.size)])
            if literal.search.occurs(in: piece) { plan.isEverywhere = true }
            passText(piece, element)
        }
        advance()
    }

    /// What begins in a text, goes through it and ends in it. What lies in it as a whole is the
    /// caller's.
    private mutating func passText(
        _ text: UnsafeRawBufferPointer, _ element: Int32
    ) {
        for size in 1..<max(min(count, text.count + 1), 1) {
            let tail = UnsafeRawBufferPointer(rebasing: text[(text.count - size)...])
            if literal.matches(tail, at: 0) { reach(size, from: element) }
        }
        for offset in 1..<max(count, 1) where reached[offset] != Self.never {
            let rest = count - offset
            if rest <= text.count {
                let head = UnsafeRawBufferPointer(rebasing: text[..<rest])
                if literal.matches(head, at: offset) { accept(from: reached[offset], to: element) }
            } else if literal.matches(text, at: offset) {
                reach(offset + text.count, from: reached[offset])
            }
        }
    }

    private mutating func passHole(_ column: Int32, _ element: Int32) throws {
        clearNext()
        if let values = try dictionary(Int(column)) {
            for index in 0..<values.count {
                let value = values.value(index)
                passText(value, element)
                if value.count >= count, literal.search.occurs(in: value) {
                    plan.columns.insert(column)
                }
            }
        } else {
            passUnknown(column, element)
        }
        advance()
    }

    /// A hole of which only sizes and classes are known.
    private mutating func passUnknown(_ column: Int32, _ element: Int32) {
        let entry = header.columns[Int(column)]
        // Bytes from an offset on that the column may hold.
        var run = [Int](repeating: 0, count: count + 1)
        for offset in stride(from: count - 1, through: 0, by: -1) {
            run[offset] = literal.accepted[offset] & entry.mask == 0 ? 0 : run[offset + 1] + 1
        }
        if count <= entry.longest, run[0] == count { plan.columns.insert(column) }
        for size in 1..<max(min(count, entry.longest + 1, run[0] + 1), 1) {
            reach(size, from: element)
        }
        for offset in 1..<max(count, 1) where reached[offset] != Self.never {
            let rest = count - offset
            if rest <= entry.longest, run[offset] == rest {
                accept(from: reached[offset], to: element)
            }
            let most = min(entry.longest, run[offset], rest - 1)
            guard entry.shortest <= most else { continue }
            for size in entry.shortest...most { reach(offset + size, from: reached[offset]) }
        }
    }
}
