import Bytes
import Testing

@Suite struct ByteReaderPropertyTests {
    @Test func integersComeBackAsWritten() throws {
        var bytes: [UInt8] = []
        bytes.appendLE(UInt16(0x0102))
        bytes.appendLE(UInt32(0x0304_0506))
        bytes.appendLE(UInt64(0x0708_090a_0b0c_0d0e))
        #expect(bytes.prefix(2) == [0x02, 0x01])
        var reader = ByteReader(bytes)
        #expect(try reader.readUInt16() == 0x0102)
        #expect(try reader.readUInt32() == 0x0304_0506)
        #expect(try reader.readUInt64() == 0x0708_090a_0b0c_0d0e)
        #expect(reader.isAtEnd)
    }

    @Test func variableIntegersRoundTrip() throws {
        var random = SeededGenerator(seed: 1)
        var values: [UInt64] = [0, 1, 127, 128, 16_383, 16_384, .max, UInt64(Int64.max)]
        // All lengths of one to ten bytes.
        for shift in 0..<64 {
            values.append(UInt64.random(in: 0...(.max), using: &random) >> shift)
        }
        var bytes: [UInt8] = []
        for value in values {
            bytes.appendVarint(value)
            bytes.appendZigzag(Int64(bitPattern: value))
        }
        var reader = ByteReader(bytes)
        for value in values {
            #expect(try reader.readVarint() == value)
            #expect(try reader.readZigzag() == Int64(bitPattern: value))
        }
        #expect(reader.isAtEnd)
    }

    @Test func aVariableIntegerBeyond64BitsIsRefused() {
        for bytes in [
            [UInt8](repeating: 0xff, count: 9) + [0x02],
            [UInt8](repeating: 0x80, count: 10) + [0x01],
        ] {
            var reader = ByteReader(bytes)
            #expect(throws: BytesError.self) { try reader.readVarint() }
        }
    }

    @Test func textIsRepaired() throws {
        var bytes: [UInt8] = []
        bytes.appendString("주문")
        bytes += [2, 0xff, 0x41]
        var reader = ByteReader(bytes)
        #expect(try reader.readString() == "주문")
        #expect(try reader.readString() == "\u{FFFD}A")
    }

    @Test func truncationAtEveryByteIsAnError() {
        var bytes: [UInt8] = [9]
        bytes.appendLE(UInt64(1))
        bytes.appendVarint(.max)
        bytes.appendString("abc")
        for end in 0..<bytes.count {
            var reader = ByteReader(bytes, range: 0..<end)
            #expect(throws: BytesError.self, "\(end) bytes") {
                _ = try reader.readUInt8()
                _ = try reader.readUInt64()
                _ = try reader.readVarint()
                _ = try reader.readString()
            }
        }
    }

    @Test func countsThatCannotBeAreRefused() {
        var bytes: [UInt8] = []
        bytes.appendVarint(.max)
        var reader = ByteReader(bytes + [1, 2, 3])
        #expect(throws: BytesError.tooLarge(limit: 3)) { try reader.readCount(limit: 3) }
        var other = ByteReader([1, 2, 3])
        #expect(throws: BytesError.truncated(offset: 0)) { try other.readRange(-1) }
        #expect(throws: BytesError.truncated(offset: 0)) { try other.readBytes(.max) }
    }

    @Test func aRangeOutsideTheBytesIsCutToThem() {
        #expect(ByteReader([1, 2, 3], range: 2..<90).remaining == 1)
        #expect(ByteReader([], range: 5..<9).isAtEnd)
    }
}
