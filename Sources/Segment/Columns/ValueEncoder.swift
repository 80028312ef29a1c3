import Bytes

/// Writes up to `ValueFormat.pageValues` values in the kind that suits all of them.
struct ValueEncoder {
    private static let leastForParts = 16
    /// Fewer values than this may be smaller as plain text than with a structure of their own.
    private static let fewValues = 96

    private static func head(_ kind: ValueFormat.Kind, _ out: inout [UInt8]) {
        out.append(kind.rawValue)
    }

    static func encode(_ values: Values, depth: Int = 0, into out: inout [UInt8]) {
        guard values.count > 0 else { return }
        let profile = ValueProfile(values)
        if profile.isSame {
            head(.same, &out)
            out.appendVarint(UInt64(values.size(0)))
            out.append(
                contentsOf: UnsafeBufferPointer(start: values.start(0), count: values.size(0)))
            return
        }
        if profile.isDecimal { return decimal(values, digits: nil, into: &out) }
        if profile.isFixed { return decimal(values, digits: profile.longest, into: &out) }
        if profile.isPadded { return padded(values, into: &out) }
        let before = out.count
        guard structured(values, profile, depth: depth, into: &out) else {
            return unstructured(values, depth: depth, into: &out)
        }
        if values.count < fewValues {
            var plain: [UInt8] = []
            unstructured(values, depth: depth, into: &plain)
            if plain.count < out.count - before {
                out.removeSubrange(before...)
                out += plain
            }
        }
    }

    /// False when nothing was written.
    private static func structured(
        _ values: Values, _ profile: ValueProfile, depth: Int, into out: inout [UInt8]
    ) -> Bool {
        guard depth < ValueFormat.deepest else { return false }
        if let split = ValueSplit(values, byRuns: true) {
            write(split, values, depth: depth, into: &out)
            return true
        }
        if profile.hasMarks, let split = ValueSplit(values, byRuns: false) {
            write(split, values, depth: depth, into: &out)
            return true
        }
        if profile.isHex || profile.isUpperHex {
            hex(values, upper: !profile.isHex, digits: profile.longest, into: &out)
            return true
        }
        guard values.count >= leastForParts,
            let groups = ValueGroups(values, byRuns: !profile.hasMarks)
        else { return false }
        var parted: [UInt8] = []
        write(groups, values, depth: depth, into: &parted)
        // Digits as text take two fifths of their bytes at least, and their sizes a little more.
        if parted.count * 8 < profile.total * 3
            || profile.areNumbersWithMarks && parted.count * 2 < profile.total
        {
            out += parted
            return true
        }
        var plain: [UInt8] = []
        unstructured(values, depth: depth, into: &plain)
        out += parted.count < plain.count ? parted : plain
        return true
    }

    private static func decimal(_ values: Values, digits: Int?, into out: inout [UInt8]) {
        head(digits == nil ? .decimal : .fixed, &out)
        if let digits { out.append(UInt8(digits)) }
        numbers(values, into: &out)
    }

    private static func padded(_ values: Values, into out: inout [UInt8]) {
        head(.padded, &out)
        sizes(values, into: &out)
        numbers(values, into: &out)
    }

    private static func sizes(_ values: Values, into out: inout [UInt8]) {
        let sizes = RawList<Int64>(capacity: values.count)
        for index in 0..<values.count { sizes.base[index] = Int64(values.size(index)) }
        IntBlock.encode(sizes.base, count: values.count, into: &out)
    }

    private static func numbers(_ values: Values, into out: inout [UInt8]) {
        let numbers = RawList<Int64>(capacity: values.count)
        for index in 0..<values.count {
            let start = values.start(index)
            let size = values.size(index)
            let head = min(size, 8)
            var number = ByteRun.number(start, head)
            for place in head..<size { number = number * 10 + UInt64(start[place] &- 48) }
            numbers.base[index] = Int64(truncatingIfNeeded: number)
        }
        IntBlock.encode(numbers.base, count: values.count, into: &out)
    }

    private static func hex(_ values: Values, upper: Bool, digits: Int, into out: inout [UInt8]) {
        head(upper ? .hexUpper : .hex, &out)
        out.append(UInt8(digits))
        let stride = (digits + 1) / 2
        let packed = RawList<UInt8>(capacity: values.count * stride)
        @inline(__always) func nibble(_ byte: UInt8) -> UInt8 {
            byte & 15 &+ (byte >> 6) &* 9
        }
        for index in 0..<values.count {
            let start = values.start(index)
            let target = packed.base + index * stride
            for place in 0..<digits / 2 {
                target[place] = nibble(start[place * 2]) << 4 | nibble(start[place * 2 + 1])
            }
            if digits % 2 == 1 { target[stride - 1] = nibble(start[digits - 1]) }
        }
        ByteBlock.encode(
            UnsafeBufferPointer(start: packed.base, count: values.count * stride), .noise,
            into: &out)
    }

    private static func write(
        _ split: ValueSplit, _ values: Values, depth: Int, into out: inout [UInt8]
    ) {
        head(.split, &out)
        out.append(UInt8(split.parts.count))
        var column = 0
        for part in split.parts {
            if case .mark(let byte) = part {
                out.append(0)
                out.append(byte)
                continue
            }
            out.append(1)
            let spans = split.spans.base + column * values.count
            encode(
                Values(text: values.text, spans: spans, count: values.count), depth: depth + 1,
                into: &out)
            column += 1
        }
    }

    private static func write(
        _ groups: ValueGroups, _ values: Values, depth: Int, into out: inout [UInt8]
    ) {
        head(.parted, &out)
        out.append(UInt8(groups.counts.count))
        IntBlock.encode(groups.groupOf.base, count: values.count, into: &out)
        let members = RawList<ByteSpan>(capacity: values.count)
        for (group, count) in groups.counts.enumerated() {
            var next = 0
            for index in 0..<values.count where groups.groupOf[index] == Int64(group) {
                members.base[next] = values.spans[index]
                next += 1
            }
            out.appendVarint(UInt64(count))
            let inner = Values(text: values.text, spans: members.base, count: count)
            if group == groups.restGroup {
                unstructured(inner, depth: depth + 1, into: &out)
            } else {
                encode(inner, depth: depth + 1, into: &out)
            }
        }
    }

    /// Few distinct values once each, or all of them as text.
    private static func unstructured(_ values: Values, depth: Int, into out: inout [UInt8]) {
        // The first level has had its chance of a dictionary for the whole column.
        if depth > 0, values.count >= 8,
            let distinct = DistinctValues(values, most: values.count / 3)
        {
            head(.listed, &out)
            out.appendVarint(UInt64(distinct.count))
            let list = Values(
                text: values.text, spans: distinct.spans.base, count: distinct.count)
            if depth < ValueFormat.deepest {
                encode(list, depth: depth + 1, into: &out)
            } else {
                text(list, into: &out)
            }
            IntBlock.encode(distinct.places.base, count: values.count, into: &out)
            return
        }
        text(values, into: &out)
    }

    static func text(_ values: Values, into out: inout [UInt8]) {
        head(.text, &out)
        sizes(values, into: &out)
        var total = 0
        for index in 0..<values.count { total += values.size(index) }
        let bytes = RawList<UInt8>(capacity: total)
        var at = 0
        for index in 0..<values.count {
            (bytes.base + at).update(from: values.start(index), count: values.size(index))
            at += values.size(index)
        }
        out.appendVarint(UInt64(total))
        ByteBlock.encode(
            UnsafeBufferPointer(start: bytes.base, count: total), .text, into: &out)
    }
}
