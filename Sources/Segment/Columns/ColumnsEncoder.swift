import Bytes
import Synchronization

/// Writes the lines of one chunk as columns.
package enum ColumnsEncoder {
    /// Chunks that did not decode to their lines, and were not used: there should never be one.
    package static let mismatches = Atomic<Int>(0)

    /// Lines are compared so many bytes at a time: less than a cache holds, more than a few.
    private static let comparedBytes = 512 * 1024

    /// Nil when plain compression is about as small, or the lines have too little in common.
    /// `lineEnds` and `timestamps` are those of the entries, in their order. `always` leaves out the
    /// question whether it pays, for tests.
    package static func encode(
        lines: [UInt8], lineEnds: [UInt32], timestamps: [Int64], always: Bool = false
    ) -> [UInt8]? {
        precondition(lineEnds.count == timestamps.count, "a line has one timestamp")
        guard !lineEnds.isEmpty, lineEnds.count <= ColumnsFormat.mostRows, !lines.isEmpty,
            lines.count <= ColumnsFormat.mostLineBytes,
            Int(lineEnds[lineEnds.count - 1]) == lines.count
        else { return nil }
        guard always || !ColumnsWorth.areTooShort(lines, lineEnds) else { return nil }
        let worth = always ? nil : ColumnsWorth(lines, lineEnds)
        let chunk = withSlack(lines) {
            ChunkBuilder($0, lines, lineEnds, timestamps, worth)?.finish(lines)
        }
        guard let chunk else { return nil }
        guard isExact(chunk, lines, lineEnds, timestamps) else {
            mismatches.add(1, ordering: .relaxed)
            return nil
        }
        return chunk
    }

    /// The bytes with `Values.slack` of any content behind them: in their place where the array has
    /// room there, which arrays that grew mostly have.
    private static func withSlack<T>(
        _ lines: [UInt8], _ body: (UnsafePointer<UInt8>) -> T?
    ) -> T? {
        lines.withUnsafeBufferPointer { lent in
            guard let base = lent.baseAddress else { return nil }
            if lines.capacity - lines.count >= Values.slack { return body(base) }
            let copy = RawList<UInt8>(capacity: lines.count + Values.slack)
            copy.base.update(from: base, count: lines.count)
            (copy.base + lines.count).initialize(repeating: 0, count: Values.slack)
            return body(copy.base)
        }
    }

    private static func isExact(
        _ chunk: [UInt8], _ lines: [UInt8], _ lineEnds: [UInt32], _ timestamps: [Int64]
    ) -> Bool {
        do {
            let reader = try ColumnsReader(chunk)
            // Some rows at a time: what was decoded is compared while it is still near.
            var (row, start) = (0, 0)
            while row < lineEnds.count {
                let first = row
                repeat {
                    row = min(row + ColumnsFormat.pageRows, lineEnds.count)
                } while row < lineEnds.count && Int(lineEnds[row - 1]) - start < comparedBytes
                let decoded = try reader.lines(first..<row, timestamps: timestamps)
                let end = Int(lineEnds[row - 1])
                guard isSame(decoded.bytes, lines, start..<end) else { return false }
                for (row, found) in zip(first..<row, decoded.ends)
                where start + Int(found) != lineEnds[row] { return false }
                start = end
            }
            return true
        } catch {
            return false
        }
    }

    private static func isSame(_ part: [UInt8], _ all: [UInt8], _ range: Range<Int>) -> Bool {
        guard part.count == range.count else { return false }
        return part.withUnsafeBufferPointer { part in
            all.withUnsafeBufferPointer { all in
                guard let a = part.baseAddress, let b = all.baseAddress else { return true }
                return ByteRun.equalAlone(a, b + range.lowerBound, part.count)
            }
        }
    }
}

/// The parts of one chunk, from lines to columns to bytes.
private final class ChunkBuilder {
    private let lineEnds: [UInt32]
    private let strips: Strips
    private var templates: [ChunkTemplate] = []
    private let numbers: RawList<Int64>
    private var columns: [EncodedColumn] = []
    /// Of the values of id-like columns, all together.
    private var ids: [UInt64] = []
    private let worth: ColumnsWorth?
    private let isDense: Bool

