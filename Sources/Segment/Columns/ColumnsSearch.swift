import Bytes

/// What the header of a chunk tells of a literal, before any page is read.
package enum ColumnsVerdict: Sendable, Equatable {
    /// In every line.
    case all
    /// In no line.
    case none
    case maybe
}

/// Finds the rows of a chunk whose lines hold a literal: templates first, then columns as a whole,
/// and lines in part only where the literal may lie across a hole's edge. What is found was seen in
/// real bytes, what is not found was ruled out: the answer is that of a search in all lines.
struct ColumnsSearch {
    private let literal: ColumnsLiteral
    private unowned let reader: ColumnsReader
    private let plans: [LiteralPlan]
    /// Whether the filter of ids had a say.
    let asksIDs: Bool

    init(_ literal: ColumnsLiteral, _ reader: ColumnsReader) throws {
        self.literal = literal
        self.reader = reader
        let pages = reader.pages
        var asksIDs = false
        let alignment = LiteralAlignment(
            literal, reader.header.table, pages.summaries(),
            list: { try pages.dictionary($0) },
            mayHoldID: { key in
                asksIDs = pages.header.filterPage != nil
                return try pages.ids()?.mayHold(key) ?? true
            })
        var plans: [LiteralPlan] = []
        plans.reserveCapacity(reader.header.templates)
        for template in 0..<reader.header.templates {
            plans.append(try alignment.plan(ofTemplate: template))
        }
        self.plans = plans
        self.asksIDs = asksIDs
    }

    /// Whether values must be looked at, beside the templates of the lines.
    var asksValues: Bool { !plans.allSatisfy { $0.isEverywhere || $0.isNowhere } }

    var verdict: ColumnsVerdict {
        if plans.allSatisfy(\.isNowhere) { return .none }
        return plans.dropFirst().allSatisfy(\.isEverywhere) && (plans[0].isEverywhere || !hasWhole)
            ? .all : .maybe
    }

    /// Whether a strip has no template.
    private var hasWhole: Bool {
        let header = reader.header
        return header.steps.first.map {
            $0.column >= 0 && header.columns[Int($0.column)].values > 0
        }
            ?? false
    }

    func rows(timestamps: () throws -> [Int64]) throws -> [UInt32] {
        let header = reader.header
        let scan = ColumnScan(literal, reader.pages)
        var hits: [Int: [Int]] = [:]
        var times: Set<Int32> = []
        for column in plans.reduce(into: Set<Int32>(), { $0.formUnion($1.columns) }) {
            if header.columns[Int(column)].isTime {
                times.insert(column)
                continue
            }
            let found = try scan.hits(in: Int(column))
            if !found.isEmpty { hits[Int(column)] = found }
        }
        let stitched = stitches(times)
        let isStitched = stitched.contains { $0 != nil }
        guard isStitched || !hits.isEmpty || plans.contains(where: \.isEverywhere) else {
            return []
        }
        let numbers = try reader.pages.numbers()
        var isHit = [Bool](repeating: false, count: header.strips)
        mark(numbers.templates, hits, in: &isHit)
        if isStitched {
            try Stitching(literal, reader, stitched).mark(numbers, try timestamps(), in: &isHit)
        }
        var rows: [UInt32] = []
        for row in 0..<header.rows where numbers.strips(ofRow: row).contains(where: { isHit[$0] }) {
            rows.append(UInt32(truncatingIfNeeded: row))
        }
        return rows
    }

    /// Per template, the elements to be put together: times have no bytes of their own to be scanned.
    private func stitches(_ times: Set<Int32>) -> [ClosedRange<Int>?] {
        let header = reader.header
        return plans.indices.map { template in
            let plan = plans[template]
            guard !plan.isEverywhere else { return nil }
            guard plan.across != nil || !plan.columns.isEmpty else { return nil }
            var elements = plan.across
            let first = header.firstStep[template]
            for step in first..<header.firstStep[template + 1] {
                let column = header.steps[step].column
                guard times.contains(column), plan.columns.contains(column) else { continue }
                let hole = (step - first) * 2 + 1
                elements = LiteralPlan.joined(elements, hole...hole)
            }
            return elements
        }
    }

