import Bytes

/// An order-0 range coder (range asymmetric numeral systems, two interleaved states): what single
/// bytes of typed columns need, where there is nothing left to be matched.
/// ```
/// u8 scale │ u8 symbols - 1 │ u8 layout: 0 u8 first, the others follow it without gaps
///                                    1 one byte each │ 2 bitmap of 32 bytes
/// │ varint frequency - 1 of each symbol but the last │ u32 state, u32 state │ u16 words ...
/// ```
/// Frequencies sum up to 2^scale.
enum EntropyCoder {
    private static let lowest: UInt64 = 1 << 16
    private enum Layout: UInt8 { case gapless = 0, list, bitmap }

    /// Fine enough for what the symbols are, and no finer than their number bears: every frequency
    /// below 128 is a byte.
    private static func scale(_ count: Int, symbols: Int) -> Int {
        func width(_ number: Int) -> Int { number.bitWidth - number.leadingZeroBitCount }
        return min(12, max(8, min(width(count), width(symbols) + 6)))
    }

    /// Nil when the symbols do not fit: callers have other codecs.
    static func encode(_ bytes: UnsafeBufferPointer<UInt8>, _ histogram: Histogram) -> [UInt8]? {
        let scale = scale(bytes.count, symbols: histogram.symbols)
        guard let frequencies = normalized(histogram, total: bytes.count, scale: scale) else {
            return nil
        }
        var out: [UInt8] = [UInt8(scale), UInt8(histogram.symbols - 1)]
        let symbols = frequencies.indices.filter { frequencies[$0] > 0 }
        if let first = symbols.first, symbols.last == first + symbols.count - 1 {
            out += [Layout.gapless.rawValue, UInt8(first)]
        } else if symbols.count <= 32 {
            out.append(Layout.list.rawValue)
            out += symbols.map { UInt8($0) }
        } else {
            out.append(Layout.bitmap.rawValue)
            var bitmap = [UInt8](repeating: 0, count: 32)
            for symbol in symbols { bitmap[symbol / 8] |= 1 << UInt8(symbol % 8) }
            out += bitmap
        }
        for symbol in symbols.dropLast() { out.appendVarint(UInt64(frequencies[symbol] - 1)) }
        pack(bytes, frequencies, scale: scale, into: &out)
        return out
    }

    /// How a symbol changes the state: x becomes x + bias + (x / width) * rest, and the division is a
    /// multiplication, exact for x below 2^32 and widths up to 2^12.
    private struct Step: BitwiseCopyable {
        /// From here on the state gives a word away first.
        var limit: UInt64 = 0
        var reciprocal: UInt64 = 0
        var bias: UInt64 = 0
        var rest: UInt64 = 0

        init(start: UInt64, width: UInt64, scale: UInt64) {
            guard width > 0 else { return }
            limit = width << (32 - scale)
            rest = 1 << scale - width
            // x / 1 would need 2^64: with one less the quotient is x - 1, and the bias mends that.
            reciprocal = width == 1 ? .max : .max / width + 1
            bias = width == 1 ? start + 1 << scale - 1 : start
        }
    }

    private static func pack(
        _ bytes: UnsafeBufferPointer<UInt8>, _ frequencies: [UInt32], scale: Int,
        into out: inout [UInt8]
    ) {
        var steps = RawList<Step>(capacity: 256)
        var sum: UInt64 = 0
        for frequency in frequencies {
            steps.append(Step(start: sum, width: UInt64(frequency), scale: UInt64(scale)))
            sum += UInt64(frequency)
        }
        // Written from the last symbol to the first, and read the other way. A word is always put
        // down, and the next one takes its place when it was not needed: no branch to mispredict.
        let words = RawList<UInt16>(capacity: bytes.count + 1)
        var free = bytes.count
        let base = words.base
        let table = steps.base
        @inline(__always) func push(_ byte: UInt8, _ state: inout UInt64) {
            let step = table + Int(byte)
            base[free] = UInt16(truncatingIfNeeded: state).littleEndian
            let isFull: UInt64 = state >= step.pointee.limit ? 1 : 0
            free -= Int(truncatingIfNeeded: isFull)
            state >>= isFull << 4
            let quotient = state.multipliedFullWidth(by: step.pointee.reciprocal).high
            state = state &+ step.pointee.bias &+ quotient &* step.pointee.rest
        }
        var (even, odd) = (lowest, lowest)
        var index = bytes.count
        if index % 2 == 1 {
            index -= 1
            push(bytes[index], &even)
        }
        while index > 0 {
            push(bytes[index - 1], &odd)
            push(bytes[index - 2], &even)
            index -= 2
        }
        out.appendLE(UInt32(truncatingIfNeeded: even))
        out.appendLE(UInt32(truncatingIfNeeded: odd))
        let used = UnsafeRawBufferPointer(start: base + free + 1, count: (bytes.count - free) * 2)
        out.append(contentsOf: used)
    }

