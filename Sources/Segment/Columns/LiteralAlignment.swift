import Bytes

/// Lays a literal along the elements of a template (pieces and holes in turn) in all ways, and keeps
/// those that nothing known of the columns rules out. Only necessary conditions are asked, so what is
/// left over may still be wrong, but what is dropped is not in any line.
final class LiteralAlignment {
    private static let never = Int32.max

    private let literal: ColumnsLiteral
    private let table: TemplateTable
    private let steps: RawList<TemplateTable.Step>
    private let count: Int
    private let needle: RawList<UInt8>
    private let accepted: RawList<UInt64>
    private let summaries: RawList<ColumnSummary>
    /// Whether any piece at all holds the literal.
    private let isInPieces: Bool
    /// By byte: whether the literal has it before its last place, so that a text which ends with it may
    /// end with the literal's beginning.
    private let mayEnd: RawList<Bool>
    /// By byte: whether the literal has it behind its first place, so that it may go on in a text which
    /// begins with it.
    private let mayGoOn: RawList<Bool>
    private let list: (Int) throws -> ByteColumn?
    private let mayHoldID: (UInt64) throws -> Bool
    @exclusivity(unchecked) private var knownIDs: [Int: Bool] = [:]
    /// By column: whether the literal may lie in one of its values, once that was asked.
    private let holding: RawList<Answer>
    /// By column: places of `sizes`, once they were asked for; before that they are `never`.
    private let begins: RawList<(first: Int32, end: Int32)>
    /// Sizes of beginnings and passages, which follow each other for each of them.
    @exclusivity(unchecked) private var sizes = RawList<Int32>()
    /// `reached[n]`: the first n bytes can end where the element begins; the earliest element that
    /// they can have begun in.
    @exclusivity(unchecked) private var reached: RawList<Int32>
    @exclusivity(unchecked) private var next: RawList<Int32>
    /// Whether any of `reached` is.
    @exclusivity(unchecked) private var isUnderWay = false
    @exclusivity(unchecked) private var plan = LiteralPlan()

    /// What the values of a column are for a literal that began before them, made for each number of its
    /// bytes.
    private struct Passage {
        /// It may end in one value.
        var accepts = false
        /// Places of `sizes`: bytes of it that may have passed behind a value.
        var first: Int32 = 0
        var end: Int32 = 0
    }
    @exclusivity(unchecked) private var passages: [Int: Passage] = [:]

    private enum Answer: UInt8, BitwiseCopyable {
        case unknown, no, yes

        var known: Bool? { self == .unknown ? nil : self == .yes }
    }

    /// `list` gives the values of a column that has them at hand (`ColumnSummary.hasList`), `mayHoldID`
    /// tells whether the id with a key may be there.
    init(
        _ literal: ColumnsLiteral, _ table: TemplateTable, _ summaries: [ColumnSummary],
        list: @escaping (Int) throws -> ByteColumn?,
        mayHoldID: @escaping (UInt64) throws -> Bool
    ) {
        self.literal = literal
        self.table = table
        steps = RawList(table.steps)
        self.summaries = RawList(summaries)
        holding = RawList(repeating: .unknown, count: summaries.count)
        begins = RawList(repeating: (Self.never, Self.never), count: summaries.count)
        self.list = list
        self.mayHoldID = mayHoldID
        count = literal.needle.count
        needle = RawList(literal.needle)
        accepted = RawList(literal.accepted)
        func bytes(_ part: ArraySlice<UInt8>) -> RawList<Bool> {
            let found = RawList<Bool>(repeating: false, count: 256)
            for byte in part {
                found[Int(byte)] = true
                if literal.ignoringCase { found[Int(literal.unfold(byte))] = true }
            }
            return found
        }
        mayEnd = bytes(literal.needle.dropLast())
        mayGoOn = bytes(literal.needle.dropFirst())
        isInPieces = table.pieces.withUnsafeBytes { literal.search.occurs(in: $0) }
        reached = RawList(repeating: Self.never, count: count + 1)
        next = RawList(repeating: Self.never, count: count + 1)
    }

    func plan(ofTemplate template: Int) throws -> LiteralPlan {
        plan = LiteralPlan()
        guard count > 0 else {
            plan.isEverywhere = true
            return plan
        }
        if isUnderWay { stop() }
        let range = table.steps(of: template)
        for step in range {
            let entry = steps[step]
            let element = Int32(truncatingIfNeeded: (step - range.lowerBound) * 2)
            if entry.size > 0 { passPiece(entry, element) }
            if plan.isEverywhere { return plan }
            if entry.column >= 0 {
                try passHole(
                    entry.column, element + 1, isLast: !mayGoOn(behind: step, range.upperBound))
            }
        }
        return plan
    }

