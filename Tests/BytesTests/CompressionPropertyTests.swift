import Bytes
import Testing

@Suite struct CompressionPropertyTests {
    private static let sizes = [0, 1, 2, 17, 255, 4095, 4096, 4097, 65_535, 65_536, 300_000]

    private func samples(seed: UInt64) -> [[UInt8]] {
        var random = SeededGenerator(seed: seed)
        return Self.sizes.flatMap { count in
            [
                random.bytes(count), random.bytes(count, of: 0x61...0x62),
                [UInt8](repeating: 0x20, count: count),
            ]
        }
    }

    private func unpackZstd(_ bytes: [UInt8], rawSize: Int) throws -> [UInt8] {
        try bytes.withUnsafeBytes { try Zstd.decompress($0, rawSize: rawSize) }
    }

    @Test func everythingRoundTrips() throws {
        for raw in samples(seed: 11) {
            let zstd = raw.withUnsafeBytes { Zstd.compress($0, level: 1) }
            #expect(try unpackZstd(zstd, rawSize: raw.count) == raw)
            #expect(try Gzip.decompress(Gzip.compress(raw), limit: raw.count) == raw)
            #expect(try Snappy.decompress(Snappy.compress(raw), limit: raw.count) == raw)
            #expect(try Deflate.decompress(deflated(raw), limit: raw.count) == raw)
        }
    }

    /// The middle of a gzip file without its header of 10 and its trailer of 8 bytes.
    private func deflated(_ raw: [UInt8]) -> [UInt8] {
        Array(Gzip.compress(raw).dropFirst(10).dropLast(8))
    }