    private static func normalized(
        _ histogram: Histogram, total: Int, scale: Int
    ) -> [UInt32]? {
        let whole = 1 << scale
        guard histogram.symbols > 1, histogram.symbols <= whole / 2 else { return nil }
        var frequencies = [UInt32](repeating: 0, count: 256)
        var sum = 0
        var largest = 0
        for symbol in 0..<256 where histogram.counts[symbol] > 0 {
            let share = (Int(histogram.counts[symbol]) * whole + total / 2) / total
            frequencies[symbol] = UInt32(max(share, 1))
            sum += max(share, 1)
            if frequencies[symbol] > frequencies[largest] { largest = symbol }
        }
        let corrected = Int(frequencies[largest]) + whole - sum
        guard corrected > 0 else { return nil }
        frequencies[largest] = UInt32(corrected)
        return frequencies
    }

    static func decode(_ packed: [UInt8], count: Int) throws(BytesError) -> [UInt8] {
        var reader = ByteReader(packed)
        let scale = Int(try reader.readUInt8())
        guard (8...12).contains(scale) else { throw .invalid("scale", offset: 0) }
        let symbols = try readSymbols(&reader)
        // Per slot: symbol, width, distance from the symbol's start.
        let slots = RawList<UInt64>(repeating: 0, count: 1 << scale)
        var filled = 0
        for (index, symbol) in symbols.enumerated() {
            let left = (1 << scale) - filled
            let isLast = index == symbols.count - 1
            let width = isLast ? left : try reader.readCount(limit: left) + 1
            guard width > 0, width <= left else {
                throw .invalid("frequency", offset: reader.offset)
            }
            for place in 0..<width {
                slots[filled + place] =
                    UInt64(symbol) << 32 | UInt64(width) << 16 | UInt64(place)
            }
            filled += width
        }
        let first = UInt64(try reader.readUInt32())
        let second = UInt64(try reader.readUInt32())
        let words = try reader.readRange(reader.remaining)
        return unpack(
            packed, words, count: count, states: (first, second), slots: slots, scale: scale)
    }

    private static func readSymbols(_ reader: inout ByteReader) throws(BytesError) -> [UInt8] {
        let count = Int(try reader.readUInt8()) + 1
        switch Layout(rawValue: try reader.readUInt8()) {
        case .gapless:
            let first = Int(try reader.readUInt8())
            guard first + count <= 256 else { break }
            return (first..<first + count).map { UInt8($0) }
        case .list: return try reader.readBytes(count)
        case .bitmap:
            let bitmap = try reader.readBytes(32)
            let symbols = (0..<256).filter { bitmap[$0 / 8] >> UInt8($0 % 8) & 1 == 1 }
            guard symbols.count == count else { break }
            return symbols.map { UInt8($0) }
        case nil: break
        }
        throw .invalid("symbols", offset: reader.offset)
    }

    /// Words behind the end read as zero: the page's checksum has found damage before.
    private static func unpack(
        _ packed: [UInt8], _ words: Range<Int>, count: Int, states: (UInt64, UInt64),
        slots: borrowing RawList<UInt64>, scale: Int
    ) -> [UInt8] {
        let mask = UInt64(1) << UInt64(scale) - 1
        let base = slots.base
        return packed.withUnsafeBytes { packed in
            [UInt8](unsafeUninitializedCapacity: count) { out, made in
                var at = words.lowerBound
                var state = states.0
                var other = states.1
                for index in 0..<count {
                    let slot = base[Int(truncatingIfNeeded: state & mask)]
                    out[index] = UInt8(truncatingIfNeeded: slot >> 32)
                    state = (slot >> 16 & 0xffff) &* (state >> UInt64(scale)) &+ slot & 0xffff
                    if state < lowest {
                        var word: UInt16 = 0
                        if at + 2 <= words.upperBound {
                            word = UInt16(
                                littleEndian: packed.loadUnaligned(
                                    fromByteOffset: at, as: UInt16.self))
                            at += 2
                        }
                        state = state << 16 | UInt64(word)
                    }
                    swap(&state, &other)
                }
                made = count
            }
        }
    }
}
