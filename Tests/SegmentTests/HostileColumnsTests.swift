import Bytes
import Testing

@testable import Segment

/// What no writer makes: headers and pages with right checksums that tell of more than there is.
@Suite struct HostileColumnsTests {
    /// A chunk of one line of `x` in holes with a space in front of each.
    private func chunk(holes: Int, distinct: Int = 1) -> [UInt8] {
        var numbers: [UInt8] = []
        IntBlock.encode([1], count: 1, into: &numbers)
        let page = Page.seal(numbers)
        var out: [UInt8] = [ColumnsFormat.version]
        let lineBytes = UInt64(holes * 2)
        for count in [1, 1, lineBytes] { out.appendVarint(count) }
        out.appendLE(UInt32(0))
        for count in [lineBytes, 2] { out.appendVarint(count) }
        TemplateTable.write([[], []], columns: [0], into: &out)
        let pieces = [[UInt8]](repeating: [32], count: holes) + [[]]
        TemplateTable.write(pieces, columns: [Int](repeating: 1, count: holes), into: &out)
        out.appendVarint(2)
        out += [UInt8](repeating: 0, count: 4 + 8)
        out.append(ColumnsFormat.Flag.dictionary)
        for count in [UInt64(holes), 1, 1] { out.appendVarint(count) }
        out.appendLE(ByteClasses.mask("x".utf8))
        out.appendVarint(UInt64(distinct))
        let list = values(1)
        out.appendVarint(UInt64(list.count * 4 + ColumnsFormat.Place.inline.rawValue))
        out += list
        if distinct > 1 { out.appendVarint(UInt64(ColumnsFormat.Place.inline.rawValue)) }
        for count in [1, UInt64(page.count)] { out.appendVarint(count) }
        out.append(0)
        return Page.seal(out) + page
    }

    /// So many values `x`.
    private func values(_ count: Int) -> [UInt8] {
        var out: [UInt8] = []
        let text = Array("x".utf8) + [UInt8](repeating: 0, count: Values.slack)
        let spans = [ByteSpan](repeating: ByteSpan(0, 1), count: count)
        text.withUnsafeBufferPointer { text in
            spans.withUnsafeBufferPointer { spans in
                guard let text = text.baseAddress, let spans = spans.baseAddress else { return }
                ValueEncoder.encode(Values(text: text, spans: spans, count: count), into: &out)
            }
        }
        return out
    }

    @Test func templatesHaveNoMoreHolesThanLinesAreCutTo() throws {
        let reader = try ColumnsReader(chunk(holes: 250))
        let line = try reader.lines(0..<1, timestamps: [0]).bytes
        #expect(line == Array(String(repeating: " x", count: 250).utf8))
        #expect(throws: SegmentError.self) { try ColumnsReader(chunk(holes: 251)) }
    }

    @Test func dictionariesHaveNoMoreThanTheValues() throws {
        #expect(throws: SegmentError.self) { try ColumnsReader(chunk(holes: 2, distinct: 60_000)) }
    }

    /// Less than 200 KiB told of sixteen million labels, in gigabytes of memory.
    @Test func aFewBytesOfMetadataAreNotMillionsOfLabels() throws {
        let (rows, names) = (65_536, 256)
        var ids: [UInt8] = []
        IntBlock.encode([Int64](repeating: 1, count: rows), count: rows, into: &ids)
        var body: [UInt8] = []
        body.appendVarint(UInt64(rows + 1))
        body.appendVarint(UInt64(names))
        let list = values(ValueFormat.pageValues)
        for name in 0..<names {
            let text = Array("name\(name)".utf8)
            body.appendVarint(UInt64(text.count))
            body += text
            body.appendVarint(UInt64(rows))
            body += ids
            for _ in 0..<rows / ValueFormat.pageValues { body += list }
        }
        body += ids
        let page = Page.seal(body)
        #expect(page.count < 200 * 1024)
        #expect(throws: SegmentError.self) { try MetadataPage.decode(page, rows: rows) }
    }
}
