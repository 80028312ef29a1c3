/// What bytes the values of a column are made of.
struct ValueProfile {
    private static let digit: UInt8 = 1
    private static let lowerHex: UInt8 = 2
    private static let upperHex: UInt8 = 4
    private static let letter: UInt8 = 8
    private static let mark: UInt8 = 16

    static let table: [UInt8] = (0...255).map { byte in
        switch UInt8(byte) {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit
        case UInt8(ascii: "a")...UInt8(ascii: "f"): lowerHex
        case UInt8(ascii: "A")...UInt8(ascii: "F"): upperHex
        case UInt8(ascii: "g")...UInt8(ascii: "z"), UInt8(ascii: "G")...UInt8(ascii: "Z"), 128...:
            letter
        default: mark
        }
    }

    private(set) var isSame = true
    private(set) var shortest: Int
    private(set) var longest: Int
    /// Bytes of all values.
    private(set) var total = 0
    private var seen: UInt8 = 0
    private var leadingZeros = false

    init(_ values: Values) {
        shortest = values.size(0)
        longest = values.size(0)
        // Locals: a field that is stored at every value costs more than the rest.
        var (shortest, longest, total) = (shortest, longest, total)
        var (seen, leadingZeros) = (seen, leadingZeros)
        var same = 1
        while same < values.count, values.equal(0, same) { same += 1 }
        isSame = same == values.count
        Self.table.withUnsafeBufferPointer { table in
            for index in 0..<values.count {
                let start = values.start(index)
                let size = values.size(index)
                shortest = min(shortest, size)
                longest = max(longest, size)
                total += size
                if size > 1, start[0] == 48 { leadingZeros = true }
                var place = 0
                while size - place > 8, ByteRun.areDigits(start + place, 8) {
                    place += 8
                    seen |= Self.digit
                }
                if size - place <= 8, size > 0, ByteRun.areDigits(start + place, size - place) {
                    seen |= Self.digit
                    continue
                }
                // With both of these nothing that follows decides anything.
                if seen & (Self.mark | Self.letter) == Self.mark | Self.letter { continue }
                while size - place > 8 {
                    seen |= Self.classes(start + place, 8, table)
                    place += 8
                }
                if size > 0 { seen |= Self.classes(start + place, size - place, table) }
            }
        }
        (self.shortest, self.longest, self.total) = (shortest, longest, total)
        (self.seen, self.leadingZeros) = (seen, leadingZeros)
    }

    /// Of up to eight bytes, 1...8, without a branch for each: the first one stands in for those
    /// that are missing.
    @inline(__always)
    private static func classes(
        _ at: UnsafePointer<UInt8>, _ count: Int, _ table: UnsafeBufferPointer<UInt8>
    ) -> UInt8 {
        let unused = UInt64(truncatingIfNeeded: 64 - count * 8)
        let spread = UInt64(at[0]) &* 0x0101_0101_0101_0101
        var word = ByteRun.head(ByteRun.word(at), count) | spread & ~(~0 >> unused)
        var seen: UInt8 = 0
        for _ in 0..<8 {
            seen |= table[Int(truncatingIfNeeded: word & 0xff)]
            word >>= 8
        }
        return seen
    }

    var areNumbersWithMarks: Bool { seen & ~(Self.digit | Self.mark) == 0 }
    var hasMarks: Bool { seen & Self.mark != 0 }
    private var areDigits: Bool { seen == Self.digit && shortest > 0 }
    var isDecimal: Bool { areDigits && !leadingZeros && longest <= ValueFormat.mostDigits }
    var isFixed: Bool {
        areDigits && shortest == longest && longest <= ValueFormat.mostDigits
    }
    /// Digits of any number, some with leading zeros, as behind a decimal point.
    var isPadded: Bool { areDigits && longest <= ValueFormat.mostDigits }
    private var hasOneSize: Bool { shortest == longest && shortest >= 2 && longest <= 255 }
    var isHex: Bool { hasOneSize && seen & ~(Self.digit | Self.lowerHex) == 0 }
    var isUpperHex: Bool { hasOneSize && seen & ~(Self.digit | Self.upperHex) == 0 }
}

