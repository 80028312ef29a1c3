import Bytes

/// A checksummed, perhaps compressed run of bytes.
enum Page {
    static func encode(_ raw: [UInt8], zstdLevel: Int32, encoding: UInt8 = 0) -> [UInt8] {
        var stored = raw
        var codec = SegmentFormat.Codec.raw
        if raw.count > 64 {
            let packed = raw.withUnsafeBytes { Zstd.compress($0, level: zstdLevel) }
            if packed.count < raw.count {
                stored = packed
                codec = .zstd
            }
        }
        return seal(stored, codec: codec, rawSize: raw.count, encoding: encoding)
    }

    /// A page of bytes that are as small as they get.
    static func seal(_ body: [UInt8]) -> [UInt8] {
        seal(body, codec: .raw, rawSize: body.count, encoding: 0)
    }

    private static func seal(
        _ stored: [UInt8], codec: SegmentFormat.Codec, rawSize: Int, encoding: UInt8
    ) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(stored.count + SegmentFormat.pageOverhead)
        out.append(codec.rawValue)
        out.append(encoding)
        out.appendLE(UInt16(0))
        out.appendLE(UInt32(rawSize))
        out.appendLE(UInt32(stored.count))
        out += stored
        out.appendLE(crc32c(out))
        return out
    }

    /// Checks the page that fills `range` exactly, without unpacking it.
    static func check(_ bytes: [UInt8], _ range: Range<Int>) throws(SegmentError) {
        guard range.upperBound <= bytes.count, range.count >= SegmentFormat.pageOverhead else {
            throw .corrupt("page is cut short", offset: range.lowerBound)
        }
        let end = range.upperBound - 4
        let stored = bytes[end..<range.upperBound].reversed().reduce(0) { $0 << 8 | UInt32($1) }
        let computed = bytes.withUnsafeBytes {
            crc32c(UnsafeRawBufferPointer(rebasing: $0[range.lowerBound..<end]))
        }
        guard stored == computed else { throw .corrupt("checksum", offset: range.lowerBound) }
    }

    /// Checks the page that fills `range` exactly, and gives its size once it is unpacked.
    static func rawSize(
        _ bytes: [UInt8], _ range: Range<Int>, limit: Int
    ) throws(SegmentError) -> Int {
        try check(bytes, range)
        do throws(BytesError) {
            var reader = ByteReader(bytes, range: range.lowerBound + 4..<range.upperBound)
            let size = Int(try reader.readUInt32())
            guard size <= limit else { throw .tooLarge(limit: limit) }
            return size
        } catch { throw .of(error, in: "page") }
    }

    /// Decodes the page that fills `range` exactly.
    static func decode(
        _ bytes: [UInt8], _ range: Range<Int>, limit: Int
    ) throws(SegmentError) -> [UInt8] {
        guard range.upperBound <= bytes.count, range.count >= SegmentFormat.pageOverhead else {
            throw .corrupt("page is cut short", offset: range.lowerBound)
        }
        do throws(BytesError) {
            var reader = ByteReader(bytes, range: range)
            let codec = try reader.readUInt8()
            _ = try reader.readUInt8()
            _ = try reader.readUInt16()
            let rawSize = Int(try reader.readUInt32())
            let storedSize = Int(try reader.readUInt32())
            guard storedSize == range.count - SegmentFormat.pageOverhead else {
                throw .invalid("page size", offset: range.lowerBound)
            }
            let body = try reader.readRange(storedSize)
            let crc = try reader.readUInt32()
            let computed = bytes.withUnsafeBytes {
                crc32c(UnsafeRawBufferPointer(rebasing: $0[range.lowerBound..<body.upperBound]))
            }
            guard crc == computed else { throw .invalid("checksum", offset: range.lowerBound) }
            guard rawSize <= limit else { throw .tooLarge(limit: limit) }
            switch SegmentFormat.Codec(rawValue: codec) {
            case .raw:
                guard rawSize == storedSize else {
                    throw .invalid("page size", offset: range.lowerBound)
                }
                return Array(bytes[body])
            case .zstd: return try unpack(bytes, body, rawSize: rawSize)
            case nil: throw .invalid("unknown codec \(codec)", offset: range.lowerBound)
            }
        } catch { throw .of(error, in: "page") }
    }

    private static func unpack(
        _ bytes: [UInt8], _ body: Range<Int>, rawSize: Int
    ) throws(BytesError) -> [UInt8] {
        var result: Result<[UInt8], BytesError> = .success([])
        bytes.withUnsafeBytes { all in
            result = Result { () throws(BytesError) in
                try Zstd.decompress(UnsafeRawBufferPointer(rebasing: all[body]), rawSize: rawSize)
            }
        }
        return try result.get()
    }
}
