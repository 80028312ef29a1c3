import Bytes
import Segment
import Testing

/// What no writer makes: headers and pages with right checksums that tell of more than there is.
@Suite struct HostileColumnsTests {
    /// As many numbers as are asked for, all of them 1 (`IntBlock`).
    private static let ones: [UInt8] = [0, 2, 1]
    /// As many values as are asked for, all of them `x` (`ValueFormat`).
    private static let values: [UInt8] = [0, 1, UInt8(ascii: "x")]
    private static let pageValues = 4096

    private func sealed(_ body: [UInt8]) -> [UInt8] {
        var out: [UInt8] = [0, 0, 0, 0]
        out.appendLE(UInt32(body.count))
        out.appendLE(UInt32(body.count))
        out += body
        out.appendLE(crc32c(out))
        return out
    }

    /// A chunk of one line of `x` in holes with a space in front of each.
    private func chunk(holes: Int, distinct: Int = 1) -> [UInt8] {
        let page = sealed(Self.ones)
        var out: [UInt8] = [2]
        let lineBytes = UInt64(holes * 2)
        for count in [1, 1, lineBytes] { out.appendVarint(count) }
        out.appendLE(UInt32(0))
        for count in [lineBytes, 2] { out.appendVarint(count) }
        // Template 0 is a hole of column 0; template 1 has all of its holes in column 1.
        out += [1, 0, 0, 0]
        out.appendVarint(UInt64(holes))
        out += [UInt8](repeating: 1, count: holes)
        for _ in 0..<holes { out += [1, 32] }
        out.append(0)
        out.appendVarint(2)
        out += [UInt8](repeating: 0, count: 4 + 8)
        // A dictionary, whose body lies in the header.
        out.append(2)
        for count in [UInt64(holes), 1, 1] { out.appendVarint(count) }
        out.appendLE(UInt64.max)
        out.appendVarint(UInt64(distinct))
        out.appendVarint(UInt64(Self.values.count * 4 + 2))
        out += Self.values
        if distinct > 1 { out.appendVarint(2) }
        for count in [1, UInt64(page.count)] { out.appendVarint(count) }
        out.append(0)
        return sealed(out) + page
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
        var body: [UInt8] = []
        body.appendVarint(UInt64(rows + 1))
        body.appendVarint(UInt64(names))
        for name in 0..<names {
            let text = Array("name\(name)".utf8)
            body.appendVarint(UInt64(text.count))
            body += text
            body.appendVarint(UInt64(rows))
            body += Self.ones
            for _ in 0..<rows / Self.pageValues { body += Self.values }
        }
        body += Self.ones
        let page = sealed(body)
        #expect(page.count < 200 * 1024)
        #expect(throws: SegmentError.self) { try MetadataPage.decode(page, rows: rows) }
    }
}
