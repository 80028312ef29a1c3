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

    private static func pack(
        _ bytes: UnsafeBufferPointer<UInt8>, _ frequencies: [UInt32], scale: Int,
        into out: inout [UInt8]
    ) {
        let starts = RawList<UInt64>(repeating: 0, count: 256)
        let widths = RawList<UInt64>(repeating: 0, count: 256)
        var sum: UInt64 = 0
        for symbol in 0..<256 {
            starts[symbol] = sum
            widths[symbol] = UInt64(frequencies[symbol])
            sum += UInt64(frequencies[symbol])
        }
        // Written from the last symbol to the first, and read the other way.
        let words = RawList<UInt16>(repeating: 0, count: bytes.count + 1)
        var free = bytes.count
        var states = (lowest, lowest)
        let shift = UInt64(scale)
        for index in stride(from: bytes.count - 1, through: 0, by: -1) {
            let symbol = Int(bytes[index])
            let width = widths[symbol]
            var state = states.1
            if state >= width << (32 - shift) {
                words[free] = UInt16(truncatingIfNeeded: state).littleEndian
                free -= 1
                state >>= 16
            }
            // Both fit 32 bits, whose division is far cheaper.
            let (quotient, rest) = UInt32(truncatingIfNeeded: state)
                .quotientAndRemainder(dividingBy: UInt32(truncatingIfNeeded: width))
            state = UInt64(quotient) << shift + UInt64(rest) + starts[symbol]
            states = (state, states.0)
        }
        out.appendLE(UInt32(truncatingIfNeeded: states.0))
        out.appendLE(UInt32(truncatingIfNeeded: states.1))
        let used = UnsafeRawBufferPointer(
            start: words.base + free + 1, count: (bytes.count - free) * 2)
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
