/// Decoded values of a page, end to end, with room for copies that overshoot.
final class ByteColumn {
    static let slack = 32

    let count: Int
    /// Value i lies between `ends[i]` and `ends[i + 1]`.
    let ends: UnsafeMutablePointer<UInt32>
    let bytes: UnsafeMutablePointer<UInt8>
    let capacity: Int

    /// Room for `capacity` bytes; the maker fills in bytes and ends.
    init(count: Int, capacity: Int) {
        self.count = count
        self.capacity = capacity
        ends = .allocate(capacity: count + 1)
        ends.initialize(repeating: 0, count: count + 1)
        bytes = .allocate(capacity: capacity + Self.slack)
        // What overshooting copies read is written before it is read.
        (bytes + capacity).initialize(repeating: 0, count: Self.slack)
    }

    convenience init(_ values: [[UInt8]]) {
        self.init(count: values.count, capacity: values.reduce(0) { $0 + $1.count })
        var at = 0
        for (index, value) in values.enumerated() {
            for byte in value {
                bytes[at] = byte
                at += 1
            }
            ends[index + 1] = UInt32(truncatingIfNeeded: at)
        }
    }

    deinit {
        ends.deallocate()
        bytes.deallocate()
    }

    @inline(__always)
    func size(_ index: Int) -> Int { Int(ends[index + 1] &- ends[index]) }

    @inline(__always)
    func start(_ index: Int) -> UnsafeMutablePointer<UInt8> { bytes + Int(ends[index]) }

    var memory: Int { capacity + (count + 1) * 4 }

    var used: Int { Int(ends[count]) }

    func value(_ index: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: start(index), count: size(index))
    }

    /// Copies up to 15 bytes more than asked for: both sides have `slack`.
    @inline(__always)
    static func copy(
        _ from: UnsafePointer<UInt8>, _ size: Int, to out: UnsafeMutablePointer<UInt8>
    ) {
        let source = UnsafeRawPointer(from)
        let target = UnsafeMutableRawPointer(out)
        var at = 0
        repeat {
            let word = source.loadUnaligned(fromByteOffset: at, as: SIMD16<UInt8>.self)
            target.storeBytes(of: word, toByteOffset: at, as: SIMD16<UInt8>.self)
            at += 16
        } while at < size
    }
}