    /// Whether anything that stands in a step's hole may go on behind it.
    private func mayGoOn(behind step: Int, _ end: Int) -> Bool {
        guard step + 1 < end else { return false }
        let next = steps[step + 1]
        if next.size == 0 { return next.column >= 0 }
        return mayGoOn[Int(table.pieces[Int(next.start)])]
    }

    /// Nothing that began goes on.
    private func stop() {
        clear(reached)
        isUnderWay = false
    }

    private func clear(_ list: borrowing RawList<Int32>) {
        list.base.update(repeating: Self.never, count: count + 1)
    }

    private func accept(from start: Int32, to end: Int32) {
        plan.across = LiteralPlan.joined(plan.across, Int(start)...Int(end))
    }

    /// All of a stretch of `sizes`.
    @inline(__always)
    private func reach(_ first: Int32, _ end: Int32, from start: Int32) {
        for place in Int(first)..<Int(end) { reach(Int(sizes[place]), from: start) }
    }

    /// Puts sizes into `sizes`; the places that they have there.
    private func keep(_ found: some Sequence<Int>) -> (first: Int32, end: Int32) {
        let first = Int32(truncatingIfNeeded: sizes.count)
        for size in found { sizes.append(Int32(truncatingIfNeeded: size)) }
        return (first, Int32(truncatingIfNeeded: sizes.count))
    }

    @inline(__always)
    private func reach(_ bytes: Int, from start: Int32) {
        next[bytes] = min(next[bytes], start)
        isUnderWay = true
    }

    /// Goes on to the next element with what `body` reaches.
    private func advance(_ body: () throws -> Void) rethrows {
        clear(next)
        isUnderWay = false
        try body()
        swap(&reached, &next)
    }

