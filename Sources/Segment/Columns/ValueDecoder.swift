import Bytes

/// Reads what `ValueEncoder` wrote. `limit` bounds the bytes of any one column: no column holds
/// more than the lines of its chunk.
struct ValueDecoder {
    let limit: Int

    func decode(
        _ reader: inout ByteReader, count: Int, depth: Int = 0
    ) throws(BytesError) -> ByteColumn {
        let offset = reader.offset
        guard let kind = ValueFormat.Kind(rawValue: try reader.readUInt8()),
            depth <= ValueFormat.deepest + 2
        else { throw .invalid("kind of values", offset: offset) }
        switch kind {
        case .same: return try same(&reader, count: count)
        case .decimal: return try decimal(&reader, count: count)
        case .fixed: return try fixed(&reader, count: count)
        case .padded: return try padded(&reader, count: count)
        case .hex: return try hex(&reader, count: count, letters: 0x61)
        case .hexUpper: return try hex(&reader, count: count, letters: 0x41)
        case .split: return try split(&reader, count: count, depth: depth)
        case .parted: return try parted(&reader, count: count, depth: depth)
        case .listed: return try listed(&reader, count: count, depth: depth)
        case .text: return try text(&reader, count: count)
        case .time, .codes: throw .invalid("kind of values", offset: offset)
        }
    }

    private func column(count: Int, bytes: Int) throws(BytesError) -> ByteColumn {
        guard bytes <= limit else { throw .tooLarge(limit: limit) }
        return ByteColumn(count: count, capacity: bytes)
    }

    private func same(_ reader: inout ByteReader, count: Int) throws(BytesError) -> ByteColumn {
        let value = try reader.readBytes(try reader.readCount(limit: reader.remaining))
        let out = try column(count: count, bytes: value.count * count)
        value.withUnsafeBufferPointer { value in
            guard let base = value.baseAddress else { return }
            for index in 0..<count {
                (out.bytes + index * value.count).update(from: base, count: value.count)
                out.ends[index + 1] = UInt32(truncatingIfNeeded: (index + 1) * value.count)
            }
        }
        return out
    }

    private func numbers(
        _ reader: inout ByteReader, count: Int
    ) throws(BytesError) -> RawList<Int64> {
        let numbers = RawList<Int64>(repeating: 0, count: count)
        try IntBlock.decode(&reader, count: count, into: numbers.base)
        return numbers
    }

    private func decimal(_ reader: inout ByteReader, count: Int) throws(BytesError) -> ByteColumn {
        let numbers = try numbers(&reader, count: count)
        // Twenty digits hold any number: damage, which may be negative, only yields wrong ones.
        let out = ByteColumn(count: count, capacity: count * 20)
        var at = 0
        for index in 0..<count {
            at += Decimal.write(UInt64(bitPattern: numbers[index]), to: out.bytes + at)
            out.ends[index + 1] = UInt32(truncatingIfNeeded: at)
        }
        guard at <= limit else { throw .tooLarge(limit: limit) }
        return out
    }

    private func fixed(_ reader: inout ByteReader, count: Int) throws(BytesError) -> ByteColumn {
        let digits = Int(try reader.readUInt8())
        guard digits > 0, digits <= ValueFormat.mostDigits else {
            throw .invalid("digits", offset: reader.offset)
        }
        let numbers = try numbers(&reader, count: count)
        let out = try column(count: count, bytes: digits * count)
        for index in 0..<count {
            Decimal.write(
                UInt64(bitPattern: numbers[index]), digits: digits, to: out.bytes + index * digits)
            out.ends[index + 1] = UInt32(truncatingIfNeeded: (index + 1) * digits)
        }
        return out
    }

    private func padded(_ reader: inout ByteReader, count: Int) throws(BytesError) -> ByteColumn {
        let sizes = try numbers(&reader, count: count)
        let numbers = try numbers(&reader, count: count)
        var total = 0
        for index in 0..<count {
            guard sizes[index] > 0, sizes[index] <= Int64(ValueFormat.mostDigits) else {
                throw .invalid("digits", offset: reader.offset)
            }
            total += Int(sizes[index])
        }
        let out = try column(count: count, bytes: total)
        var at = 0
        for index in 0..<count {
            let size = Int(sizes[index])
            Decimal.write(UInt64(bitPattern: numbers[index]), digits: size, to: out.bytes + at)
            at += size
            out.ends[index + 1] = UInt32(truncatingIfNeeded: at)
        }
        return out
    }

