import Bytes

/// A run of bytes whose count the reader knows, coded in the way that takes least room.
/// ```
/// u8 codec │ same:    u8 value
///          │ raw:     bytes
///          │ zstd:    varint size, zstd frame
///          │ entropy: varint size, see EntropyCoder
/// ```
enum ByteBlock {
    enum Codec: UInt8 { case same = 0, raw = 1, zstd = 2, entropy = 3 }

    /// Below this zstd's frame costs more than it saves.
    private static let leastForZstd = 48

    /// What is known of bytes that are to be coded.
    enum Nature { case text, numbers, noise }

    static func encode(
        _ bytes: UnsafeBufferPointer<UInt8>, _ nature: Nature, into out: inout [UInt8]
    ) {
        guard let first = bytes.first else { return out.append(Codec.raw.rawValue) }
        let histogram = Histogram(bytes)
        if histogram.symbols == 1 {
            out.append(Codec.same.rawValue)
            out.append(first)
            return
        }
        var best = Codec.raw
        var packed: [UInt8] = []
        var size = bytes.count
        if nature != .noise, bytes.count >= leastForZstd {
            let coded = Zstd.compress(
                UnsafeRawBufferPointer(bytes), level: nature == .text ? 3 : 1)
            if coded.count + 2 < size {
                best = .zstd
                packed = coded
                size = coded.count + 2
            }
        }
        if histogram.estimatedSize < size, let coded = EntropyCoder.encode(bytes, histogram),
            coded.count + 2 <= size
        {
            best = .entropy
            packed = coded
        }
        out.append(best.rawValue)
        if best == .raw {
            out.append(contentsOf: bytes)
        } else {
            out.appendVarint(UInt64(packed.count))
            out += packed
        }
    }

    /// `count` is bounded by the caller.
    static func decode(_ reader: inout ByteReader, count: Int) throws(BytesError) -> [UInt8] {
        let offset = reader.offset
        guard let codec = Codec(rawValue: try reader.readUInt8()) else {
            throw .invalid("codec of a block", offset: offset)
        }
        switch codec {
        case .same: return Array(repeating: try reader.readUInt8(), count: count)
        case .raw: return try reader.readBytes(count)
        case .zstd:
            let packed = try reader.readBytes(try reader.readCount(limit: reader.remaining))
            var result: Result<[UInt8], BytesError> = .success([])
            packed.withUnsafeBytes { bytes in
                result = Result { () throws(BytesError) in
                    try Zstd.decompress(bytes, rawSize: count)
                }
            }
            return try result.get()
        case .entropy:
            let packed = try reader.readBytes(try reader.readCount(limit: reader.remaining))
            return try EntropyCoder.decode(packed, count: count)
        }
    }
}

/// How often each byte occurs.
struct Histogram {
    private(set) var counts: [UInt32]
    private(set) var symbols = 0
    private let total: Int

    init(_ bytes: UnsafeBufferPointer<UInt8>) {
        var counts = [UInt32](repeating: 0, count: 256)
        counts.withUnsafeMutableBufferPointer { counts in
            for byte in bytes { counts[Int(byte)] &+= 1 }
        }
        self.counts = counts
        total = bytes.count
        symbols = counts.reduce(0) { $0 + ($1 > 0 ? 1 : 0) }
    }

    /// Bits that an ideal coder needs, without its table.
    var bits: Double {
        let whole = Self.log2(Double(total))
        return counts.reduce(0) { sum, count in
            count == 0 ? sum : sum + Double(count) * (whole - Self.log2(Double(count)))
        }
    }

    /// Bytes with the table, roughly.
    var estimatedSize: Int { Int(bits / 8) + 12 + symbols * 5 / 4 }

    /// To three digits, which is enough to choose by.
    static func log2(_ x: Double) -> Double {
        let m = x.significand - 1
        return Double(x.exponent) + m * (1.4228 + m * (-0.5822 + m * 0.1594))
    }
}
