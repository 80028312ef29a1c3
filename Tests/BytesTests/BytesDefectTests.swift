import Bytes
import Testing

@Suite struct BytesDefectTests {
    /// 64 KiB is the stream's own block: the member ends with the block full and the input empty.
    /// The byte behind the input is not the input's.
    @Test(arguments: [1, 2, 3]) func aMemberThatFillsTheLastBlockIsComplete(_ blocks: Int) throws {
        let raw = [UInt8](repeating: 0x61, count: blocks * 65_536)
        let file = Gzip.compress(raw)
        let memory = file + [0x1f, 0x8b]
        var stream = GzipStream()
        var out: [UInt8] = []
        try memory.withUnsafeBytes {
            try stream.inflate(UnsafeRawBufferPointer(rebasing: $0[..<file.count]), into: &out)
        }
        #expect(out == raw)
        let complete = stream.isAtMemberEnd
        #expect(complete)
    }

    @Test func theBoundInTheErrorIsTheCallers() {
        let members = Gzip.compress([UInt8](repeating: 1, count: 600))
        #expect(throws: BytesError.tooLarge(limit: 1000)) {
            try Gzip.decompress(members + members, limit: 1000)
        }
    }

    @Test func itemsOfAnArrayAreSkippedWithoutTheirComma() throws {
        let text = Array("[1, [2,3] ,4]".utf8)
        let values = try text.withUnsafeBytes { bytes -> [String] in
            var reader = JSONReader(bytes, maxNesting: 8)
            _ = try reader.next()
            return try (0..<3).map { _ in
                String(decoding: bytes[try reader.skipValue()], as: UTF8.self)
            }
        }
        #expect(values == ["1", "[2,3]", "4"])
    }
}
