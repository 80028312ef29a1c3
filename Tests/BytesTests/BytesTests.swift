import Bytes
import Testing

/// Repeatable numbers; the seed is printed with a failure.
struct Seeded: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state ^ (state >> 29)
    }
    mutating func bytes(_ count: Int, _ alphabet: ClosedRange<UInt8> = 0...255) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: alphabet, using: &self) }
    }
}

@Suite struct ByteReaderTests {
    @Test func integersComeBack() throws {
        var bytes: [UInt8] = []
        let unsigned: [UInt64] = [0, 1, 127, 128, 300, .max - 1, .max]
        let signed: [Int64] = [0, -1, 1, .min, .max, -300]
        for value in unsigned { bytes.appendVarint(value) }
        for value in signed { bytes.appendZigzag(value) }
        bytes.appendLE(UInt32(0xdead_beef))
        bytes.appendString("한글")
        var reader = ByteReader(bytes)
        for value in unsigned { #expect(try reader.readVarint() == value) }
        for value in signed { #expect(try reader.readZigzag() == value) }
        #expect(try reader.readUInt32() == 0xdead_beef)
        #expect(try reader.readString() == "한글")
        #expect(reader.isAtEnd)
    }

    @Test func varintBeyond64BitsIsAnError() {
        var reader = ByteReader(Array(repeating: 0xff, count: 11))
        #expect(throws: BytesError.self) { try reader.readVarint() }
    }

    @Test func crcHasThePublishedValue() {
        // RFC 3720, appendix B.4: 32 bytes of zeros.
        #expect(crc32c([UInt8](repeating: 0, count: 32)) == 0x8a91_36aa)
        let text = Array("123456789".utf8)
        #expect(crc32c(text) == 0xe306_9283)
        #expect(crc32c(Array(text[4...]), seed: crc32c(Array(text[..<4]))) == 0xe306_9283)
    }
}

@Suite struct CompressionTests {
    @Test func everyCodecGivesBackWhatItTook() throws {
        var random = Seeded(state: 11)
        for size in [0, 1, 63, 4096, 300_000] {
            let data = random.bytes(size, 97...110)
            let zstd = data.withUnsafeBytes { Zstd.compress($0, level: 1) }
            #expect(try zstd.withUnsafeBytes { try Zstd.decompress($0, rawSize: size) } == data)
            #expect(try Gzip.decompress(Gzip.compress(data), limit: max(size, 1)) == data)
            #expect(try Snappy.decompress(Snappy.compress(data), limit: size) == data)
        }
    }

    @Test func gzipTakesSeveralMembersAndNoLies() throws {
        let one = Array("first ".utf8)
        let two = Array("second".utf8)
        let both = Gzip.compress(one) + Gzip.compress(two)
        #expect(try Gzip.decompress(both, limit: 100) == one + two)
        var liar = Gzip.compress(Array(repeating: 7, count: 100_000))
        liar.replaceSubrange((liar.count - 4)..., with: [1, 0, 0, 0])
        #expect(throws: BytesError.self) { try Gzip.decompress(liar, limit: 1000) }
        #expect(throws: BytesError.tooLarge(limit: 1000)) {
            try Gzip.decompress(Gzip.compress(Array(repeating: 7, count: 100_000)), limit: 1000)
        }
    }

    @Test func truncationAtEveryByteIsAnError() {
        let packed = Gzip.compress(Array("a line of a log\n".utf8))
        for count in 0..<packed.count {
            #expect(throws: BytesError.self) {
                try Gzip.decompress(Array(packed[..<count]), limit: 1000)
            }
        }
    }

    @Test func streamUnpacksInPieces() throws {
        var random = Seeded(state: 5)
        let data = random.bytes(200_000, 97...122)
        let packed = Gzip.compress(data) + Gzip.compress(data)
        var stream = GzipStream()
        var out: [UInt8] = []
        var at = 0
        while at < packed.count {
            let end = min(packed.count, at + Int.random(in: 1...5000, using: &random))
            try Array(packed[at..<end]).withUnsafeBytes { try stream.inflate($0, into: &out) }
            at = end
        }
        #expect(out == data + data)
        let isComplete = stream.isAtMemberEnd
        #expect(isComplete)
    }

