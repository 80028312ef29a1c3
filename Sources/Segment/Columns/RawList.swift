/// A growing run of plain values behind one pointer, for loops over every byte of a chunk: no
/// reference count, no check for sharing. Whoever holds it frees it by letting it go.
struct RawList<Element: BitwiseCopyable>: ~Copyable {
    private(set) var base: UnsafeMutablePointer<Element>
    private(set) var count = 0
    private var capacity: Int

    init(capacity: Int = 16) {
        self.capacity = max(capacity, 1)
        base = .allocate(capacity: self.capacity)
    }

    /// `count` copies of one value.
    init(repeating value: Element, count: Int) {
        self.init(capacity: count)
        base.initialize(repeating: value, count: count)
        self.count = count
    }

    init(_ values: [Element]) {
        self.init(capacity: values.count)
        values.withUnsafeBufferPointer {
            if let first = $0.baseAddress { base.update(from: first, count: $0.count) }
        }
        count = values.count
    }

    deinit { base.deallocate() }

    @inline(__always)
    mutating func append(_ value: Element) {
        if count == capacity { grow(to: capacity * 2) }
        (base + count).initialize(to: value)
        count += 1
    }

    /// Room for `extra` more, which the caller fills behind `base + count` and then counts in with
    /// `advance`.
    @inline(__always)
    mutating func reserve(_ extra: Int) {
        if count + extra > capacity { grow(to: max(capacity * 2, count + extra)) }
    }

    @inline(__always)
    mutating func advance(_ added: Int) { count += added }

    mutating func removeAll() { count = 0 }

    mutating func truncate(to kept: Int) { count = min(count, kept) }

    private mutating func grow(to wanted: Int) {
        let larger = UnsafeMutablePointer<Element>.allocate(capacity: wanted)
        larger.update(from: base, count: count)
        base.deallocate()
        base = larger
        capacity = wanted
    }

    /// Unchecked: indices come from our own loops, never from stored bytes.
    @inline(__always)
    subscript(index: Int) -> Element {
        get { base[index] }
        nonmutating set { base[index] = newValue }
    }
}

/// A run of bytes of the chunk that is being encoded.
struct ByteSpan: BitwiseCopyable {
    var start: UInt32
    var count: UInt32

    @inline(__always)
    init(_ start: Int, _ count: Int) {
        self.start = UInt32(truncatingIfNeeded: start)
        self.count = UInt32(truncatingIfNeeded: count)
    }
}

/// Spans with the bytes they point into. Behind those lie `slack` zero bytes, so that loads of
/// eight bytes at any offset stay inside.
struct Values {
    static let slack = 64

    let text: UnsafePointer<UInt8>
    let spans: UnsafePointer<ByteSpan>
    let count: Int

    @inline(__always)
    func start(_ index: Int) -> UnsafePointer<UInt8> { text + Int(spans[index].start) }

    @inline(__always)
    func size(_ index: Int) -> Int { Int(spans[index].count) }

    func slice(_ range: Range<Int>) -> Values {
        Values(text: text, spans: spans + range.lowerBound, count: range.count)
    }

    @inline(__always)
    func equal(_ a: Int, _ b: Int) -> Bool {
        size(a) == size(b) && ByteRun.equal(start(a), start(b), size(a))
    }
}

/// Comparing and hashing short runs of bytes, eight at a time; needs `Values.slack` behind them.
enum ByteRun {
    @inline(__always)
    static func word(_ at: UnsafePointer<UInt8>) -> UInt64 {
        UInt64(littleEndian: UnsafeRawPointer(at).loadUnaligned(as: UInt64.self))
    }

    /// Keeps the first `count` bytes of a word, 1...8.
    @inline(__always)
    static func head(_ word: UInt64, _ count: Int) -> UInt64 {
        word & (~0 >> UInt64(truncatingIfNeeded: 64 - count * 8))
    }

    @inline(__always)
    static func equal(_ a: UnsafePointer<UInt8>, _ b: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        var at = 0
        while at + 8 <= count {
            if word(a + at) != word(b + at) { return false }
            at += 8
        }
        return at == count || head(word(a + at) ^ word(b + at), count - at) == 0
    }

    /// Whether all of the next `count` bytes, 1...8, are decimal digits.
    @inline(__always)
    static func areDigits(_ at: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        let unused = UInt64(truncatingIfNeeded: 64 - count * 8)
        let word = head(word(at), count) | 0x3030_3030_3030_3030 & ~(~0 >> unused)
        let low = (word &+ 0x0606_0606_0606_0606) & 0xf0f0_f0f0_f0f0_f0f0
        return word & 0xf0f0_f0f0_f0f0_f0f0 == 0x3030_3030_3030_3030 && low == 0x3030_3030_3030_3030
    }

    /// The number that up to eight digits tell, 1...8.
    @inline(__always)
    static func number(_ at: UnsafePointer<UInt8>, _ count: Int) -> UInt64 {
        // Behind as many zeros as are missing; then digits, pairs and fours meet.
        let digits =
            (word(at) &- 0x3030_3030_3030_3030) << UInt64(truncatingIfNeeded: 64 - count * 8)
        let pairs = digits &* 10 &+ digits >> 8
        let low = (pairs & 0xff_0000_00ff) &* 0xf_4240_0000_0064
        let high = (pairs >> 16 & 0xff_0000_00ff) &* 0x2710_0000_0001
        return (low &+ high) >> 32
    }

    /// `equal` for long runs without anything behind them.
    static func equalAlone(
        _ a: UnsafePointer<UInt8>, _ b: UnsafePointer<UInt8>, _ count: Int
    ) -> Bool {
        var at = 0
        while at + 32 <= count {
            let x = (word(a + at) ^ word(b + at)) | (word(a + at + 8) ^ word(b + at + 8))
            let y =
                (word(a + at + 16) ^ word(b + at + 16)) | (word(a + at + 24) ^ word(b + at + 24))
            if x | y != 0 { return false }
            at += 32
        }
        while at < count {
            if a[at] != b[at] { return false }
            at += 1
        }
        return true
    }

    @inline(__always)
    static func mix(_ hash: UInt64, _ word: UInt64) -> UInt64 {
        let wide = (hash ^ word).multipliedFullWidth(by: 0x9e37_79b9_7f4a_7c15)
        return wide.high ^ wide.low &+ 0x2545_f491_4f6c_dd1d
    }

    @inline(__always)
    private static func product(_ a: UInt64, _ b: UInt64) -> UInt64 {
        let wide = a.multipliedFullWidth(by: b)
        return wide.high ^ wide.low
    }

    /// One multiplication for every 16 bytes: the words of a short run lie over each other.
    @inline(__always)
    static func hash(_ at: UnsafePointer<UInt8>, _ count: Int, seed: UInt64) -> UInt64 {
        var state = seed ^ 0x9e37_79b9_7f4a_7c15
        var offset = 0
        while count - offset > 16 {
            state = product(
                word(at + offset) ^ state, word(at + offset + 8) ^ 0x2545_f491_4f6c_dd1d)
            offset += 16
        }
        let rest = count - offset
        let size = UInt64(truncatingIfNeeded: count) ^ 0xd6e8_feb8_6659_fd93
        if rest >= 8 {
            return product(word(at + offset) ^ state, word(at + count - 8) ^ size)
        }
        return product(rest == 0 ? state : head(word(at + offset), rest) ^ state, size)
    }
}
