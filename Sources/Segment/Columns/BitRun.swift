/// Whole numbers of some bits each, end to end, lowest bit first.
struct BitWriter: ~Copyable {
    private var bytes: RawList<UInt8>
    private var word: UInt64 = 0
    private var filled = 0

    init(capacity: Int) { bytes = RawList(capacity: capacity + 16) }

    /// `width` is 0...64, `value` has no higher bits.
    @inline(__always)
    mutating func append(_ value: UInt64, width: Int) {
        word |= value << UInt64(filled)
        filled += width
        guard filled >= 64 else { return }
        flush(8)
        filled -= 64
        let kept = width - filled
        word = kept >= 64 ? 0 : value >> UInt64(kept)
        if filled == 0 { word = 0 }
    }

    private mutating func flush(_ count: Int) {
        bytes.reserve(8)
        UnsafeMutableRawPointer(bytes.base + bytes.count).storeBytes(
            of: word.littleEndian, as: UInt64.self)
        bytes.advance(count)
    }

    consuming func finish(into out: inout [UInt8]) {
        flush((filled + 7) / 8)
        out.append(contentsOf: UnsafeBufferPointer(start: bytes.base, count: bytes.count))
    }
}

/// Reads what `BitWriter` wrote; behind the bytes it reads zeros.
struct BitReader: ~Copyable {
    private let bytes: RawList<UInt8>
    private let bits: Int
    private var at = 0

    init(_ source: [UInt8]) {
        var copy = RawList<UInt8>(repeating: 0, count: source.count + 16)
        source.withUnsafeBufferPointer {
            if let base = $0.baseAddress { copy.base.update(from: base, count: $0.count) }
        }
        copy.truncate(to: source.count)
        bytes = copy
        bits = source.count * 8
    }

    @inline(__always)
    mutating func next(width: Int) -> UInt64 {
        guard width > 0, at + width <= bits else { return 0 }
        let start = bytes.base + at >> 3
        let shift = at & 7
        at += width
        var value = ByteRun.word(start) >> UInt64(shift)
        if shift + width > 64 { value |= UInt64(start[8]) << UInt64(64 - shift) }
        return width == 64 ? value : value & (1 << UInt64(width) - 1)
    }
}
