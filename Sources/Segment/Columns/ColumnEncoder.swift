import Bytes

/// A column on its way to bytes: what the header says of it, and the bodies of its pages.
struct EncodedColumn {
    var flags: UInt8 = 0
    var values = 0
    var shortest = 0
    var longest = 0
    var mask: UInt64 = 0
    var distinct = 0
    var dictionary: [UInt8] = []
    var pages: [[UInt8]] = []

    var size: Int { pages.reduce(dictionary.count) { $0 + $1.count } }
}

/// Writes one column: with a dictionary or without, whatever is smaller.
struct ColumnEncoder {
    private let values: Values
    private let pageStarts: StrideTo<Int>

    /// `rows` are those of the values, and tell which timestamp a time is compared with.
    static func encode(
        _ values: Values, isTime: Bool, rows: UnsafePointer<UInt32>, timestamps: [Int64]
    ) -> EncodedColumn {
        let encoder = ColumnEncoder(values)
        var column = EncodedColumn()
        encoder.summarize(&column)
        if isTime { column.flags |= ColumnsFormat.Flag.time }
        if isTime, let pages = encoder.times(rows, timestamps), pages.steady {
            column.pages = pages.pages
            return column
        }
        let most = min(ColumnsFormat.mostDistinct, max(1, values.count * 3 / 4))
        let distinct = DistinctValues(values, most: most, probe: ValueFormat.pageValues)
        var withDictionary: EncodedColumn?
        if let distinct {
            withDictionary = encoder.dictionary(distinct, column)
            let isFew = distinct.count <= 256 && distinct.count * 16 <= values.count
            if distinct.count == 1 || isFew {
                return withDictionary ?? column
            }
        }
        if isTime, let pages = encoder.times(rows, timestamps) {
            column.pages = pages.pages
        } else {
            column.pages = encoder.plain()
        }
        if let withDictionary, withDictionary.size < column.size { return withDictionary }
        return column
    }

    private init(_ values: Values) {
        self.values = values
        pageStarts = stride(from: 0, to: values.count, by: ValueFormat.pageValues)
    }

    private func page(_ start: Int) -> Range<Int> {
        start..<min(start + ValueFormat.pageValues, values.count)
    }

    private func summarize(_ column: inout EncodedColumn) {
        column.values = values.count
        column.shortest = values.size(0)
        column.longest = values.size(0)
        let bits = RawList<UInt64>(repeating: 0, count: 256)
        for (byte, kind) in ByteClasses.table.enumerated() { bits[byte] = 1 << UInt64(kind) }
        var mask: UInt64 = 0
        for index in 0..<values.count {
            let size = values.size(index)
            column.shortest = min(column.shortest, size)
            column.longest = max(column.longest, size)
            let start = values.start(index)
            for place in 0..<size { mask |= bits[Int(start[place])] }
        }
        column.mask = mask
    }

    private func plain() -> [[UInt8]] {
        pageStarts.map { start in
            var body: [UInt8] = []
            ValueEncoder.encode(values.slice(page(start)), into: &body)
            return body
        }
    }

    private func dictionary(
        _ distinct: DistinctValues, _ column: EncodedColumn
    ) -> EncodedColumn {
        var column = column
        column.flags |= ColumnsFormat.Flag.dictionary
        column.distinct = distinct.count
        if distinct.count == 1 {
            column.dictionary = Self.list(values.text, distinct.spans.base, 1)
            return column
        }
        let byNewest = newestPages(distinct.places)
        let (order, rank) = byFrequency(distinct)
        let byRank = rankPages(distinct.places, rank)
        let newestWins =
            byNewest.reduce(0, { $0 + $1.count }) < byRank.reduce(0, { $0 + $1.count })
        column.pages = newestWins ? byNewest : byRank
        if newestWins {
            column.dictionary = Self.list(values.text, distinct.spans.base, distinct.count)
        } else {
            let spans = RawList<ByteSpan>(capacity: distinct.count)
            for place in 0..<distinct.count { spans.base[place] = distinct.spans[order[place]] }
            column.dictionary = Self.list(values.text, spans.base, distinct.count)
        }
        return column
    }

