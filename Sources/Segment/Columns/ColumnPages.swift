import Bytes
import LogModel

/// What a page of a column holds, ready to be walked through.
enum PageValues {
    case bytes(ByteColumn)
    case codes(RawCodes, ByteColumn)
    case times(RawCodes, LineTime.Style)

    /// Bytes of memory, about; a dictionary is counted where it is kept.
    var memory: Int {
        switch self {
        case .bytes(let column): column.memory
        case .codes(let codes, _), .times(let codes, _): codes.count * 8
        }
    }
}

/// Numbers of a decoded page.
final class RawCodes {
    let numbers: UnsafeMutablePointer<Int64>
    let count: Int

    init(count: Int) {
        self.count = count
        numbers = .allocate(capacity: max(count, 1))
        numbers.initialize(repeating: 0, count: max(count, 1))
    }

    deinit { numbers.deallocate() }
}

/// Which template each strip has, and which strips each row.
struct StripNumbers {
    let templates: [UInt16]
    /// The first strip of each row and one behind the last; nil when a row is a strip.
    let firstStrip: [UInt32]?

    @inline(__always)
    func first(ofRow row: Int) -> Int { firstStrip.map { Int($0[row]) } ?? row }

    @inline(__always)
    func strips(ofRow row: Int) -> Range<Int> {
        guard let firstStrip else { return row..<row + 1 }
        return Int(firstStrip[row])..<Int(firstStrip[row + 1])
    }
}

/// Fetches and decodes the pages of a chunk.
final class ColumnPages {
    typealias Read = (Range<Int>) throws -> [UInt8]

    let header: ColumnsHeader
    private let read: Read
    private let decoder: ValueDecoder
    /// Bundles that were read, by page.
    private var bundles: [Int: [UInt8]] = [:]
    private var dictionaries: [Int: ByteColumn] = [:]
    private var known: StripNumbers?
    private var filter: IDFilter?
    /// The pages of each column that were asked for last, the newest in front.
    private var recent: [Int: [(page: Int, values: PageValues)]] = [:]
    /// As many as a chunk of short lines has, too: the newest lines of many streams lie all over it, and each
    /// question would drive out what the next one begins with.
    private static let mostRecent = 8
    /// Bytes of bundles, dictionaries and recent pages: asked for after each use of the chunk.
    private var keptBytes = 0
    /// Told what is read, while somebody asks for that.
    var trace: ScanTrace?
    /// Of the columns, once somebody has asked.
    private var names: [String]?

    init(_ header: ColumnsHeader, read: @escaping Read) {
        self.header = header
        self.read = read
        decoder = ValueDecoder(limit: header.lineBytes)
    }

    /// Bytes of memory that is kept, about.
    var memory: Int {
        keptBytes
            + (known.map { $0.templates.count * 2 + ($0.firstStrip?.count ?? 0) * 4 } ?? 0)
            + (filter?.bytes ?? 0) + (names?.count ?? 0) * 40
    }

    /// What is known of the columns without reading pages. Dictionaries that lie in the header cost no
    /// read; of ids the filter tells more than a long list of them.
    func summaries() -> [ColumnSummary] {
        header.columns.map { column in
            ColumnSummary(
                mask: column.mask, shortest: column.shortest, longest: column.longest,
                hasList: column.dictionary?.page == -1, longestID: column.longestID)
        }
    }

    /// The ids of the chunk, if it has a filter of them.
    func ids() throws -> IDFilter? {
        if let filter { return filter }
        guard let index = header.filterPage else { return nil }
        let body = try page(index)
        do throws(BytesError) { filter = try IDFilter(decoding: body) } catch {
            throw SegmentError.of(error, in: "filter of ids")
        }
        return filter
    }

    private func page(_ index: Int) throws -> [UInt8] {
        trace?.note(pages: 1, bytes: header.pages[index].count)
        let bytes = try read(header.pages[index])
        return try Page.decode(bytes, 0..<bytes.count, limit: SegmentFormat.maxPageBytes)
    }

    /// A column is looked at, with a body of its own or with what is in memory.
    private func note(_ column: Int, _ place: ColumnsHeader.Place? = nil) {
        guard let trace else { return }
        let names = names ?? header.contexts().map { ColumnContext(key: $0).text }
        self.names = names
        let isOwn = place.map { $0.page >= 0 && $0.range.count >= ColumnsFormat.bundledBelow }
        let bytes = place.map { isOwn == true ? header.pages[$0.page].count : $0.range.count }
        trace.note(
            column: names[column], pages: place == nil ? 0 : 1, bytes: bytes ?? 0)
    }

