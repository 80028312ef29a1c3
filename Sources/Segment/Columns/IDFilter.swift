import Bytes
import Foundation

/// Tells of an id whether it may be among those of a chunk: a binary fuse filter of 8-bit fingerprints
/// over three places an id (Graf and Lemire, "Binary Fuse Filters: Fast and Smaller Than Xor
/// Filters", 2022), nine bits an id, wrong once in 256 times and only by saying yes.
/// ```
/// u64 seed │ u8 bits of the segment length │ varint segments │ fingerprints
/// ```
/// An id is a run of at least `shortest` letters and digits, as long as it goes: the parts of
/// `trace-span` are two. Ids enter by their `key`, whose definition is part of the format.
struct IDFilter: Sendable {
    private static let mostTries = 64
    private static let mostSegmentBits = 18
    /// For fewer values a filter costs more than it can save.
    private static let fewest = 64

    static let shortest = 12
    /// Of a large filter.
    static let bitsPerID = 9

    private let seed: UInt64
    private let segmentBits: Int
    /// Places that a value's first one is chosen from, in segments; two more lie behind them.
    private let segments: Int
    private let fingerprints: [UInt8]

    var bytes: Int { fingerprints.count }

    @inline(__always)
    static func isPart(_ byte: UInt8) -> Bool {
        (byte | 0x20) &- UInt8(ascii: "a") < 26 || byte &- UInt8(ascii: "0") < 10
    }

    /// Calls `body` with the ids of a value.
    @inline(__always)
    static func forEachID(
        _ value: UnsafePointer<UInt8>, _ size: Int, _ body: (_ start: Int, _ size: Int) -> Void
    ) {
        var at = 0
        while at < size {
            let start = at
            while at < size, isPart(value[at]) { at += 1 }
            if at - start >= shortest { body(start, at - start) }
            at += 1
        }
    }

    /// `Values.slack` bytes lie behind the value.
    @inline(__always)
    static func key(_ value: UnsafePointer<UInt8>, _ size: Int) -> UInt64 {
        ByteRun.hash(value, size, seed: 0x6a09_e667_f3bc_c908)
    }

    static func key(_ value: ArraySlice<UInt8>) -> UInt64 {
        (value + [UInt8](repeating: 0, count: Values.slack)).withUnsafeBufferPointer {
            $0.baseAddress.map { key($0, value.count) } ?? 0
        }
    }

    /// The places of a key and its fingerprint.
    @inline(__always)
    private static func places(
        _ key: UInt64, _ seed: UInt64, _ bits: Int, _ segments: Int
    ) -> (first: Int, second: Int, third: Int, print: UInt8) {
        let hash = ByteRun.mix(seed, key)
        let length = UInt64(1) << UInt64(bits)
        let mask = length - 1
        let first = hash.multipliedFullWidth(by: UInt64(segments) * length).high
        let second = (first + length) ^ (hash >> 18 & mask)
        let third = (first + 2 * length) ^ (hash & mask)
        return (
            Int(truncatingIfNeeded: first), Int(truncatingIfNeeded: second),
            Int(truncatingIfNeeded: third), UInt8(truncatingIfNeeded: hash ^ hash >> 32)
        )
    }

    func mayHold(_ key: UInt64) -> Bool {
        let place = Self.places(key, seed, segmentBits, segments)
        return fingerprints[place.first] ^ fingerprints[place.second] ^ fingerprints[place.third]
            == place.print
    }

    /// Nil for too few values, or when no seed will do. Keys may repeat.
    init?(_ keys: consuming [UInt64]) {
        var keys = keys
        keys.sort()
        var count = 0
        for key in keys where count == 0 || keys[count - 1] != key {
            keys[count] = key
            count += 1
        }
        keys.removeLast(keys.count - count)
        guard count >= Self.fewest else { return nil }
        let logarithm = log(Double(count))
        segmentBits = min(Self.mostSegmentBits, Int(logarithm / log(3.33) + 2.25))
        let factor = max(1.125, 0.875 + 0.25 * log(1e6) / logarithm)
        let length = 1 << segmentBits
        segments = max(1, (Int(Double(count) * factor) + length - 1) / length - 2)
        var seed: UInt64 = 0x51_7c_c1_b7_27_22_0a_95
        for _ in 0..<Self.mostTries {
            seed = ByteRun.mix(seed, 0x2545_f491_4f6c_dd1d)
            if let made = Self.fingerprints(of: keys, seed, segmentBits, segments) {
                self.seed = seed
                fingerprints = made
                return
            }
        }
        return nil
    }

    /// Takes away values that are alone at one of their places, last ones first put back.
    private static func fingerprints(
        of keys: [UInt64], _ seed: UInt64, _ bits: Int, _ segments: Int
    ) -> [UInt8]? {
        let room = (segments + 2) << bits
        let counts = RawList<UInt32>(repeating: 0, count: room)
        /// Of each place: the numbers of the keys that have it, combined by xor.
        let there = RawList<UInt32>(repeating: 0, count: room)
        func toggle(_ key: Int, by change: Int32) -> (Int, Int, Int) {
            let place = places(keys[key], seed, bits, segments)
            for at in [place.first, place.second, place.third] {
                counts[at] = UInt32(bitPattern: Int32(bitPattern: counts[at]) + change)
                there[at] ^= UInt32(truncatingIfNeeded: key)
            }
            return (place.first, place.second, place.third)
        }
        for key in keys.indices { _ = toggle(key, by: 1) }
        var alone = (0..<room).filter { counts[$0] == 1 }
        var order: [(key: Int, place: Int)] = []
        order.reserveCapacity(keys.count)
        while let place = alone.popLast() {
            guard counts[place] == 1 else { continue }
            let key = Int(there[place])
            order.append((key, place))
            let others = toggle(key, by: -1)
            for at in [others.0, others.1, others.2] where counts[at] == 1 { alone.append(at) }
        }
        guard order.count == keys.count else { return nil }
        var out = [UInt8](repeating: 0, count: room)
        for (key, place) in order.reversed() {
            let its = places(keys[key], seed, bits, segments)
            out[place] = 0
            out[place] = its.print ^ out[its.first] ^ out[its.second] ^ out[its.third]
        }
        return out
    }

    func encode() -> [UInt8] {
        var out: [UInt8] = []
        out.appendLE(seed)
        out.append(UInt8(segmentBits))
        out.appendVarint(UInt64(segments))
        return out + fingerprints
    }

    init(decoding body: [UInt8]) throws(BytesError) {
        var reader = ByteReader(body)
        seed = try reader.readUInt64()
        segmentBits = Int(try reader.readUInt8())
        segments = try reader.readCount(limit: SegmentFormat.maxPageBytes)
        guard segmentBits <= Self.mostSegmentBits, segments > 0,
            reader.remaining == (segments + 2) << segmentBits
        else { throw .invalid("filter of ids", offset: reader.offset) }
        fingerprints = try reader.readBytes(reader.remaining)
    }
}
