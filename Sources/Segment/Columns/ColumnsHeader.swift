import Bytes

/// The header of a COLUMNS chunk, decoded and held against itself.
package struct ColumnsHeader: Sendable {
    /// Where a body lies: in a page behind the header, or (page -1) in `inline`.
    struct Place: Sendable {
        var page: Int
        var range: Range<Int>
    }

    struct Column: Sendable {
        var flags: UInt8
        var values: Int
        var shortest: Int
        var longest: Int
        var mask: UInt64
        /// Of ids in the filter, the size of the longest.
        var longestID = 0
        var distinct = 0
        var dictionary: Place?
        var pages: [Place] = []

        var isTime: Bool { flags & ColumnsFormat.Flag.time != 0 }
        var hasIDs: Bool { flags & ColumnsFormat.Flag.ids != 0 }
    }

    private var version: UInt8 = 0
    package private(set) var rows = 0
    private(set) var strips = 0
    package private(set) var lineBytes = 0
    private(set) var checksum: UInt32 = 0
    /// Line bytes of each `ColumnsFormat.pageRows` rows.
    private(set) var rowPageBytes: [Int] = []
    private(set) var table = TemplateTable()
    private(set) var columns: [Column] = []
    private(set) var inline: [UInt8] = []
    /// The pages behind the header, as offsets from the chunk's start; the first has the numbers.
    private(set) var pages: [Range<Int>] = []
    /// The page of the filter of ids.
    private(set) var filterPage: Int?
    /// Bytes of the header's own page.
    private let size: Int

    var templates: Int { table.count }
    var steps: [TemplateTable.Step] { table.steps }
    var firstStep: [Int] { table.firstStep }
    var pieces: [UInt8] { table.pieces }

    /// Bytes of memory, about.
    package private(set) var memory = 0

    /// Decodes the header page, which fills `bytes`.
    init(_ bytes: [UInt8]) throws(SegmentError) {
        size = bytes.count
        let raw = try Page.decode(bytes, 0..<bytes.count, limit: ColumnsFormat.mostHeaderBytes)
        do throws(BytesError) {
            var reader = ByteReader(raw)
            try readCounts(&reader)
            table = try TemplateTable(&reader, limit: ColumnsFormat.mostTemplates) { _ in }
            try readColumns(&reader)
            try readPages(&reader)
        } catch { throw .of(error, in: "header of columns") }
        memory =
            table.memory + inline.count + pages.count * 16
            + columns.reduce(0) { $0 + MemoryLayout<Column>.stride + 32 + $1.pages.count * 24 }
    }

    /// Size of the header's page, told by its first bytes.
    static func size(of bytes: [UInt8]) throws(SegmentError) -> Int {
        guard bytes.count >= SegmentFormat.pageOverhead else {
            throw .corrupt("chunk is cut short", offset: bytes.count)
        }
        let stored = bytes[8..<12].reversed().reduce(0) { $0 << 8 | Int($1) }
        guard stored <= bytes.count - SegmentFormat.pageOverhead else {
            throw .corrupt("header of columns is cut short", offset: bytes.count)
        }
        return stored + SegmentFormat.pageOverhead
    }

    private mutating func readCounts(_ reader: inout ByteReader) throws(BytesError) {
        version = try reader.readUInt8()
        guard (1...ColumnsFormat.version).contains(version) else {
            throw .invalid("version is not known to this program", offset: 0)
        }
        rows = try reader.readCount(limit: ColumnsFormat.mostRows)
        strips = try reader.readCount(limit: ColumnsFormat.mostStrips)
        lineBytes = try reader.readCount(limit: ColumnsFormat.mostLineBytes)
        checksum = try reader.readUInt32()
        var left = lineBytes
        for _ in stride(from: 0, to: rows, by: ColumnsFormat.pageRows) {
            rowPageBytes.append(try reader.readCount(limit: left))
            left -= rowPageBytes[rowPageBytes.count - 1]
        }
        guard left == 0, rows > 0, strips >= rows else {
            throw .invalid("bytes of rows", offset: reader.offset)
        }
    }

    private mutating func readColumns(_ reader: inout ByteReader) throws(BytesError) {
        let count = try reader.readCount(limit: ColumnsFormat.mostColumns)
        var layout = Layout()
        // All values there can be: the pages that hold them cannot take more memory than that.
        var left = strips * (LineCutter.mostHoles + 1)
        for _ in 0..<count {
            var column = Column(
                flags: try reader.readUInt8(),
                values: try reader.readCount(limit: left),
                shortest: try reader.readCount(limit: lineBytes),
                longest: try reader.readCount(limit: lineBytes), mask: try reader.readUInt64())
            left -= column.values
            if column.hasIDs { column.longestID = try reader.readCount(limit: column.longest) }
            var pages = (column.values + ValueFormat.pageValues - 1) / ValueFormat.pageValues
            if column.flags & ColumnsFormat.Flag.dictionary != 0 {
                // Dictionaries take no more memory than the values they stand for.
                column.distinct = try reader.readCount(
                    limit: min(ColumnsFormat.mostDistinct, column.values))
                column.dictionary = try readPlace(&reader, &layout)
                if column.distinct == 1 { pages = 0 }
            }
            for _ in 0..<pages { column.pages.append(try readPlace(&reader, &layout)) }
            columns.append(column)
        }
        for index in columns.indices {
            for page in columns[index].pages.indices {
                layout.settle(&columns[index].pages[page])
            }
            if var place = columns[index].dictionary {
                layout.settle(&place)
                columns[index].dictionary = place
            }
        }
        guard table.steps.allSatisfy({ $0.column < Int32(count) }) else {
            throw .invalid("column of a hole", offset: reader.offset)
        }
    }

    private mutating func readPlace(
        _ reader: inout ByteReader, _ layout: inout Layout
    ) throws(BytesError) -> Place {
        let value = try reader.readCount(limit: SegmentFormat.maxPageBytes * 4)
        guard let kind = ColumnsFormat.Place(rawValue: value & 3) else {
            throw .invalid("place of a body", offset: reader.offset)
        }
        let count = value >> 2
        guard kind == .inline else { return layout.place(count, isBundled: kind == .bundled) }
        let body = try reader.readBytes(count)
        inline += body
        return Place(page: -1, range: inline.count - count..<inline.count)
    }

    private mutating func readPages(_ reader: inout ByteReader) throws(BytesError) {
        let count = try reader.readCount(limit: reader.remaining)
        var offset = size
        for _ in 0..<count {
            let stored = try reader.readCount(
                limit: SegmentFormat.maxPageBytes + SegmentFormat.pageOverhead)
            pages.append(offset..<offset + stored)
            offset += stored
        }
        if version >= 2, try reader.readUInt8() == 1 { filterPage = count - 1 }
        let last =
            columns.lazy.flatMap { $0.pages + ($0.dictionary.map { [$0] } ?? []) }
            .map(\.page).max() ?? 0
        guard reader.isAtEnd, count > max(last, 0) else {
            throw .invalid("pages of columns", offset: reader.offset)
        }
    }

    /// Finds the places of bodies as the writer laid them out.
    private struct Layout {
        private var bundle = 0
        private var filled = 0
        private var own = 0

        mutating func place(_ count: Int, isBundled: Bool) -> Place {
            guard isBundled else {
                own += 1
                // Counted backwards until the number of bundles is known.
                return Place(page: -1 - own, range: 0..<count)
            }
            if filled >= ColumnsFormat.bundleBytes {
                bundle += 1
                filled = 0
            }
            defer { filled += count }
            return Place(page: 1 + bundle, range: filled..<filled + count)
        }

        func settle(_ place: inout Place) {
            guard place.page < -1 else { return }
            let bundles = bundle + (filled > 0 ? 1 : 0)
            place.page = bundles + -1 - place.page
        }
    }
}
