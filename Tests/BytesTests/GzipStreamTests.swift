import Bytes
import Testing

@Suite struct GzipStreamTests {
    /// Unpacks in steps of some bytes; each step sees nothing but its own bytes.
    private func unpack(_ bytes: [UInt8], step: Int) throws -> (out: [UInt8], complete: Bool) {
        var stream = GzipStream()
        var out: [UInt8] = []
        var at = 0
        while at < bytes.count {
            let end = min(bytes.count, at + step)
            try Array(bytes[at..<end]).withUnsafeBytes { try stream.inflate($0, into: &out) }
            at = end
        }
        return (out, stream.isAtMemberEnd)
    }

    @Test func stepsOfAnySizeGiveTheSame() throws {
        var random = SeededGenerator(seed: 21)
        let raw = random.bytes(5000, of: 0x61...0x64)
        let file = Gzip.compress(raw) + Gzip.compress([]) + Gzip.compress(Array(raw.prefix(77)))
        for step in [1, 2, 3, 7, 64, 1000, file.count] {
            let (out, complete) = try unpack(file, step: step)
            #expect(out == raw + raw.prefix(77))
            #expect(complete, "step \(step)")
        }
    }

    @Test func aHalfFileGivesWhatIsThere() throws {
        var random = SeededGenerator(seed: 22)
        let raw = random.bytes(40_000, of: 0x61...0x64)
        let file = Gzip.compress(raw)
        for end in stride(from: 0, to: file.count, by: 97) {
            let (out, complete) = try unpack(Array(file[..<end]), step: 512)
            #expect(raw.starts(with: out))
            #expect(!complete)
        }
    }

    @Test func aCopyGoesOnWhereItWasTaken() throws {
        var random = SeededGenerator(seed: 23)
        let raw = random.bytes(40_000, of: 0x61...0x64)
        let file = Gzip.compress(raw) + Gzip.compress(Array(raw.prefix(77)))
        for cut in stride(from: 0, through: file.count, by: 501) {
            var stream = GzipStream()
            var begin: [UInt8] = []
            try Array(file[..<cut]).withUnsafeBytes { try stream.inflate($0, into: &begin) }
            let original = stream.copy()
            for _ in 0..<2 {
                var copy = original.copy()
                var out = begin
                try Array(file[cut...]).withUnsafeBytes { try copy.inflate($0, into: &out) }
                #expect(out == raw + raw.prefix(77))
                let isComplete = copy.isAtMemberEnd
                #expect(isComplete)
            }
        }
    }

    @Test func zerosBehindTheLastMemberAreIgnored() throws {
        let file = Gzip.compress(Array("text".utf8)) + [UInt8](repeating: 0, count: 512)
        let (out, complete) = try unpack(file, step: 100)
        #expect(out == Array("text".utf8))
        #expect(complete)
    }

    @Test func damageIsAnError() {
        var file = Gzip.compress(Array("some text, some text, some text".utf8))
        #expect(throws: BytesError.self) { try unpack(Array("no gzip at all".utf8), step: 100) }
        #expect(throws: BytesError.self) { try unpack(file + Array("tail".utf8), step: 100) }
        file[file.count - 6] ^= 1
        #expect(throws: BytesError.self) { try unpack(file, step: 100) }
    }
}