    func body(_ place: ColumnsHeader.Place) throws -> (bytes: [UInt8], range: Range<Int>) {
        var bytes = header.inline
        if place.page >= 0 {
            if let known = bundles[place.page] {
                bytes = known
            } else {
                bytes = try page(place.page)
                if place.range.count < ColumnsFormat.bundledBelow {
                    bundles[place.page] = bytes
                    keptBytes += bytes.count
                }
            }
        }
        guard place.range.upperBound <= bytes.count else {
            throw SegmentError.corrupt("body beyond its page", offset: place.range.upperBound)
        }
        return (bytes, place.range)
    }

    /// Every column has as many values as the templates ask for.
    func numbers() throws -> StripNumbers {
        if let known { return known }
        let bytes = try page(0)
        let codes = RawCodes(count: header.strips)
        let perRow = RawCodes(count: header.rows)
        do throws(BytesError) {
            var reader = ByteReader(bytes)
            try IntBlock.decode(&reader, count: header.strips, into: codes.numbers)
            if header.strips > header.rows {
                try IntBlock.decode(&reader, count: header.rows, into: perRow.numbers)
            }
            guard reader.isAtEnd else { throw .invalid("size", offset: reader.offset) }
        } catch { throw SegmentError.of(error, in: "template numbers") }
        var rows = [Int](repeating: 0, count: header.templates)
        let templates = Int64(header.templates)
        let templatesOf = try (0..<header.strips).map { strip in
            let number = codes.numbers[strip]
            guard number >= 0, number < templates else {
                throw SegmentError.corrupt("template of a strip", offset: strip)
            }
            rows[Int(number)] += 1
            return UInt16(truncatingIfNeeded: number)
        }
        guard valueCounts(rows) == header.columns.map(\.values) else {
            throw SegmentError.corrupt("values of columns", offset: 0)
        }
        let result = StripNumbers(
            templates: templatesOf,
            firstStrip: header.strips > header.rows ? try firstStrips(perRow.numbers) : nil)
        known = result
        return result
    }

    private func firstStrips(_ perRow: UnsafePointer<Int64>) throws -> [UInt32] {
        var first: [UInt32] = [0]
        first.reserveCapacity(header.rows + 1)
        var at: Int64 = 0
        for row in 0..<header.rows {
            guard perRow[row] > 0, perRow[row] <= Int64(header.strips) - at else {
                throw SegmentError.corrupt("strips of a row", offset: row)
            }
            at += perRow[row]
            first.append(UInt32(truncatingIfNeeded: at))
        }
        guard at == Int64(header.strips) else {
            throw SegmentError.corrupt("strips of rows", offset: header.rows)
        }
        return first
    }

    /// Values per column of so many strips of each template.
    func valueCounts(_ rows: [Int]) -> [Int] {
        var counts = [Int](repeating: 0, count: header.columns.count)
        for template in 0..<header.templates where rows[template] > 0 {
            for step in header.steps[header.firstStep[template]..<header.firstStep[template + 1]]
            where step.column >= 0 {
                counts[Int(step.column)] += rows[template]
            }
        }
        return counts
    }

    func dictionary(_ column: Int) throws -> ByteColumn? {
        if let known = dictionaries[column] { return known }
        guard let place = header.columns[column].dictionary else { return nil }
        note(column, place)
        let (bytes, range) = try body(place)
        let distinct = header.columns[column].distinct
        do throws(BytesError) {
            var reader = ByteReader(bytes, range: range)
            var parts: [ByteColumn] = []
            var total = 0
            for start in stride(from: 0, to: distinct, by: ValueFormat.pageValues) {
                parts.append(
                    try decoder.decode(
                        &reader, count: min(ValueFormat.pageValues, distinct - start)))
                total += parts[parts.count - 1].used
                guard total <= header.lineBytes else { throw .tooLarge(limit: header.lineBytes) }
            }
            guard reader.isAtEnd else { throw .invalid("size", offset: reader.offset) }
            let list = parts.count == 1 ? parts[0] : ByteColumn(joining: parts)
            dictionaries[column] = list
            keptBytes += list.memory
            return list
        } catch { throw SegmentError.of(error, in: "dictionary") }
    }

    func values(_ column: Int, page: Int) throws -> PageValues {
        if let kept = recent[column], let place = kept.firstIndex(where: { $0.page == page }) {
            note(column)
            if place > 0 {
                recent[column]?.remove(at: place)
                recent[column]?.insert(kept[place], at: 0)
            }
            return kept[place].values
        }
        let values = try decode(column, page: page)
        keptBytes += values.memory
        if recent[column]?.count == Self.mostRecent, let oldest = recent[column]?.popLast() {
            keptBytes -= oldest.values.memory
        }
        recent[column, default: []].insert((page, values), at: 0)
        return values
    }