    private func hex(
        _ reader: inout ByteReader, count: Int, letters: UInt8
    ) throws(BytesError) -> ByteColumn {
        let digits = Int(try reader.readUInt8())
        guard digits > 0 else { throw .invalid("digits", offset: reader.offset) }
        let stride = (digits + 1) / 2
        let out = try column(count: count, bytes: digits * count)
        let packed = try ByteBlock.decode(&reader, count: count * stride)
        let digitOf = Self.hexDigits(letters)
        packed.withUnsafeBufferPointer { packed in
            guard let packed = packed.baseAddress else { return }
            for index in 0..<count {
                let source = packed + index * stride
                let target = UnsafeMutableRawPointer(out.bytes + index * digits)
                for place in 0..<digits / 2 {
                    target.storeBytes(
                        of: digitOf[Int(source[place])], toByteOffset: place * 2, as: UInt16.self)
                }
                if digits % 2 == 1 {
                    out.bytes[index * digits + digits - 1] = UInt8(
                        truncatingIfNeeded: UInt16(littleEndian: digitOf[Int(source[stride - 1])])
                            >> 8)
                }
                out.ends[index + 1] = UInt32(truncatingIfNeeded: (index + 1) * digits)
            }
        }
        return out
    }

    /// The two digits of each byte, as they lie in memory.
    private static func hexDigits(_ letters: UInt8) -> RawList<UInt16> {
        var table = RawList<UInt16>(capacity: 256)
        func digit(_ nibble: UInt16) -> UInt16 {
            nibble < 10 ? nibble + 48 : nibble + UInt16(letters) - 10
        }
        for byte in UInt16(0)..<256 {
            table.append((digit(byte >> 4) | digit(byte & 15) << 8).littleEndian)
        }
        return table
    }

    private func split(
        _ reader: inout ByteReader, count: Int, depth: Int
    ) throws(BytesError) -> ByteColumn {
        let parts = Int(try reader.readUInt8())
        guard parts <= ValueFormat.mostParts else {
            throw .invalid("parts of values", offset: reader.offset)
        }
        var columns: [ByteColumn] = []
        var plan: [Int] = []
        var total = 0
        for _ in 0..<parts {
            if try reader.readUInt8() == 0 {
                plan.append(Int(try reader.readUInt8()) + 256)
                total += count
                continue
            }
            let column = try decode(&reader, count: count, depth: depth + 1)
            plan.append(columns.count)
            columns.append(column)
            total += column.used
            guard total <= limit else { throw .tooLarge(limit: limit) }
        }
        let out = try column(count: count, bytes: total)
        join(columns, plan, into: out)
        return out
    }

    private func join(_ columns: [ByteColumn], _ plan: [Int], into out: ByteColumn) {
        let sources = RawList<UnsafeMutablePointer<UInt8>>(
            repeating: out.bytes, count: max(columns.count, 1))
        let ends = RawList<UnsafeMutablePointer<UInt32>>(
            repeating: out.ends, count: max(columns.count, 1))
        for (index, column) in columns.enumerated() {
            sources[index] = column.bytes
            ends[index] = column.ends
        }
        plan.withUnsafeBufferPointer { plan in
            var at = 0
            for index in 0..<out.count {
                for part in plan {
                    if part >= 256 {
                        out.bytes[at] = UInt8(truncatingIfNeeded: part)
                        at += 1
                        continue
                    }
                    let start = Int(ends[part][index])
                    let size = Int(ends[part][index + 1]) - start
                    ByteColumn.copy(sources[part] + start, size, to: out.bytes + at)
                    at += size
                }
                out.ends[index + 1] = UInt32(truncatingIfNeeded: at)
            }
        }
        withExtendedLifetime(columns) {}
    }