/// Where a value is cut: marks stand for themselves, runs of letters and digits lie between. By
/// runs, letters and digits are told apart as well.
enum ShapeClass {
    static let mark: UInt8 = 0
    static let letters: UInt8 = 1
    static let digits: UInt8 = 2

    static let byRuns: [UInt8] = (0...255).map { byte in
        switch UInt8(byte) {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digits
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), 128...:
            letters
        default: mark
        }
    }

    static let byMarks: [UInt8] = byRuns.map { $0 == mark ? mark : letters }
}

/// Values of one shape, cut into columns.
final class ValueSplit {
    enum Part { case mark(UInt8), run(UInt8) }

    private(set) var parts: [Part] = []
    /// Column by column, a span of each value.
    private(set) var spans: RawList<ByteSpan>
    private(set) var columns = 0

    /// Nil when the values differ in shape, or the shape is a single run.
    init?(_ values: Values, byRuns: Bool) {
        let table = byRuns ? ShapeClass.byRuns : ShapeClass.byMarks
        parts = Self.shape(values.start(0), values.size(0), table)
        for case .run in parts { columns += 1 }
        spans = RawList(capacity: max(columns, 1) * values.count)
        guard parts.count > 1, columns > 0, parts.count <= ValueFormat.mostParts else {
            return nil
        }
        guard cut(values, table) else { return nil }
    }

    private static func shape(
        _ start: UnsafePointer<UInt8>, _ size: Int, _ table: [UInt8]
    ) -> [Part] {
        var parts: [Part] = []
        var at = 0
        while at < size, parts.count <= ValueFormat.mostParts {
            let kind = table[Int(start[at])]
            if kind == ShapeClass.mark {
                parts.append(.mark(start[at]))
                at += 1
                continue
            }
            parts.append(.run(kind))
            while at < size, table[Int(start[at])] == kind { at += 1 }
        }
        return parts
    }

    private func cut(_ values: Values, _ table: [UInt8]) -> Bool {
        // Marks as themselves plus 256, so that one comparison tells all.
        let plan = parts.map { part -> Int in
            switch part {
            case .mark(let byte): Int(byte) + 256
            case .run(let kind): Int(kind)
            }
        }
        return plan.withUnsafeBufferPointer { plan in
            table.withUnsafeBufferPointer { table in
                for index in 0..<values.count where !cutOne(values, index, plan, table) {
                    return false
                }
                return true
            }
        }
    }

    @inline(__always)
    private func cutOne(
        _ values: Values, _ index: Int, _ plan: UnsafeBufferPointer<Int>,
        _ table: UnsafeBufferPointer<UInt8>
    ) -> Bool {
        let start = values.start(index)
        let size = values.size(index)
        let base = Int(values.spans[index].start)
        var at = 0
        var column = index
        for part in plan {
            guard at < size else { return false }
            if part >= 256 {
                guard Int(start[at]) + 256 == part else { return false }
                at += 1
                continue
            }
            let first = at
            while at < size, Int(table[Int(start[at])]) == part { at += 1 }
            guard at > first else { return false }
            spans.base[column] = ByteSpan(base + first, at - first)
            column += values.count
        }
        return at == size
    }
}

/// Values of a few shapes, told apart by shape.
final class ValueGroups {
    let groupOf: RawList<Int64>
    private(set) var counts: [Int] = []
    /// The group of all shapes beyond the first few.
    private(set) var restGroup: Int?

    /// Nil when all have one shape, or most have a shape of their own.
    init?(_ values: Values, byRuns: Bool) {
        groupOf = RawList(repeating: 0, count: values.count)
        let table = byRuns ? ShapeClass.byRuns : ShapeClass.byMarks
        let groupOf = groupOf.base
        var counts: [Int] = []
        var restGroup: Int?
        var shapes: [UInt64] = []
        for index in 0..<values.count {
            let shape = Self.hash(values.start(index), values.size(index), table)
            var group = shapes.firstIndex(of: shape) ?? shapes.count
            if group == shapes.count {
                if shapes.count < ValueFormat.mostGroups {
                    shapes.append(shape)
                    counts.append(0)
                } else {
                    if restGroup == nil {
                        restGroup = group
                        counts.append(0)
                    }
                    group = shapes.count
                }
            }
            groupOf[index] = Int64(group)
            counts[group] += 1
        }
        self.counts = counts
        self.restGroup = restGroup
        guard counts.count > 1 else { return nil }
        if let restGroup, counts[restGroup] * 2 > values.count { return nil }
    }

