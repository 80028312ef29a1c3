import Bytes
import Testing

@Suite struct ChecksumTests {
    /// One bit a step, as RFC 3720 defines it.
    private func bitwise(_ bytes: [UInt8], seed: UInt32 = 0) -> UInt32 {
        var crc = ~seed
        for byte in bytes {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0x82f6_3b78 : crc >> 1 }
        }
        return ~crc
    }

    @Test func vectorsOfRFC3720() {
        #expect(crc32c([UInt8](repeating: 0, count: 32)) == 0x8a91_36aa)
        #expect(crc32c([UInt8](repeating: 0xff, count: 32)) == 0x62a8_ab43)
        #expect(crc32c([UInt8](0..<32)) == 0x46dd_794e)
        #expect(crc32c(Array("123456789".utf8)) == 0xe306_9283)
        #expect(crc32c([UInt8]()) == 0)
    }

    @Test func agreesWithTheDefinitionAndContinues() {
        var random = SeededGenerator(seed: 7)
        for count in 0..<200 {
            let bytes = random.bytes(count)
            #expect(crc32c(bytes) == bitwise(bytes))
            let cut = Int.random(in: 0...count, using: &random)
            #expect(
                crc32c(Array(bytes[cut...]), seed: crc32c(Array(bytes[..<cut]))) == bitwise(bytes))
        }
    }
}