    private func parted(
        _ reader: inout ByteReader, count: Int, depth: Int
    ) throws(BytesError) -> ByteColumn {
        let groups = Int(try reader.readUInt8())
        guard groups > 0, groups <= ValueFormat.mostGroups + 1 else {
            throw .invalid("groups of values", offset: reader.offset)
        }
        let groupOf = try numbers(&reader, count: count)
        var members = [Int](repeating: 0, count: groups)
        for index in 0..<count {
            guard groupOf[index] >= 0, groupOf[index] < Int64(groups) else {
                throw .invalid("group of a value", offset: reader.offset)
            }
            members[Int(groupOf[index])] += 1
        }
        var columns: [ByteColumn] = []
        var total = 0
        for group in 0..<groups {
            guard try reader.readCount(limit: count) == members[group] else {
                throw .invalid("values of a group", offset: reader.offset)
            }
            let column =
                members[group] == 0
                ? ByteColumn(count: 0, capacity: 0)
                : try decode(&reader, count: members[group], depth: depth + 1)
            columns.append(column)
            total += column.used
            guard total <= limit else { throw .tooLarge(limit: limit) }
        }
        let out = try column(count: count, bytes: total)
        var next = [Int](repeating: 0, count: groups)
        var at = 0
        for index in 0..<count {
            let group = Int(groupOf[index])
            let size = columns[group].size(next[group])
            ByteColumn.copy(columns[group].start(next[group]), size, to: out.bytes + at)
            next[group] += 1
            at += size
            out.ends[index + 1] = UInt32(truncatingIfNeeded: at)
        }
        return out
    }

    private func listed(
        _ reader: inout ByteReader, count: Int, depth: Int
    ) throws(BytesError) -> ByteColumn {
        let distinct = try reader.readCount(limit: count)
        guard distinct > 0 else { throw .invalid("list of values", offset: reader.offset) }
        let list = try decode(&reader, count: distinct, depth: depth + 1)
        let places = try numbers(&reader, count: count)
        return try pick(places.base, count: count, from: list)
    }

    /// The values at some places of a list.
    func pick(
        _ places: UnsafePointer<Int64>, count: Int, from list: ByteColumn
    ) throws(BytesError) -> ByteColumn {
        var total = 0
        for index in 0..<count {
            let place = places[index]
            guard place >= 0, place < Int64(list.count) else {
                throw .invalid("place in a list", offset: 0)
            }
            total += list.size(Int(place))
        }
        let out = try column(count: count, bytes: total)
        var at = 0
        for index in 0..<count {
            let place = Int(places[index])
            let size = list.size(place)
            ByteColumn.copy(list.start(place), size, to: out.bytes + at)
            at += size
            out.ends[index + 1] = UInt32(truncatingIfNeeded: at)
        }
        return out
    }

    private func text(_ reader: inout ByteReader, count: Int) throws(BytesError) -> ByteColumn {
        let sizes = try numbers(&reader, count: count)
        let total = try reader.readCount(limit: limit)
        var sum: Int64 = 0
        for index in 0..<count {
            guard sizes[index] >= 0, sizes[index] <= Int64(total) - sum else {
                throw .invalid("sizes of texts", offset: reader.offset)
            }
            sum += sizes[index]
        }
        guard sum == Int64(total) else {
            throw .invalid("sizes of texts", offset: reader.offset)
        }
        let bytes = try ByteBlock.decode(&reader, count: total)
        let out = try column(count: count, bytes: total)
        bytes.withUnsafeBufferPointer {
            if let base = $0.baseAddress { out.bytes.update(from: base, count: total) }
        }
        sum = 0
        for index in 0..<count {
            sum += sizes[index]
            out.ends[index + 1] = UInt32(truncatingIfNeeded: sum)
        }
        return out
    }
}

/// Decimal digits of numbers.
enum Decimal {
    /// Without leading zeros; gives how many there are, up to twenty.
    @inline(__always)
    static func write(_ number: UInt64, to out: UnsafeMutablePointer<UInt8>) -> Int {
        var digits = 1
        var bound: UInt64 = 10
        while number >= bound {
            digits += 1
            if digits == 20 { break }
            bound &*= 10
        }
        write(number, digits: digits, to: out)
        return digits
    }

    /// The last `digits` of them, with leading zeros.
    @inline(__always)
    static func write(_ number: UInt64, digits: Int, to out: UnsafeMutablePointer<UInt8>) {
        var rest = number
        var at = digits
        while at > 8 {
            // Eight digits at a time: 32-bit divisions are far cheaper.
            var low = UInt32(truncatingIfNeeded: rest % 100_000_000)
            rest /= 100_000_000
            for _ in 0..<8 {
                at -= 1
                out[at] = 48 + UInt8(truncatingIfNeeded: low % 10)
                low /= 10
            }
        }
        var low = UInt32(truncatingIfNeeded: rest % 100_000_000)
        while at > 0 {
            at -= 1
            out[at] = 48 + UInt8(truncatingIfNeeded: low % 10)
            low /= 10
        }
    }
}
