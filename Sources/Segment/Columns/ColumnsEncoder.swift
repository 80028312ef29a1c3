import Bytes
import Synchronization

/// Writes the lines of one chunk as columns.
package enum ColumnsEncoder {
    /// Chunks that did not decode to their lines, and were not used: there should never be one.
    package static let mismatches = Atomic<Int>(0)

    /// More than this of zstd's size, and the chunk is not worth its structure.
    private static let worthwhile = 0.9
    private static let clearly = 0.6
    private static let samples = 4
    private static let sampleBytes = 64 * 1024

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
        let text = RawList<UInt8>(capacity: lines.count + Values.slack)
        lines.withUnsafeBufferPointer {
            if let base = $0.baseAddress { text.base.update(from: base, count: $0.count) }
        }
        (text.base + lines.count).initialize(repeating: 0, count: Values.slack)
        guard
            let chunk = ChunkBuilder(text.base, lines, lineEnds, timestamps, always: always)?
                .finish(lines)
        else { return nil }
        guard always || pays(chunk, lines) else { return nil }
        guard isExact(chunk, lines, lineEnds, timestamps) else {
            mismatches.add(1, ordering: .relaxed)
            return nil
        }
        return chunk
    }

    /// Whether the chunk is clearly smaller than frames of zstd. A few samples mostly tell; where
    /// they leave a doubt, all frames are tried.
    private static func pays(_ chunk: [UInt8], _ lines: [UInt8]) -> Bool {
        func packed(_ range: Range<Int>) -> Int {
            lines.withUnsafeBytes {
                Zstd.compress(UnsafeRawBufferPointer(rebasing: $0[range]), level: 3).count
            }
        }
        if lines.count >= samples * sampleBytes * 2 {
            var size = 0
            for sample in 0..<samples {
                let start = (lines.count - sampleBytes) / (samples - 1) * sample
                size += packed(start..<start + sampleBytes)
            }
            let expected = Double(size) * Double(lines.count) / Double(samples * sampleBytes)
            if Double(chunk.count) < clearly * expected { return true }
        }
        var plain = 0
        for start in stride(from: 0, to: lines.count, by: SegmentFormat.frameBytes) {
            plain += packed(start..<min(start + SegmentFormat.frameBytes, lines.count))
        }
        return Double(chunk.count) < worthwhile * Double(plain)
    }

    private static func isExact(
        _ chunk: [UInt8], _ lines: [UInt8], _ lineEnds: [UInt32], _ timestamps: [Int64]
    ) -> Bool {
        do {
            let reader = try ColumnsReader(chunk)
            let decoded = try reader.lines(0..<lineEnds.count, timestamps: timestamps)
            return decoded.ends == lineEnds && decoded.bytes == lines
        } catch {
            return false
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

    /// Nil when too few lines fit templates, or there are too many of those.
    init?(
        _ text: UnsafePointer<UInt8>, _ lines: [UInt8], _ lineEnds: [UInt32],
        _ timestamps: [Int64], always: Bool
    ) {
        self.lineEnds = lineEnds
        strips = Strips(lines, lineEnds)
        let rows = strips.ends.count
        numbers = RawList(repeating: 0, count: rows)
        let table = LineTable(text: text, ends: strips.ends)
        let merge = TemplateMerge(table, enoughRows: max(rows / 2048, 16))
        let merged = MergedTemplates(merge, table, rows: rows)
        templates = merged.templates
        guard templates.count <= ColumnsFormat.mostTemplates,
            merged.isTimeColumn.count <= ColumnsFormat.mostColumns,
            always
                || templates.count <= max(rows / 16, 16) && templates[0].rows * 5 <= rows * 2
        else { return nil }
        for row in 0..<rows {
            let found = table.templateOfStrip[row]
            numbers[row] = found == LineTable.none ? 0 : Int64(merged.target[Int(found)])
        }
        let pool = ColumnPool(table, merged, strips: strips)
        for column in pool.columns {
            let values = Values(
                text: text, spans: pool.spans.base + column.first, count: column.count)
            guard column.count > 0 else {
                columns.append(EncodedColumn())
                continue
            }
            var encoded = ColumnEncoder.encode(
                values, isTime: column.isTime, rows: pool.rows.base + column.first,
                timestamps: timestamps)
            if encoded.mayBeIDs { gatherIDs(values, &encoded) }
            columns.append(encoded)
        }
    }

    /// Takes the ids of a column to the filter, if every value has one.
    private func gatherIDs(_ values: Values, _ column: inout EncodedColumn) {
        var found: [UInt64] = []
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

    /// Nil when the header would be beyond what a reader takes.
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
        return pages.reduce(Page.encode(header, zstdLevel: 3)) { $0 + $1 }
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
