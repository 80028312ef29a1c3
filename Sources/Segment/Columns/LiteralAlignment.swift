import Bytes

/// Lays a literal along the elements of a template (pieces and holes in turn) in all ways, and keeps
/// those that nothing in the header rules out. Only necessary conditions are asked, so what is left
/// over may still be wrong, but what is dropped is not in any line.
struct LiteralAlignment: ~Copyable {
    private static let never = Int32.max

    private let literal: ColumnsLiteral
    private let header: ColumnsHeader
    private let count: Int
    private let needle: RawList<UInt8>
    private let accepted: RawList<UInt64>
    private let summaries: RawList<ColumnSummary>
    /// Whether any piece at all holds the literal.
    private let isInPieces: Bool
    private let dictionary: (Int) throws -> ByteColumn?
    /// `reached[n]`: the first n bytes can end where the element begins; the earliest element that
    /// they can have begun in.
    private var reached: RawList<Int32>
    private var next: RawList<Int32>
    /// Whether any of `reached` is.
    private var isUnderWay = false
    private var plan = LiteralPlan()

    /// `dictionary` gives the values of a column whose dictionary lies in the header.
    init(
        _ literal: ColumnsLiteral, _ header: ColumnsHeader,
        dictionary: @escaping (Int) throws -> ByteColumn?
    ) {
        self.literal = literal
        self.header = header
        self.dictionary = dictionary
        count = literal.needle.count
        var needle = RawList<UInt8>(capacity: count)
        var accepted = RawList<UInt64>(capacity: count)
        for byte in literal.needle { needle.append(byte) }
        for classes in literal.accepted { accepted.append(classes) }
        self.needle = needle
        self.accepted = accepted
        var summaries = RawList<ColumnSummary>(capacity: header.columns.count)
        for column in header.columns {
            summaries.append(
                ColumnSummary(
                    mask: column.mask, shortest: column.shortest, longest: column.longest,
                    hasList: column.dictionary?.page == -1))
        }
        self.summaries = summaries
        isInPieces = header.pieces.withUnsafeBytes { literal.search.occurs(in: $0) }
        reached = RawList(repeating: Self.never, count: count + 1)
        next = RawList(repeating: Self.never, count: count + 1)
    }

    mutating func plan(ofTemplate template: Int) throws -> LiteralPlan {
        plan = LiteralPlan()
        guard count > 0 else {
            plan.isEverywhere = true
            return plan
        }
        clear(reached)
        isUnderWay = false
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

    private func clear(_ list: borrowing RawList<Int32>) {
        list.base.update(repeating: Self.never, count: count + 1)
    }

    private mutating func accept(from start: Int32, to end: Int32) {
        plan.across = LiteralPlan.joined(plan.across, Int(start)...Int(end))
    }

    @inline(__always)
    private mutating func reach(_ bytes: Int, from start: Int32) {
        next[bytes] = min(next[bytes], start)
        isUnderWay = true
    }

    private mutating func advance() {
        swap(&reached, &next)
    }

    private mutating func passPiece(_ step: ColumnsHeader.Step, _ element: Int32) {
        guard step.size > 0 else { return }
        clear(next)
        let wasUnderWay = isUnderWay
        isUnderWay = false
        header.pieces.withUnsafeBytes { pieces in
            let start = Int(step.start)
            let piece = UnsafeRawBufferPointer(
                rebasing: pieces[start..<start + Int(step.size)])
            if isInPieces, literal.search.occurs(in: piece) { plan.isEverywhere = true }
            passText(piece, element, wasUnderWay: wasUnderWay)
        }
        advance()
    }

    /// Whether `size` bytes of a text are those of the literal from `offset` on.
    @inline(__always)
    private func matches(_ text: UnsafeRawPointer, _ size: Int, at offset: Int) -> Bool {
        var index = 0
        while index < size {
            let byte = text.load(fromByteOffset: index, as: UInt8.self)
            if literal.fold(byte) != needle[offset + index] { return false }
            index += 1
        }
        return true
    }

    /// What begins in a text, goes through it and ends in it. What lies in it as a whole is the
    /// caller's.
    private mutating func passText(
        _ text: UnsafeRawBufferPointer, _ element: Int32, wasUnderWay: Bool
    ) {
        guard let base = text.baseAddress else {
            // An empty value lets everything through.
            for offset in 1..<max(count, 1) where reached[offset] != Self.never {
                reach(offset, from: reached[offset])
            }
            return
        }
        for size in 1..<max(min(count, text.count + 1), 1)
        where matches(base + (text.count - size), size, at: 0) { reach(size, from: element) }
        guard wasUnderWay else { return }
        for offset in 1..<max(count, 1) where reached[offset] != Self.never {
            let rest = count - offset
            if rest <= text.count {
                if matches(base, rest, at: offset) { accept(from: reached[offset], to: element) }
            } else if matches(base, text.count, at: offset) {
                reach(offset + text.count, from: reached[offset])
            }
        }
    }

    private mutating func passHole(_ column: Int32, _ element: Int32) throws {
        let summary = summaries[Int(column)]
        let wasUnderWay = isUnderWay
        // Most holes are done with by their classes alone.
        guard wasUnderWay || accepted[0] & summary.mask != 0 else { return clear(reached) }
        clear(next)
        isUnderWay = false
        if summary.hasList, let values = try dictionary(Int(column)) {
            for index in 0..<values.count {
                let value = values.value(index)
                passText(value, element, wasUnderWay: wasUnderWay)
                if value.count >= count, literal.search.occurs(in: value) {
                    plan.columns.insert(column)
                }
            }
        } else {
            passUnknown(column, summary, element)
        }
        advance()
    }

    /// A hole of which only sizes and classes are known.
    private mutating func passUnknown(_ column: Int32, _ summary: ColumnSummary, _ element: Int32) {
        // Bytes from the start, and from an offset on, that the column may hold.
        let head = run(from: 0, summary.mask)
        if head == count, count <= summary.longest { plan.columns.insert(column) }
        for size in 1..<max(min(count, summary.longest + 1, head + 1), 1) {
            reach(size, from: element)
        }
        for offset in 1..<max(count, 1) where reached[offset] != Self.never {
            let rest = count - offset
            let run = run(from: offset, summary.mask)
            if run == rest, rest <= summary.longest {
                accept(from: reached[offset], to: element)
            }
            let most = min(summary.longest, run, rest - 1)
            guard summary.shortest <= most else { continue }
            for size in summary.shortest...most { reach(offset + size, from: reached[offset]) }
        }
    }

    @inline(__always)
    private func run(from offset: Int, _ mask: UInt64) -> Int {
        var at = offset
        while at < count, accepted[at] & mask != 0 { at += 1 }
        return at - offset
    }
}

/// What the search asks of a column again and again, without its arrays. (Nested and private it
/// would be better placed, but Swift 6.3 then fails to compile without optimization.)
struct ColumnSummary: BitwiseCopyable {
    var mask: UInt64
    var shortest: Int
    var longest: Int
    /// Its dictionary lies in the header.
    var hasList: Bool
}