    /// Nil when too few lines fit templates, or there are too many of those, or columns of them would
    /// be too large. Without `worth` none of this is asked.
    init?(
        _ text: UnsafePointer<UInt8>, _ lines: [UInt8], _ lineEnds: [UInt32],
        _ timestamps: [Int64], _ worth: ColumnsWorth?
    ) {
        self.lineEnds = lineEnds
        self.worth = worth
        strips = Strips(text, lines, lineEnds)
        let rows = strips.ends.count
        numbers = RawList(repeating: 0, count: rows)
        let table = LineTable(text: text, strips: strips)
        // Strips without any template will not get one.
        guard worth == nil || table.unplaced * 5 <= rows * 2 else { return nil }
        let merge = TemplateMerge(table, enoughRows: max(rows / 2048, 16))
        let merged = MergedTemplates(merge, table, rows: rows)
        templates = merged.templates
        guard templates.count <= ColumnsFormat.mostTemplates,
            merged.isTimeColumn.count <= ColumnsFormat.mostColumns,
            worth == nil
                || templates.count <= max(rows / 16, 16)
                    && (templates[0].rows - strips.repeated.count) * 5 <= rows * 2
        else { return nil }
        for row in 0..<rows {
            let found = table.templateOfStrip[row]
            numbers[row] = found == LineTable.none ? 0 : Int64(merged.target[Int(found)])
        }
        let pool = ColumnPool(table, merged, strips: strips)
        isDense = ColumnsWorth.isDense(
            lines, values: pool.columns.reduce(0) { $0 + $1.count }, strips: rows)
        let literal = templates.reduce(0) { sum, template in
            template.pieces.reduce(sum) { $0 + $1.count * template.rows }
        }
        if let worth, isDense || ColumnsWorth.isMostlyValues(lines, literal: literal) {
            // Many values, or long ones, are slow to encode: their first part tells whether to go on.
            let trial = Self.encoded(pool, text, timestamps, share: Self.trialShare)
            let size = trial.reduce(0) {
                $0 + $1.size + ($1.mayBeIDs ? $1.values * IDFilter.bitsPerID / 8 : 0)
            }
            guard worth.maySuffice(size, ofFirst: Self.trialShare, isDense: isDense) else {
                return nil
            }
        }
        columns = Self.encoded(pool, text, timestamps, share: 1)
        for index in columns.indices where columns[index].mayBeIDs {
            let column = pool.columns[index]
            gatherIDs(
                Values(text: text, spans: pool.spans.base + column.first, count: column.count),
                &columns[index])
        }
    }

    /// Takes the ids of a column to the filter, if every value has one.
    private func gatherIDs(_ values: Values, _ column: inout EncodedColumn) {
        var found: [UInt64] = []
        found.reserveCapacity(values.count)
        for index in 0..<values.count {
            let value = values.start(index)
            let before = found.count
            IDFilter.forEachID(value, values.size(index)) { start, size in
                found.append(IDFilter.key(value + start, size))
                column.longestID = max(column.longestID, size)
            }
            if found.count == before { return }
        }
        column.flags |= ColumnsFormat.Flag.ids
        ids += found
    }

    private static let trialShare = 8

    /// The columns, or the first of so many parts of each.
    private static func encoded(
        _ pool: ColumnPool, _ text: UnsafePointer<UInt8>, _ timestamps: [Int64], share: Int
    ) -> [EncodedColumn] {
        pool.columns.map { column in
            let count = (column.count + share - 1) / share
            guard count > 0 else { return EncodedColumn() }
            return ColumnEncoder.encode(
                Values(text: text, spans: pool.spans.base + column.first, count: count),
                isTime: column.isTime, rows: pool.rows.base + column.first,
                timestamps: timestamps)
        }
    }