    @Test func mutatedInputNeverTraps() {
        var random = Seeded(state: 3)
        let good = [Gzip.compress(random.bytes(500)), Snappy.compress(random.bytes(500))]
        for round in 0..<5000 {
            var bytes = good[round % 2]
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = .random(
                    in: 0...255, using: &random)
            }
            _ = try? Gzip.decompress(bytes, limit: 10_000)
            _ = try? Deflate.decompress(bytes, limit: 10_000)
            _ = try? Snappy.decompress(bytes, limit: 10_000)
        }
    }
}

@Suite struct ByteSearchTests {
    @Test func findsWhatANaiveSearchFinds() {
        var random = Seeded(state: 77)
        for _ in 0..<5000 {
            let text = random.bytes(Int.random(in: 0...200, using: &random), 97...100)
            let needle = random.bytes(Int.random(in: 1...6, using: &random), 97...100)
            let from = Int.random(in: 0...text.count, using: &random)
            let expected = (from..<max(from, text.count - needle.count + 1)).first {
                Array(text[$0..<$0 + needle.count]) == needle
            }
            let found = text.withUnsafeBytes { ByteSearch(needle).find(in: $0, from: from) }
            #expect(found == expected)
            let upper = text.map { Bool.random(using: &random) ? $0 & 0xdf : $0 }
            let folded = upper.withUnsafeBytes {
                ByteSearch(needle, ignoringCase: true).find(in: $0, from: from)
            }
            #expect(folded == expected)
        }
    }
}

@Suite struct JSONReaderTests {
    private func tokens(_ text: String) throws -> [JSONToken] {
        try Array(text.utf8).withUnsafeBytes { bytes in
            var reader = JSONReader(bytes, maxNesting: 16)
            var out: [JSONToken] = []
            repeat { out.append(try reader.next()) } while out.last != .end
            return out
        }
    }

    @Test func readsEachKindOfValue() throws {
        #expect(
            try tokens(#"{"a":[1,-2.5e3,true,false,null,"x\n"]}"#) == [
                .objectStart, .key(2..<3, escaped: false), .arrayStart, .number(6..<7),
                .number(8..<14), .true, .false, .null, .string(32..<35, escaped: true), .arrayEnd,
                .objectEnd, .end,
            ])
    }

    @Test(arguments: [
        "", "{", "[1,]", "{\"a\"}", "{\"a\":1,}", "01", "1.", "tru", "\"", "[1 2]", "{} x", "nul",
    ])
    func refusesWhatIsNoJSON(text: String) {
        #expect(throws: BytesError.self) { try tokens(text) }
    }

    @Test func nestingIsBounded() throws {
        let deep = { (n: Int) in
            String(repeating: "[", count: n) + String(repeating: "]", count: n)
        }
        #expect(try tokens(deep(16)).count == 33)
        #expect(throws: BytesError.self) { try tokens(deep(17)) }
        #expect(throws: BytesError.self) { try tokens(String(repeating: "[", count: 1_000_000)) }
    }

    @Test func stringsSurviveWritingAndReading() throws {
        for text in ["", "plain", "quote\" back\\ \n\t\u{1} 한글 🌲", "\u{7f}"] {
            var out: [UInt8] = []
            appendJSONString(text, to: &out)
            let back = try out.withUnsafeBytes { bytes -> [UInt8] in
                var reader = JSONReader(bytes, maxNesting: 1)
                guard case .string(let range, _) = try reader.next() else { return [] }
                var plain: [UInt8] = []
                try reader.unescape(range, into: &plain)
                return plain
            }
            #expect(String(decoding: back, as: UTF8.self) == text)
        }
        var out: [UInt8] = []
        appendJSONString([0x61, 0xff, 0x62], to: &out)
        #expect(String(decoding: out, as: UTF8.self) == "\"a\u{FFFD}b\"")
    }

    @Test func mutatedInputNeverTraps() {
        var random = Seeded(state: 9)
        let good = Array(#"{"streams":[{"stream":{"a":"b\u00e9"},"values":[["1","x"]]}]}"#.utf8)
        for _ in 0..<20_000 {
            var bytes = good
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let at = Int.random(in: 0..<bytes.count, using: &random)
                bytes[at] = .random(in: 0...255, using: &random)
            }
            bytes.withUnsafeBytes { bytes in
                var reader = JSONReader(bytes, maxNesting: 16)
                while let token = try? reader.next(), token != .end {
                    if case .string(let range, _) = token {
                        var out: [UInt8] = []
                        try? reader.unescape(range, into: &out)
                    }
                }
            }
        }
    }
}
