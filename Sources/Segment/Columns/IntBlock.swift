import Bytes

/// Whole numbers whose count the reader knows.
/// ```
/// u8 mode │ zigzag least │ varint step │ body; a number is least + step * u
///   same     all u are zero
///   bits     u8 width, u of `width` bits each
///   buckets  u8 precision, ByteBlock of bucket numbers, varint size, bits below the buckets
///   bytes    ByteBlock of u
///   delta    varint first u, IntBlock of the differences
///   words    u8 2 or 4, ByteBlock of u in so many bytes each
/// ```
/// A bucket is the highest bits of u: `precision` of them behind the first one that is set.
enum IntBlock {
    private enum Mode: UInt8 { case same = 0, bits, buckets, bytes, delta, words }

    static func encode(
        _ values: UnsafePointer<Int64>, count: Int, into out: inout [UInt8], isDelta: Bool = false
    ) {
        guard count > 0 else { return }
        var least = values[0]
        var most = values[0]
        for index in 1..<max(count, 1) {
            least = min(least, values[index])
            most = max(most, values[index])
        }
        let offsets = RawList<UInt64>(capacity: count)
        for index in 0..<count { offsets.base[index] = UInt64(bitPattern: values[index] &- least) }
        let step = divisor(offsets, count: count)
        if step > 1 { for index in 0..<count { offsets[index] /= step } }
        let top = UInt64(bitPattern: most &- least) / max(step, 1)
        func head(_ mode: Mode) {
            out.append(mode.rawValue)
            out.appendZigzag(least)
            out.appendVarint(max(step, 1))
        }
        guard top > 0 else { return head(.same) }
        if !isDelta, count >= 16, deltaPays(offsets, count: count) {
            head(.delta)
            out.appendVarint(offsets[0])
            let differences = RawList<Int64>(capacity: count - 1)
            for index in 1..<count {
                differences.base[index - 1] = Int64(
                    bitPattern: offsets[index] &- offsets[index - 1])
            }
            encode(differences.base, count: count - 1, into: &out, isDelta: true)
            return
        }
        if top < 256 {
            let bytes = RawList<UInt8>(capacity: count)
            for index in 0..<count { bytes.base[index] = UInt8(truncatingIfNeeded: offsets[index]) }
            var coded: [UInt8] = []
            ByteBlock.encode(
                UnsafeBufferPointer(start: bytes.base, count: count), .numbers, into: &coded)
            if coded.count < (count * width(top) + 7) / 8 + 2 {
                head(.bytes)
                out += coded
                return
            }
        } else {
            let coded = buckets(offsets, count: count, top: top)
            let size = coded?.count ?? (count * width(top) + 7) / 8
            if let words = words(offsets, count: count, top: top, below: size) {
                head(.words)
                out += words
                return
            }
            if let coded {
                head(.buckets)
                out += coded
                return
            }
        }
        head(.bits)
        out.append(UInt8(width(top)))
        var bits = BitWriter(capacity: count * width(top) / 8 + 8)
        for index in 0..<count { bits.append(offsets[index], width: width(top)) }
        bits.finish(into: &out)
    }

    @inline(__always)
    private static func width(_ value: UInt64) -> Int { 64 - value.leadingZeroBitCount }

    /// The greatest number that divides all; 1 for most columns after a few values.
    private static func divisor(_ offsets: borrowing RawList<UInt64>, count: Int) -> UInt64 {
        var result: UInt64 = 0
        for index in 0..<count {
            var a = offsets[index]
            while a != 0 { (a, result) = (result % a, a) }
            if result == 1 { break }
        }
        return result
    }

    private static func deltaPays(_ offsets: borrowing RawList<UInt64>, count: Int) -> Bool {
        var plain = 0
        var delta = 0
        for index in 1..<count {
            plain += width(offsets[index])
            let difference = Int64(bitPattern: offsets[index] &- offsets[index - 1])
            delta += width(UInt64(bitPattern: difference << 1 ^ difference >> 63))
        }
        return delta + count < plain
    }

    private static func buckets(
        _ offsets: borrowing RawList<UInt64>, count: Int, top: UInt64
    ) -> [UInt8]? {
        let bucket = Bucket(precision: width(top) <= 34 ? 3 : 2)
        let symbols = RawList<UInt8>(capacity: count)
        let widths = RawList<UInt8>(capacity: count)
        var below = 0
        for index in 0..<count {
            let (symbol, bits) = bucket.of(offsets[index])
            symbols.base[index] = symbol
            widths.base[index] = UInt8(truncatingIfNeeded: bits)
            below += bits
        }
        let run = UnsafeBufferPointer(start: symbols.base, count: count)
        let plain = (count * width(top) + 7) / 8
        guard Histogram(run).estimatedSize + below / 8 + 3 < plain else { return nil }
        var out: [UInt8] = [UInt8(bucket.precision)]
        ByteBlock.encode(run, .numbers, into: &out)
        var bits = BitWriter(capacity: below / 8 + 8)
        for index in 0..<count {
            let width = Int(widths[index])
            bits.append(offsets[index] & (1 << UInt64(width) &- 1), width: width)
        }
        out.appendVarint(UInt64((below + 7) / 8))
        bits.finish(into: &out)
        return out.count < plain ? out : nil
    }