    /// Nil when the header would be beyond what a reader takes, or the chunk does not pay.
    func finish(_ lines: [UInt8]) -> [UInt8]? {
        var layout = PageLayout()
        var body: [UInt8] = []
        IntBlock.encode(numbers.base, count: strips.ends.count, into: &body)
        strips.perRow.withUnsafeBufferPointer {
            if let base = $0.baseAddress { IntBlock.encode(base, count: $0.count, into: &body) }
        }
        layout.numbers = Page.seal(body)
        var directory: [UInt8] = []
        directory.appendVarint(UInt64(columns.count))
        for column in columns { Self.describe(column, &layout, &directory) }
        var pages = layout.finish()
        let filter = IDFilter(ids)
        if let filter { pages.append(Page.seal(filter.encode())) }
        var header: [UInt8] = [ColumnsFormat.version]
        header.appendVarint(UInt64(lineEnds.count))
        header.appendVarint(UInt64(strips.ends.count))
        header.appendVarint(UInt64(lines.count))
        header.appendLE(crc32c(lines))
        var before = 0
        for start in stride(from: 0, to: lineEnds.count, by: ColumnsFormat.pageRows) {
            let end = Int(lineEnds[min(start + ColumnsFormat.pageRows, lineEnds.count) - 1])
            header.appendVarint(UInt64(end - before))
            before = end
        }
        describeTemplates(&header)
        header += directory
        header.appendVarint(UInt64(pages.count))
        for page in pages { header.appendVarint(UInt64(page.count)) }
        header.append(filter == nil ? 0 : 1)
        guard header.count <= ColumnsFormat.mostHeaderBytes else { return nil }
        var chunk = Page.encode(header, zstdLevel: 3)
        chunk.reserveCapacity(pages.reduce(chunk.count) { $0 + $1.count })
        for page in pages { chunk += page }
        guard let worth else { return chunk }
        let hasManyStrips = strips.ends.count > 2 * lineEnds.count
        return worth.pays(chunk.count, isDense: isDense, hasManyStrips: hasManyStrips)
            ? chunk : nil
    }

    private func describeTemplates(_ out: inout [UInt8]) {
        out.appendVarint(UInt64(templates.count))
        for template in templates {
            TemplateTable.write(template.pieces, columns: template.columns, into: &out)
        }
    }

    private static func describe(
        _ column: EncodedColumn, _ layout: inout PageLayout, _ out: inout [UInt8]
    ) {
        out.append(column.flags)
        out.appendVarint(UInt64(column.values))
        out.appendVarint(UInt64(column.shortest))
        out.appendVarint(UInt64(column.longest))
        out.appendLE(column.mask)
        if column.flags & ColumnsFormat.Flag.ids != 0 {
            out.appendVarint(UInt64(column.longestID))
        }
        if column.flags & ColumnsFormat.Flag.dictionary != 0 {
            out.appendVarint(UInt64(column.distinct))
            if column.dictionary.count < ColumnsFormat.inlineBelow || column.distinct == 1 {
                out.appendVarint(
                    UInt64(column.dictionary.count * 4 + ColumnsFormat.Place.inline.rawValue))
                out += column.dictionary
            } else {
                layout.place(column.dictionary, &out)
            }
        }
        for page in column.pages { layout.place(page, &out) }
    }
}

/// Bodies on their way to pages.
private struct PageLayout {
    var numbers: [UInt8] = []
    private var bundles: [[UInt8]] = []
    private var open: [UInt8] = []
    private var own: [[UInt8]] = []

    mutating func place(_ body: [UInt8], _ out: inout [UInt8]) {
        let isSmall = body.count < ColumnsFormat.bundledBelow
        let place = isSmall ? ColumnsFormat.Place.bundled : .own
        out.appendVarint(UInt64(body.count * 4 + place.rawValue))
        guard isSmall else {
            own.append(Page.seal(body))
            return
        }
        open += body
        if open.count >= ColumnsFormat.bundleBytes { closeBundle() }
    }

    private mutating func closeBundle() {
        guard !open.isEmpty else { return }
        bundles.append(Page.encode(open, zstdLevel: 1))
        open = []
    }

    mutating func finish() -> [[UInt8]] {
        closeBundle()
        return [numbers] + bundles + own
    }
}