    private func passPiece(_ step: TemplateTable.Step, _ element: Int32) {
        table.pieces.withUnsafeBytes { pieces in
            let last = pieces[Int(step.start) + Int(step.size) - 1]
            if isUnderWay, !mayGoOn[Int(pieces[Int(step.start)])] { stop() }
            guard isUnderWay || isInPieces || mayEnd[Int(last)] else { return }
            let start = Int(step.start)
            let piece = UnsafeRawBufferPointer(rebasing: pieces[start..<start + Int(step.size)])
            if isInPieces, literal.search.occurs(in: piece) {
                plan.isEverywhere = true
                return
            }
            let wasUnderWay = isUnderWay
            guard wasUnderWay || mayEnd[Int(last)] else { return }
            advance { passText(piece, element, wasUnderWay: wasUnderWay) }
        }
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

    /// Calls `body` with the sizes of the literal's beginnings that a text ends with.
    @inline(__always)
    private func forEachBeginning(_ text: UnsafeRawBufferPointer, _ body: (Int) -> Void) {
        guard let base = text.baseAddress, !text.isEmpty, mayEnd[Int(text[text.count - 1])] else {
            return
        }
        for size in 1..<max(min(count, text.count + 1), 1)
        where matches(base + (text.count - size), size, at: 0) { body(size) }
    }

    /// What begins in a text, goes through it and ends in it. What lies in it as a whole is the
    /// caller's.
    private func passText(
        _ text: UnsafeRawBufferPointer, _ element: Int32, wasUnderWay: Bool
    ) {
        guard let base = text.baseAddress else { return }
        forEachBeginning(text) { reach($0, from: element) }
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

    /// `isLast`: nothing goes on behind it.
    private func passHole(_ column: Int32, _ element: Int32, isLast: Bool) throws {
        if try holds(column) { plan.columns.insert(column) }
        let begun = isLast ? (first: 0, end: 0) : try beginnings(column)
        guard isUnderWay else {
            if begun.first == begun.end { return }
            return advance { reach(begun.first, begun.end, from: element) }
        }
        try advance {
            reach(begun.first, begun.end, from: element)
            if summaries[Int(column)].hasList {
                for offset in 1..<max(count, 1) where reached[offset] != Self.never {
                    let passage = try passage(column, offset)
                    if passage.accepts { accept(from: reached[offset], to: element) }
                    reach(passage.first, passage.end, from: reached[offset])
                }
            } else {
                try passUnknown(column, element)
            }
        }
    }

    /// What values of a list are for a literal of which `offset` bytes lie before them.
    private func passage(_ column: Int32, _ offset: Int) throws -> Passage {
        let key = Int(column) * (count + 1) + offset
        if let known = passages[key] { return known }
        var made = Passage()
        guard let values = try list(Int(column)) else {
            passages[key] = made
            return made
        }
        let rest = count - offset
        var sizes: Set<Int> = []
        for index in 0..<values.count {
            let value = values.value(index)
            guard let base = value.baseAddress, !value.isEmpty else {
                // An empty value lets everything through.
                sizes.insert(offset)
                continue
            }
            if rest <= value.count {
                if matches(base, rest, at: offset) { made.accepts = true }
            } else if matches(base, value.count, at: offset) {
                sizes.insert(offset + value.count)
            }
        }
        (made.first, made.end) = keep(sizes)
        passages[key] = made
        return made
    }

    /// Whether the literal may lie in one value of a column.
    private func holds(_ column: Int32) throws -> Bool {
        if let known = holding[Int(column)].known { return known }
        let summary = summaries[Int(column)]
        var found = false
        // Most columns are done with by their sizes or classes alone.
        if count <= summary.longest, accepted[0] & summary.mask != 0 {
            if summary.hasList, let values = try list(Int(column)) {
                found = (0..<values.count).contains { index in
                    let value = values.value(index)
                    return value.count >= count && literal.search.occurs(in: value)
                }
            } else if run(from: 0, summary.mask) == count {
                found = try mayBeThere(0..<count, summary)
            }
        }
        holding[Int(column)] = found ? .yes : .no
        return found
    }

    /// Places of `sizes`: of the literal's beginnings that a value of a column may end with.
    private func beginnings(_ column: Int32) throws -> (first: Int32, end: Int32) {
        if begins[Int(column)].first != Self.never { return begins[Int(column)] }
        let summary = summaries[Int(column)]
        var made: (first: Int32, end: Int32) = (0, 0)
        if accepted[0] & summary.mask != 0 {
            if summary.hasList, let values = try list(Int(column)) {
                var sizes: Set<Int> = []
                for index in 0..<values.count {
                    forEachBeginning(values.value(index)) { sizes.insert($0) }
                }
                made = keep(sizes)
            } else {
                let head = run(from: 0, summary.mask)
                let most = max(min(count, summary.longest + 1, head + 1), 1)
                made = keep(
                    try (1..<most).filter { try mayBeThere(0..<$0, summary, endsThere: true) })
            }
        }
        begins[Int(column)] = made
        return made
    }

    /// Whether a stretch of the literal may lie in a value of a column, as far as its ids tell: a run
    /// that ends on both sides, or is as long as any, is an id as it is. The stretch may be known to
    /// begin or to end where the value does.
    private func mayBeThere(
        _ range: Range<Int>, _ summary: ColumnSummary, beginsThere: Bool = false,
        endsThere: Bool = false
    ) throws -> Bool {
        guard summary.longestID > 0, range.count >= IDFilter.shortest, !literal.ignoringCase
        else { return true }
        var runs: [(start: Int, size: Int)] = []
        IDFilter.forEachID(needle.base + range.lowerBound, range.count) { start, size in
            let isWhole =
                size >= summary.longestID
                || (start > 0 || beginsThere) && (start + size < range.count || endsThere)
            if isWhole { runs.append((range.lowerBound + start, size)) }
        }
        return try runs.allSatisfy { try mayHoldID($0.start, $0.size) }
    }

    /// Whether the id that a run of the literal is may be there. Columns ask for the same ones.
    private func mayHoldID(_ start: Int, _ size: Int) throws -> Bool {
        let place = start * (count + 1) + size
        if let known = knownIDs[place] { return known }
        let found = try mayHoldID(IDFilter.key(literal.needle[start..<start + size]))
        knownIDs[place] = found
        return found
    }

    /// A hole of which only sizes and classes are known, for a literal that began before it.
    private func passUnknown(_ column: Int32, _ element: Int32) throws {
        let summary = summaries[Int(column)]
        for offset in 1..<max(count, 1) where reached[offset] != Self.never {
            let rest = count - offset
            let run = run(from: offset, summary.mask)
            if run == rest, rest <= summary.longest,
                try mayBeThere(offset..<count, summary, beginsThere: true)
            {
                accept(from: reached[offset], to: element)
            }
            let most = min(summary.longest, run, rest - 1)
            guard summary.shortest <= most else { continue }
            for size in summary.shortest...most
            where try mayBeThere(
                offset..<offset + size, summary, beginsThere: true, endsThere: true)
            {
                reach(offset + size, from: reached[offset])
            }
        }
    }

    @inline(__always)
    private func run(from offset: Int, _ mask: UInt64) -> Int {
        var at = offset
        while at < count, accepted[at] & mask != 0 { at += 1 }
        return at - offset
    }
}

/// What the search asks of a column again and again.
struct ColumnSummary: Sendable, BitwiseCopyable {
    var mask: UInt64
    var shortest: Int
    var longest: Int
    /// Its distinct values are at hand.
    var hasList: Bool
    /// The size of the longest of its ids, which are in the filter; 0 when they are not.
    var longestID: Int
}