    /// Runs of numbers that come again and again, which nothing finds in single numbers.
    private static func words(
        _ offsets: borrowing RawList<UInt64>, count: Int, top: UInt64, below limit: Int
    ) -> [UInt8]? {
        guard count >= 256, top < 1 << 32 else { return nil }
        let size = top < 1 << 16 ? 2 : 4
        guard repeats(offsets, count: count) else { return nil }
        let words = RawList<UInt8>(capacity: count * size + 8)
        for index in 0..<count {
            UnsafeMutableRawPointer(words.base + index * size).storeBytes(
                of: UInt32(truncatingIfNeeded: offsets[index]).littleEndian, as: UInt32.self)
        }
        let run = UnsafeBufferPointer(start: words.base, count: count * size)
        var out: [UInt8] = [UInt8(size)]
        ByteBlock.encode(run, .numbers, into: &out)
        return out.count < limit ? out : nil
    }

    /// Whether runs of three numbers come again within the first few hundred, one in four at least:
    /// zstd finds nothing to gain in less.
    private static func repeats(_ offsets: borrowing RawList<UInt64>, count: Int) -> Bool {
        let looked = min(count - 2, 768)
        let seen = RawList<UInt16>(repeating: 0, count: 4096)
        var again = 0
        for index in 0..<looked {
            let run = ByteRun.mix(
                ByteRun.mix(offsets[index], offsets[index + 1]), offsets[index + 2])
            let mark = UInt16(truncatingIfNeeded: run >> 48) | 1
            let slot = Int(truncatingIfNeeded: run & 4095)
            if seen[slot] == mark { again += 1 }
            seen[slot] = mark
        }
        return again * 4 > looked
    }

    private static func readWords(
        _ reader: inout ByteReader, _ count: Int, _ out: UnsafeMutablePointer<Int64>
    ) throws(BytesError) {
        let size = Int(try reader.readUInt8())
        guard size == 2 || size == 4 else {
            throw .invalid("size of words", offset: reader.offset)
        }
        let bytes = try ByteBlock.decode(&reader, count: count * size)
        for index in 0..<count {
            var word: UInt32 = 0
            for place in 0..<size {
                word |= UInt32(bytes[index * size + place]) << UInt32(place * 8)
            }
            out[index] = Int64(word)
        }
    }

    /// Fills `count` numbers; `count` is bounded by the caller.
    static func decode(
        _ reader: inout ByteReader, count: Int, into out: UnsafeMutablePointer<Int64>,
        isDelta: Bool = false
    ) throws(BytesError) {
        guard count > 0 else { return }
        let offset = reader.offset
        guard let mode = Mode(rawValue: try reader.readUInt8()), !isDelta || mode != .delta else {
            throw .invalid("mode of numbers", offset: offset)
        }
        let least = try reader.readZigzag()
        let step = Int64(bitPattern: try reader.readVarint())
        switch mode {
        case .same:
            for index in 0..<count { out[index] = least }
            return
        case .bits: try readBits(&reader, count, out)
        case .buckets: try readBuckets(&reader, count, out)
        case .bytes:
            let bytes = try ByteBlock.decode(&reader, count: count)
            for index in 0..<count { out[index] = Int64(bytes[index]) }
        case .words: try readWords(&reader, count, out)
        case .delta:
            out[0] = Int64(bitPattern: try reader.readVarint())
            try decode(&reader, count: count - 1, into: out + 1, isDelta: true)
            for index in 1..<max(count, 1) { out[index] &+= out[index - 1] }
        }
        for index in 0..<count { out[index] = least &+ step &* out[index] }
    }

    private static func readBits(
        _ reader: inout ByteReader, _ count: Int, _ out: UnsafeMutablePointer<Int64>
    ) throws(BytesError) {
        let width = Int(try reader.readUInt8())
        guard width <= 64 else { throw .invalid("width of numbers", offset: reader.offset) }
        var bits = BitReader(try reader.readBytes((count * width + 7) / 8))
        for index in 0..<count { out[index] = Int64(bitPattern: bits.next(width: width)) }
    }

    private static func readBuckets(
        _ reader: inout ByteReader, _ count: Int, _ out: UnsafeMutablePointer<Int64>
    ) throws(BytesError) {
        let precision = Int(try reader.readUInt8())
        guard precision == 2 || precision == 3 else {
            throw .invalid("precision of buckets", offset: reader.offset)
        }
        let bucket = Bucket(precision: precision)
        let symbols = try ByteBlock.decode(&reader, count: count)
        var bits = BitReader(try reader.readBytes(try reader.readCount(limit: reader.remaining)))
        symbols.withUnsafeBufferPointer { symbols in
            for index in 0..<count {
                let (base, below) = bucket.start(Int(symbols[index]))
                out[index] = Int64(bitPattern: base &+ bits.next(width: below))
            }
        }
    }

    private struct Bucket {
        let precision: Int

        @inline(__always)
        func of(_ value: UInt64) -> (symbol: UInt8, below: Int) {
            let direct = UInt64(2) << UInt64(precision)
            if value < direct { return (UInt8(truncatingIfNeeded: value), 0) }
            let below = 63 - value.leadingZeroBitCount - precision
            let high = value >> UInt64(below) & (direct >> 1 - 1)
            let symbol = direct + UInt64(below - 1) << UInt64(precision) + high
            return (UInt8(truncatingIfNeeded: symbol), below)
        }

        @inline(__always)
        func start(_ symbol: Int) -> (base: UInt64, below: Int) {
            let direct = 2 << precision
            if symbol < direct { return (UInt64(symbol), 0) }
            let below = (symbol - direct) >> precision + 1
            let high = UInt64(1 << precision | symbol & (1 << precision - 1))
            return (high << UInt64(below), below)
        }
    }
}