    @Test func truncationAtEveryByteIsAnError() {
        var random = SeededGenerator(seed: 12)
        let raw = random.bytes(900, of: 0x61...0x66)
        let zstd = raw.withUnsafeBytes { Zstd.compress($0, level: 3) }
        for end in 0..<zstd.count {
            #expect(throws: BytesError.self) { try unpackZstd(Array(zstd[..<end]), rawSize: 900) }
        }
        let gzip = Gzip.compress(raw)
        for end in 0..<gzip.count {
            #expect(throws: BytesError.self) {
                try Gzip.decompress(Array(gzip[..<end]), limit: 9000)
            }
        }
        let plain = deflated(raw)
        for end in 0..<plain.count {
            #expect(throws: BytesError.self) {
                try Deflate.decompress(Array(plain[..<end]), limit: 9000)
            }
        }
        let snappy = Snappy.compress(raw)
        for end in 0..<snappy.count {
            #expect(throws: BytesError.self) {
                try Snappy.decompress(Array(snappy[..<end]), limit: 9000)
            }
        }
    }

    /// Wrong bytes give an error or other bytes within the bound; gzip's CRC leaves only errors.
    @Test func damageIsAnErrorOrBounded() {
        var random = SeededGenerator(seed: 13)
        let raw = random.bytes(3000, of: 0x61...0x70)
        let packed = [
            Gzip.compress(raw), Snappy.compress(raw),
            raw.withUnsafeBytes { Zstd.compress($0, level: 1) },
        ]
        for round in 0..<3000 {
            var bytes = packed[round % 3]
            for _ in 0...Int.random(in: 0..<3, using: &random) {
                let at = Int.random(in: 0..<bytes.count, using: &random)
                bytes[at] = UInt8.random(in: 0...255, using: &random)
            }
            switch round % 3 {
            case 0:
                if let out = try? Gzip.decompress(bytes, limit: 4000) { #expect(out == raw) }
            case 1:
                if let out = try? Snappy.decompress(bytes, limit: 4000) {
                    #expect(out.count <= 4000)
                }
            default:
                if let out = try? unpackZstd(bytes, rawSize: 3000) { #expect(out.count == 3000) }
            }
        }
    }

    @Test func membersAreJoined() throws {
        let members = ["first ", "", "second ", "", "third"].map { Array($0.utf8) }
        let file = members.flatMap { Gzip.compress($0) }
        #expect(try Gzip.decompress(file, limit: 100) == members.flatMap { $0 })
        #expect(throws: BytesError.self) { try Gzip.decompress(file, limit: 17) }
        #expect(try Gzip.decompress(file, limit: 18).count == 18)
        #expect(throws: BytesError.self) { try Gzip.decompress(file + [1, 2, 3], limit: 100) }
    }

    @Test func boundsHoldBelowAtAndAbove() throws {
        let raw = [UInt8](repeating: 0x61, count: 10_000)
        let gzip = Gzip.compress(raw)
        let snappy = Snappy.compress(raw)
        for limit in [0, 1, 4095, 9999] {
            #expect(throws: BytesError.tooLarge(limit: limit)) {
                try Gzip.decompress(gzip, limit: limit)
            }
            #expect(throws: BytesError.tooLarge(limit: limit)) {
                try Snappy.decompress(snappy, limit: limit)
            }
        }
        for limit in [10_000, 10_001, .max] {
            #expect(try Gzip.decompress(gzip, limit: limit) == raw)
            #expect(try Snappy.decompress(snappy, limit: limit) == raw)
        }
    }

    /// The size in a gzip trailer is the writer's word: too small, too large, or a gigabyte.
    @Test func aLieAboutTheSizeChangesNothing() {
        let raw = [UInt8](repeating: 0x61, count: 50_000)
        for lie: [UInt8] in [
            [0, 0, 0, 0], [1, 0, 0, 0], [0xff, 0xff, 0xff, 0x3f], [255, 255, 255, 255],
        ] {
            let gzip = Array(Gzip.compress(raw).dropLast(4)) + lie
            #expect(throws: BytesError.self) { try Gzip.decompress(gzip, limit: 1 << 20) }
            #expect(throws: BytesError.self) { try Gzip.decompress(gzip, limit: 1 << 40) }
        }
    }

    @Test func aBombStopsAtTheBound() {
        // 64 MiB of zeros in 64 KiB, and the same again inside.
        let bomb = Gzip.compress([UInt8](repeating: 0, count: 64 << 20), level: 9)
        #expect(bomb.count < 100_000)
        #expect(throws: BytesError.tooLarge(limit: 1 << 20)) {
            try Gzip.decompress(bomb, limit: 1 << 20)
        }
        #expect(throws: BytesError.self) { try Gzip.decompress(bomb + bomb, limit: 64 << 20) }
        #expect(throws: BytesError.self) {
            try Deflate.decompress(Array(bomb.dropFirst(10)), limit: 1 << 20)
        }
        // Snappy: 4 GiB declared in five bytes.
        #expect(throws: BytesError.tooLarge(limit: 1 << 20)) {
            try Snappy.decompress([0xff, 0xff, 0xff, 0xff, 0x0f], limit: 1 << 20)
        }
    }

    @Test func aZstdFrameMustHaveTheDeclaredSize() {
        let zstd = [UInt8](repeating: 1, count: 100).withUnsafeBytes { Zstd.compress($0, level: 1) }
        for size in [0, 1, 99, 101, 5000] {
            #expect(throws: BytesError.self) { try unpackZstd(zstd, rawSize: size) }
        }
    }

    @Test func contextsServeManyThreads() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for seed in 0..<16 {
                group.addTask {
                    var random = SeededGenerator(seed: UInt64(seed))
                    for _ in 0..<50 {
                        let raw = random.bytes(2000, of: 0x61...0x64)
                        let packed = raw.withUnsafeBytes { Zstd.compress($0, level: 1) }
                        let out = try packed.withUnsafeBytes {
                            try Zstd.decompress($0, rawSize: 2000)
                        }
                        #expect(out == raw)
                    }
                }
            }
            try await group.waitForAll()
        }
    }
}