    /// Marks the strips of templates that hold the literal, and those of values that do.
    private func mark(_ numbers: [UInt16], _ hits: [Int: [Int]], in isHit: inout [Bool]) {
        let everywhere = plans.map(\.isEverywhere)
        guard !hits.isEmpty else {
            for strip in numbers.indices where everywhere[Int(numbers[strip])] {
                isHit[strip] = true
            }
            return
        }
        let header = reader.header
        let columns = hits.keys.sorted()
        // Of each template, which of these columns its holes take, in their order.
        let taken = plans.indices.map { template in
            header.steps[header.firstStep[template]..<header.firstStep[template + 1]]
                .compactMap { step in columns.firstIndex(of: Int(step.column)) }
        }
        var position = [Int](repeating: 0, count: columns.count)
        var nextHit = [Int](repeating: 0, count: columns.count)
        let lists = columns.map { (hits[$0] ?? []) + [.max] }
        for strip in numbers.indices {
            let template = Int(numbers[strip])
            if everywhere[template] { isHit[strip] = true }
            for column in taken[template] {
                if lists[column][nextHit[column]] == position[column] {
                    isHit[strip] = true
                    nextHit[column] += 1
                }
                position[column] += 1
            }
        }
    }
}

/// Looks for a literal in the values of a column.
struct ColumnScan {
    private let literal: ColumnsLiteral
    private let pages: ColumnPages
    private let probe: ValueProbe?

    init(_ literal: ColumnsLiteral, _ pages: ColumnPages) {
        self.literal = literal
        probe = ValueProbe(literal)
        self.pages = pages
    }

    /// Numbers of the values that hold it, ascending.
    func hits(in column: Int) throws -> [Int] {
        let entry = pages.header.columns[column]
        if let probe, try !pages.dictionaryMayHold(probe, column) { return [] }
        if let list = try pages.dictionary(column) {
            let found = hits(in: list)
            guard !found.isEmpty else { return [] }
            if entry.distinct == 1 { return Array(0..<entry.values) }
            return try codes(column, Set(found), of: list.count)
        }
        var out: [Int] = []
        for page in entry.pages.indices {
            if let probe, try !pages.pageMayHold(probe, column, page: page) { continue }
            guard case .bytes(let list) = try pages.values(column, page: page) else { continue }
            let base = page * ValueFormat.pageValues
            for hit in hits(in: list) { out.append(base + hit) }
        }
        return out
    }

    private func codes(_ column: Int, _ found: Set<Int>, of count: Int) throws -> [Int] {
        let entry = pages.header.columns[column]
        let isFound = (0..<count).map { found.contains($0) }
        var out: [Int] = []
        for page in entry.pages.indices {
            guard case .codes(let codes, _) = try pages.values(column, page: page) else { continue }
            let base = page * ValueFormat.pageValues
            for index in 0..<min(ValueFormat.pageValues, entry.values - base)
            where isFound[Int(codes.numbers[index])] {
                out.append(base + index)
            }
        }
        return out
    }

    /// All values at once; what lies across the end of one is no hit.
    private func hits(in list: ByteColumn) -> [Int] {
        var out: [Int] = []
        let text = UnsafeRawBufferPointer(start: list.bytes, count: list.used)
        let size = literal.needle.count
        RunHits.find(literal.search, size, in: text, ends: list.ends + 1, count: list.count) {
            out.append($0)
        }
        return out
    }
}

/// Finds the runs of a text, end to end, that hold a literal.
enum RunHits {
    @inline(__always)
    static func find(
        _ search: ByteSearch, _ size: Int, in text: UnsafeRawBufferPointer,
        ends: UnsafePointer<UInt32>, count: Int, _ hit: (Int) -> Void
    ) {
        var from = 0
        var run = 0
        while run < count, let at = search.find(in: text, from: from) {
            while run < count, Int(ends[run]) < at + 1 { run += 1 }
            guard run < count else { return }
            if at + size <= Int(ends[run]) {
                hit(run)
                from = Int(ends[run])
                run += 1
            } else {
                from = at + 1
            }
        }
    }
}