    private static func hash(
        _ start: UnsafePointer<UInt8>, _ size: Int, _ table: [UInt8]
    ) -> UInt64 {
        table.withUnsafeBufferPointer { table in
            var hash: UInt64 = 7
            var before: UInt8 = 0xff
            for place in 0..<size {
                let kind = table[Int(start[place])]
                if kind == ShapeClass.mark {
                    hash = ByteRun.mix(hash, UInt64(start[place]) + 256)
                } else if kind != before {
                    hash = ByteRun.mix(hash, UInt64(kind))
                }
                before = kind
            }
            return hash
        }
    }
}

/// The distinct values among some, in the order of their first places.
final class DistinctValues {
    private(set) var spans = RawList<ByteSpan>()
    /// Per value: its place in `spans`.
    private(set) var places = RawList<Int64>()
    var count: Int { spans.count }

    func values(in text: UnsafePointer<UInt8>) -> Values {
        Values(text: text, spans: spans.base, count: spans.count)
    }

    /// What tells a value: of up to eight bytes the key and the size say all.
    private struct Known: BitwiseCopyable {
        var key: UInt64
        var span: ByteSpan
    }

    /// Nil when there are more than `most`.
    init?(_ values: Values, most: Int) {
        guard most > 0 else { return nil }
        var same = 1
        while same < values.count, values.equal(0, same) { same += 1 }
        if same == values.count {
            spans.append(values.spans[0])
            places = RawList(repeating: 0, count: values.count)
            return
        }
        // Locals: the loop must not ask for access to an object at every value.
        var known = RawList<Known>(capacity: 64)
        var places = RawList<Int64>(capacity: values.count)
        var size = 256
        var slots = RawList<UInt32>(repeating: 0, count: size)
        for index in 0..<values.count {
            let span = values.spans[index]
            let start = values.text + Int(span.start)
            let key = Self.key(start, Int(span.count))
            var slot = Self.slot(key, span.count, size)
            var place = -1
            while slots[slot] != 0 {
                let other = Int(slots[slot]) - 1
                let found = known.base + other
                if found.pointee.key == key, found.pointee.span.count == span.count,
                    span.count <= 8
                        || ByteRun.equal(
                            values.text + Int(found.pointee.span.start), start, Int(span.count))
                {
                    place = other
                    break
                }
                slot = (slot + 1) & (size - 1)
            }
            if place < 0 {
                guard known.count < most else { return nil }
                place = known.count
                known.append(Known(key: key, span: span))
                slots[slot] = UInt32(known.count)
                if known.count * 2 > size {
                    size *= 4
                    slots = Self.slots(known, size)
                }
            }
            places.append(Int64(place))
        }
        spans = RawList(capacity: known.count)
        for place in 0..<known.count { spans.append(known[place].span) }
        swap(&self.places, &places)
    }

    /// The bytes themselves where they fit, else their hash.
    @inline(__always)
    private static func key(_ start: UnsafePointer<UInt8>, _ count: Int) -> UInt64 {
        if count <= 8 { return count == 0 ? 0 : ByteRun.head(ByteRun.word(start), count) }
        if count <= 16 {
            return ByteRun.mix(ByteRun.word(start), ByteRun.word(start + count - 8))
        }
        return ByteRun.hash(start, count, seed: 99)
    }

    @inline(__always)
    private static func slot(_ key: UInt64, _ count: UInt32, _ size: Int) -> Int {
        let wide = (key ^ UInt64(count)).multipliedFullWidth(by: 0x9e37_79b9_7f4a_7c15)
        return Int(truncatingIfNeeded: wide.high ^ wide.low) & (size - 1)
    }

    private static func slots(_ known: borrowing RawList<Known>, _ size: Int) -> RawList<UInt32> {
        let slots = RawList<UInt32>(repeating: 0, count: size)
        for place in 0..<known.count {
            var slot = slot(known[place].key, known[place].span.count, size)
            while slots[slot] != 0 { slot = (slot + 1) & (size - 1) }
            slots[slot] = UInt32(place + 1)
        }
        return slots
    }
}
