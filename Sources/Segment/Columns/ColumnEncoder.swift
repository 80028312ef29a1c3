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

    /// Of ids, the size of the longest.
    var longestID = 0

    var size: Int { pages.reduce(dictionary.count) { $0 + $1.count } }

    private static let digits = ByteClasses.mask("0123456789".utf8)
    private static let letters = ByteClasses.mask("abcdefABCDEF".utf8)
    private static let idBytes = ByteClasses.mask(
        "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_".utf8)

    /// Long values of digits and letters that seldom come again: what people look for one of.
    var mayBeIDs: Bool {
        flags & ColumnsFormat.Flag.time == 0 && shortest >= IDFilter.shortest && longest <= 128
            && mask & ~Self.idBytes == 0 && mask & Self.digits != 0 && mask & Self.letters != 0
            && (distinct == 0 || distinct * 16 > values)
    }
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
        column.values = values.count
        if isTime { column.flags |= ColumnsFormat.Flag.time }
        let times = isTime ? encoder.times(rows, timestamps) : nil
        if let times, times.steady {
            encoder.summarizeTimes(&column)
            column.pages = times.pages
            return column
        }
        let most = min(ColumnsFormat.mostDistinct, max(1, values.count * 3 / 4))
        let distinct = DistinctValues(values, most: most)
        if let distinct {
            // What holds for one of each holds for all.
            summarize(distinct.values(in: values.text), &column)
        } else {
            summarize(values, &column)
        }
        let isFew = (distinct?.count ?? .max) <= 256 && (distinct?.count ?? 0) * 16 <= values.count
        if let distinct, distinct.count == 1 || isFew {
            return encoder.dictionary(distinct, column)
        }
        if let times {
            column.pages = times.pages
            guard let distinct else { return column }
            let withDictionary = encoder.dictionary(distinct, column)
            return withDictionary.size < column.size ? withDictionary : column
        }
        return encoder.choose(distinct, column)
    }

    /// With the dictionary or without: the first page of values tells, where it is clear, how large
    /// all of them will be.
    private func choose(_ distinct: DistinctValues?, _ column: EncodedColumn) -> EncodedColumn {
        var column = column
        guard let distinct else {
            column.pages = plain(from: 0)
            return column
        }
        var first: [UInt8] = []
        let sample = page(0).count
        ValueEncoder.encode(values.slice(0..<sample), into: &first)
        let expected = Double(first.count) * Double(values.count) / Double(sample)
        let dictionarySize =
            expected * Double(distinct.count) / Double(values.count) + codeBytes(distinct)
        if dictionarySize < expected * 0.97 { return dictionary(distinct, column) }
        column.pages = [first] + plain(from: sample)
        return column
    }

    private init(_ values: Values) {
        self.values = values
        pageStarts = stride(from: 0, to: values.count, by: ValueFormat.pageValues)
    }

    private func page(_ start: Int) -> Range<Int> {
        start..<min(start + ValueFormat.pageValues, values.count)
    }

    private static func summarize(_ values: Values, _ column: inout EncodedColumn) {
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

    /// Times of one style a page: all of them have the bytes of the page's first and digits, and
    /// perhaps the name of another month.
    private func summarizeTimes(_ column: inout EncodedColumn) {
        column.shortest = values.size(0)
        column.longest = values.size(0)
        column.mask = ByteClasses.mask(Array("0123456789".utf8))
        for start in pageStarts {
            let size = values.size(start)
            column.shortest = min(column.shortest, size)
            column.longest = max(column.longest, size)
            let bytes = UnsafeBufferPointer(start: values.start(start), count: size)
            column.mask |= ByteClasses.mask(bytes)
            guard bytes[2] == UInt8(ascii: "/") else { continue }
            for index in page(start) {
                let month = UnsafeBufferPointer(start: values.start(index) + 3, count: 3)
                column.mask |= ByteClasses.mask(month)
            }
        }
    }

    /// What the codes of a dictionary will take: as common values tell, or as young ones do.
    private func codeBytes(_ distinct: DistinctValues) -> Double {
        let counts = RawList<Int64>(repeating: 0, count: distinct.count)
        for index in 0..<values.count { counts[Int(distinct.places[index])] += 1 }
        let whole = Histogram.log2(Double(values.count))
        var byRank = 0.0
        for place in 0..<distinct.count {
            let count = Double(counts[place])
            byRank += count * (whole - Histogram.log2(count))
        }
        var newest: Int64 = 0
        var byAge = 0
        for index in 0..<values.count {
            byAge += Self.width(newest - distinct.places[index])
            if distinct.places[index] == newest { newest += 1 }
        }
        return min(byRank, Double(byAge)) / 8
    }

    private func plain(from first: Int) -> [[UInt8]] {
        stride(from: first, to: values.count, by: ValueFormat.pageValues).map { start in
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
        let codes = RawList<Int64>(repeating: 0, count: values.count)
        let newestSize = newest(distinct.places, codes)
        let (order, rank) = byFrequency(distinct)
        var rankSize = 0
        for index in 0..<values.count { rankSize += Self.width(rank[Int(distinct.places[index])]) }
        if newestSize < rankSize {
            column.pages = pages(of: codes, isByAge: true, distinct.places)
            column.dictionary = Self.list(values.text, distinct.spans.base, distinct.count)
            return column
        }
        for index in 0..<values.count { codes[index] = rank[Int(distinct.places[index])] }
        column.pages = pages(of: codes, isByAge: false, distinct.places)
        let spans = RawList<ByteSpan>(capacity: distinct.count)
        for place in 0..<distinct.count { spans.base[place] = distinct.spans[order[place]] }
        column.dictionary = Self.list(values.text, spans.base, distinct.count)
        return column
    }

    @inline(__always)
    private static func width(_ code: Int64) -> Int { 64 - code.leadingZeroBitCount }

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
        // The count in the high half, upside down, and the place in the low one.
        var keys = counts.enumerated().map { place, count in
            UInt64(UInt32.max - UInt32(truncatingIfNeeded: count)) << 32 | UInt64(place)
        }
        keys.sort()
        let order = keys.map { Int($0 & 0xffff_ffff) }
        var rank = [Int64](repeating: 0, count: distinct.count)
        for (place, value) in order.enumerated() { rank[value] = Int64(place) }
        return (order, rank)
    }

    /// Values that live for a while, as the traces of requests do, are told best by their age. Gives
    /// the bits of the codes, roughly.
    private func newest(
        _ places: borrowing RawList<Int64>, _ codes: borrowing RawList<Int64>
    ) -> Int {
        var newest: Int64 = 0
        var bits = 0
        for index in 0..<values.count {
            codes[index] = newest - places[index]
            bits += Self.width(codes[index])
            if places[index] == newest { newest += 1 }
        }
        return bits
    }

    private func pages(
        of codes: borrowing RawList<Int64>, isByAge: Bool, _ places: borrowing RawList<Int64>
    ) -> [[UInt8]] {
        var pages: [[UInt8]] = []
        var newest: Int64 = 0
        for start in pageStarts {
            var body: [UInt8] = [ValueFormat.Kind.codes.rawValue, isByAge ? 1 : 0]
            if isByAge {
                body.appendVarint(UInt64(newest))
                for index in page(start) { newest = max(newest, places[index] + 1) }
            }
            IntBlock.encode(codes.base + start, count: page(start).count, into: &body)
            pages.append(body)
        }
        return pages
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
        let differences = RawList<Int64>(capacity: range.count)
        guard let first = time(range.lowerBound) else { return nil }
        let style = first.style
        var renderer = TimeRenderer(style)
        let written = RawList<UInt8>(repeating: 0, count: LineTime.longest + Values.slack)
        var known = KnownSecond(first, values.start(range.lowerBound))
        for index in range {
            let start = values.start(index)
            let entry = LineTime.units(timestamps[Int(rows[index])], digits: style.digits)
            if values.size(index) == first.size, let local = known.local(start) {
                differences.base[index - range.lowerBound] = local &- entry
                continue
            }
            guard let time = time(index), time.style == style else { return nil }
            differences.base[index - range.lowerBound] = time.local &- entry
            renderer.write(time.local, to: written.base)
            guard ByteRun.equal(written.base, start, renderer.size) else { return nil }
            known = KnownSecond(time, start)
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