    private func decode(_ column: Int, page: Int) throws -> PageValues {
        let entry = header.columns[column]
        note(column, entry.pages[page])
        let list = try dictionary(column)
        let (bytes, range) = try body(entry.pages[page])
        let count = pageCount(column, page)
        do throws(BytesError) {
            var reader = ByteReader(bytes, range: range)
            let values: PageValues
            if let list {
                values = .codes(try codes(&reader, count: count, of: list), list)
            } else if entry.isTime, range.count > 0,
                bytes[range.lowerBound] == ValueFormat.Kind.time.rawValue
            {
                values = try times(&reader, count: count)
            } else {
                values = .bytes(try decoder.decode(&reader, count: count))
            }
            guard reader.isAtEnd else { throw .invalid("size", offset: reader.offset) }
            return values
        } catch { throw SegmentError.of(error, in: "page of a column") }
    }

    /// True when the column has no dictionary.
    func dictionaryMayHold(_ probe: ValueProbe, _ column: Int) throws -> Bool {
        guard let place = header.columns[column].dictionary, dictionaries[column] == nil else {
            return true
        }
        note(column, place)
        let (bytes, range) = try body(place)
        var reader = ByteReader(bytes, range: range)
        let distinct = header.columns[column].distinct
        do throws(BytesError) {
            for start in stride(from: 0, to: distinct, by: ValueFormat.pageValues) {
                let count = min(ValueFormat.pageValues, distinct - start)
                if try probe.mayHold(&reader, count: count, limit: header.lineBytes) {
                    return true
                }
            }
            return false
        } catch { throw SegmentError.of(error, in: "dictionary") }
    }

    func pageMayHold(_ probe: ValueProbe, _ column: Int, page: Int) throws -> Bool {
        if recent[column]?.contains(where: { $0.page == page }) == true { return true }
        note(column, header.columns[column].pages[page])
        let (bytes, range) = try body(header.columns[column].pages[page])
        let count = pageCount(column, page)
        do throws(BytesError) {
            var reader = ByteReader(bytes, range: range)
            return try probe.mayHold(&reader, count: count, limit: header.lineBytes)
        } catch { throw SegmentError.of(error, in: "page of a column") }
    }

    private func pageCount(_ column: Int, _ page: Int) -> Int {
        min(ValueFormat.pageValues, header.columns[column].values - page * ValueFormat.pageValues)
    }

    private func codes(
        _ reader: inout ByteReader, count: Int, of list: ByteColumn
    ) throws(BytesError) -> RawCodes {
        guard try reader.readUInt8() == ValueFormat.Kind.codes.rawValue else {
            throw .invalid("kind of values", offset: reader.offset)
        }
        let isByAge = try reader.readUInt8() == 1
        var newest = isByAge ? Int64(try reader.readCount(limit: list.count)) : 0
        let codes = RawCodes(count: count)
        try IntBlock.decode(&reader, count: count, into: codes.numbers)
        for index in 0..<count {
            var place = codes.numbers[index]
            if isByAge {
                let age = place
                place = newest &- age
                if age == 0 { newest += 1 }
                codes.numbers[index] = place
            }
            guard place >= 0, place < Int64(list.count) else {
                throw .invalid("place in a dictionary", offset: reader.offset)
            }
        }
        return codes
    }

    private func times(_ reader: inout ByteReader, count: Int) throws(BytesError) -> PageValues {
        let offset = reader.offset
        _ = try reader.readUInt8()
        let form = LineTime.Form(rawValue: try reader.readUInt8())
        let digits = Int(try reader.readUInt8())
        let mark = try reader.readUInt8()
        let zone = try reader.readBytes(Int(try reader.readUInt8()))
        guard let form, digits <= 9, zone.count <= 8 else {
            throw .invalid("style of times", offset: offset)
        }
        let style = LineTime.Style(
            form: form, digits: digits, mark: mark,
            zone: zone.reversed().reduce(0) { $0 << 8 | UInt64($1) }, zoneSize: zone.count)
        let codes = RawCodes(count: count)
        try IntBlock.decode(&reader, count: count, into: codes.numbers)
        return .times(codes, style)
    }
}

extension ByteColumn {
    convenience init(joining parts: [ByteColumn]) {
        self.init(
            count: parts.reduce(0) { $0 + $1.count }, capacity: parts.reduce(0) { $0 + $1.used })
        var index = 0
        var at = 0
        for part in parts {
            (bytes + at).update(from: part.bytes, count: part.used)
            for value in 0..<part.count {
                at += part.size(value)
                index += 1
                ends[index] = UInt32(truncatingIfNeeded: at)
            }
        }
    }
}
