import Bytes
import Synchronization

/// Writes the lines of one chunk as columns.
package enum ColumnsEncoder {
    /// Chunks that did not decode to their lines, and were not used: there should never be one.
    package static let mismatches = Atomic<Int>(0)

    /// More than this of zstd's size, and the chunk is not worth its structure.
    private static let worthwhile = 0.9
    /// The same for lines of little but values, which are slower to read from columns than from
    /// frames: that must be paid for.
    private static let worthwhileIfDense = 0.6
    /// Line bytes for each value and strip, from which on columns are read as fast as frames.
    private static let looseBytes = 12
    /// Samples are too small for zstd to do its best: less than this of what they promise is less
    /// than frames would take.
    private static let clearly = 0.5
    /// Now and then frames take more than samples promise, but not by so much.
    private static let hopeless = 1.25
    private static let samples = 2
    private static let sampleBytes = 32 * 1024
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
        let chunk = withSlack(lines) { text -> [UInt8]? in
            guard
                let builder = ChunkBuilder(text, lines, lineEnds, timestamps, always: always),
                let chunk = builder.finish(lines)
            else { return nil }
            return always || pays(chunk, lines, builder) ? chunk : nil
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

    /// Whether the chunk is clearly smaller than frames of zstd. Samples mostly tell; where they
    /// leave a doubt, all frames are tried.
    private static func pays(_ chunk: [UInt8], _ lines: [UInt8], _ builder: ChunkBuilder) -> Bool {
        func packed(_ range: Range<Int>) -> Int {
            lines.withUnsafeBytes {
                Zstd.compress(UnsafeRawBufferPointer(rebasing: $0[range]), level: 3).count
            }
        }
        let isDense = lines.count < looseBytes * (builder.values + builder.strips.ends.count)
        let worthwhile = isDense ? worthwhileIfDense : worthwhile
        if lines.count >= samples * sampleBytes * 2 {
            var size = 0
            for sample in 1...samples {
                let start = (lines.count - sampleBytes) / (samples + 1) * sample
                size += packed(start..<start + sampleBytes)
            }
            let expected = Double(size) * Double(lines.count) / Double(samples * sampleBytes)
            if Double(chunk.count) > worthwhile * hopeless * expected { return false }
            // Lines of many strips, as stack traces are, repeat over more than a sample.
            if Double(chunk.count) < clearly * expected, !builder.hasManyStrips { return true }
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
    let strips: Strips
    private var templates: [ChunkTemplate] = []
    private let numbers: RawList<Int64>
    private var columns: [EncodedColumn] = []

    var values: Int { columns.reduce(0) { $0 + $1.values } }
    var hasManyStrips: Bool { strips.ends.count > 2 * lineEnds.count }

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
        // Strips without any template will not get one.
        guard always || table.unplaced * 5 <= rows * 2 else { return nil }
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
            columns.append(
                column.count == 0
                    ? EncodedColumn()
                    : ColumnEncoder.encode(
                        values, isTime: column.isTime, rows: pool.rows.base + column.first,
                        timestamps: timestamps))
        }
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
        let pages = layout.finish()
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
        guard header.count <= ColumnsFormat.mostHeaderBytes else { return nil }
        var chunk = Page.encode(header, zstdLevel: 3)
        chunk.reserveCapacity(pages.reduce(chunk.count) { $0 + $1.count })
        for page in pages { chunk += page }
        return chunk
    }

    private func describeTemplates(_ out: inout [UInt8]) {
        out.appendVarint(UInt64(templates.count))
        for template in templates {
            out.appendVarint(UInt64(template.columns.count))
            for column in template.columns { out.appendVarint(UInt64(column)) }
            for piece in template.pieces {
                out.appendVarint(UInt64(piece.count))
                out += piece
            }
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