    private static func list(
        _ text: UnsafePointer<UInt8>, _ spans: UnsafePointer<ByteSpan>, _ count: Int
    ) -> [UInt8] {
        let all = Values(text: text, spans: spans, count: count)
        var out: [UInt8] = []
        for start in stride(from: 0, to: count, by: ValueFormat.pageValues) {
            ValueEncoder.encode(
                all.slice(start..<min(start + ValueFormat.pageValues, count)), into: &out)
        }
        return out
    }

    /// Common values first: their places are small numbers, and neighbours are about as common.
    private func byFrequency(_ distinct: DistinctValues) -> (order: [Int], rank: [Int64]) {
        var counts = [Int](repeating: 0, count: distinct.count)
        for index in 0..<values.count { counts[Int(distinct.places[index])] += 1 }
        let order = counts.indices.sorted { (counts[$1], $0) < (counts[$0], $1) }
        var rank = [Int64](repeating: 0, count: distinct.count)
        for (place, value) in order.enumerated() { rank[value] = Int64(place) }
        return (order, rank)
    }

    private func rankPages(_ places: borrowing RawList<Int64>, _ rank: [Int64]) -> [[UInt8]] {
        let codes = RawList<Int64>(repeating: 0, count: values.count)
        for index in 0..<values.count { codes[index] = rank[Int(places[index])] }
        return pageStarts.map { start in
            var body: [UInt8] = [ValueFormat.Kind.codes.rawValue, 0]
            IntBlock.encode(codes.base + start, count: page(start).count, into: &body)
            return body
        }
    }

    /// Values that live for a while, as the traces of requests do, are told best by their age.
    private func newestPages(_ places: borrowing RawList<Int64>) -> [[UInt8]] {
        let codes = RawList<Int64>(repeating: 0, count: values.count)
        var newest: Int64 = 0
        return pageStarts.map { start in
            var body: [UInt8] = [ValueFormat.Kind.codes.rawValue, 1]
            body.appendVarint(UInt64(newest))
            for index in page(start) {
                codes[index] = newest - places[index]
                if places[index] == newest { newest += 1 }
            }
            IntBlock.encode(codes.base + start, count: page(start).count, into: &body)
            return body
        }
    }

    /// Nil when a page holds something else than times of one style. Steady means that they follow
    /// their entries' timestamps so closely that nothing else can be smaller.
    private func times(
        _ rows: UnsafePointer<UInt32>, _ timestamps: [Int64]
    ) -> (pages: [[UInt8]], steady: Bool)? {
        var pages: [[UInt8]] = []
        for start in pageStarts {
            guard let body = timePage(page(start), rows, timestamps) else { return nil }
            pages.append(body)
        }
        return (pages, pages.reduce(0) { $0 + $1.count } <= 32 * pages.count + values.count / 16)
    }

    private func timePage(
        _ range: Range<Int>, _ rows: UnsafePointer<UInt32>, _ timestamps: [Int64]
    ) -> [UInt8]? {
        let differences = RawList<Int64>(repeating: 0, count: range.count)
        guard let first = time(range.lowerBound) else { return nil }
        let style = first.style
        var renderer = TimeRenderer(style)
        let written = RawList<UInt8>(repeating: 0, count: LineTime.longest)
        for index in range {
            guard let time = time(index), time.style == style else { return nil }
            let entry = LineTime.units(timestamps[Int(rows[index])], digits: style.digits)
            differences[index - range.lowerBound] = time.local &- entry
            renderer.write(time.local, to: written.base)
            for place in 0..<renderer.size
            where written[place] != values.start(index)[place] { return nil }
        }
        var body: [UInt8] = [
            ValueFormat.Kind.time.rawValue, style.form.rawValue, UInt8(style.digits), style.mark,
            UInt8(style.zoneSize),
        ]
        for place in 0..<style.zoneSize {
            body.append(UInt8(truncatingIfNeeded: style.zone >> UInt64(place * 8)))
        }
        IntBlock.encode(differences.base, count: range.count, into: &body)
        return body
    }

    private func time(_ index: Int) -> LineTime? {
        let time = LineTime.scan(values.start(index), limit: values.size(index))
        return time?.size == values.size(index) ? time : nil
    }
}
