/// Why bytes could not be decoded. Offsets count from the start of the input.
package enum BytesError: Error, Equatable, Sendable {
    case truncated(offset: Int)
    case invalid(String, offset: Int)
    /// The result would exceed a bound, in bytes.
    case tooLarge(limit: Int)
}

/// Reads little-endian fields from bytes, front to back; every read is checked.
package struct ByteReader {
    private let bytes: [UInt8]
    private let end: Int
    package private(set) var offset: Int

    package init(_ bytes: [UInt8], range: Range<Int>? = nil) {
        self.bytes = bytes
        let range = (range ?? 0..<bytes.count).clamped(to: 0..<bytes.count)
        offset = range.lowerBound
        end = range.upperBound
    }

    package var remaining: Int { end - offset }
    package var isAtEnd: Bool { offset == end }

    package mutating func readRange(_ count: Int) throws(BytesError) -> Range<Int> {
        guard count >= 0, count <= remaining else { throw .truncated(offset: offset) }
        defer { offset += count }
        return offset..<offset + count
    }

    package mutating func readBytes(_ count: Int) throws(BytesError) -> [UInt8] {
        Array(bytes[try readRange(count)])
    }

    /// Appends the next bytes to others, without an array of their own.
    package mutating func appendBytes(_ count: Int, to out: inout [UInt8]) throws(BytesError) {
        let range = try readRange(count)
        bytes.withUnsafeBufferPointer { out.append(contentsOf: $0[range]) }
    }

    private mutating func readInteger<T: FixedWidthInteger>(_: T.Type) throws(BytesError) -> T {
        let range = try readRange(MemoryLayout<T>.size)
        return bytes.withUnsafeBytes {
            T(littleEndian: $0.loadUnaligned(fromByteOffset: range.lowerBound, as: T.self))
        }
    }

    package mutating func readUInt8() throws(BytesError) -> UInt8 { try readInteger(UInt8.self) }
    package mutating func readUInt16() throws(BytesError) -> UInt16 { try readInteger(UInt16.self) }
    package mutating func readUInt32() throws(BytesError) -> UInt32 { try readInteger(UInt32.self) }
    package mutating func readUInt64() throws(BytesError) -> UInt64 { try readInteger(UInt64.self) }

    /// LEB128, ten bytes at most.
    package mutating func readVarint() throws(BytesError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let byte = try readUInt8()
            guard shift < 63 || byte <= 1 else {
                throw .invalid("varint beyond 64 bits", offset: offset)
            }
            value |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { return value }
            shift += 7
            guard shift < 64 else { throw .invalid("varint beyond 64 bits", offset: offset) }
        }
    }

    /// A varint that counts something in memory; a value beyond `limit` is refused.
    package mutating func readCount(limit: Int = .max) throws(BytesError) -> Int {
        let value = try readVarint()
        guard value <= UInt64(limit) else { throw .tooLarge(limit: limit) }
        return Int(value)
    }

    package mutating func readZigzag() throws(BytesError) -> Int64 {
        let value = try readVarint()
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    /// Length and UTF-8; bytes that are no UTF-8 become U+FFFD.
    package mutating func readString() throws(BytesError) -> String {
        let count = try readCount(limit: remaining)
        return String(decoding: bytes[try readRange(count)], as: UTF8.self)
    }
}

/// The writing side of `ByteReader`.
extension [UInt8] {
    @inlinable package mutating func appendLE(_ value: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
    }

    package mutating func appendVarint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        append(UInt8(truncatingIfNeeded: rest))
    }

    package mutating func appendZigzag(_ value: Int64) {
        appendVarint(UInt64(bitPattern: value << 1 ^ value >> 63))
    }

    package mutating func appendString(_ text: String) {
        appendVarint(UInt64(text.utf8.count))
        append(contentsOf: text.utf8)
    }
}
