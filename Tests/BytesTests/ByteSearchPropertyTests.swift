import Bytes
import Testing

@Suite struct ByteSearchPropertyTests {
    private func naive(_ text: [UInt8], _ needle: [UInt8], from: Int) -> Int? {
        guard from + needle.count <= text.count else { return nil }
        return (from...(text.count - needle.count)).first {
            text[$0..<$0 + needle.count].elementsEqual(needle)
        }
    }

    private func lower(_ bytes: [UInt8]) -> [UInt8] {
        bytes.map { (0x41...0x5a).contains($0) ? $0 | 0x20 : $0 }
    }

    private func find(
        _ needle: [UInt8], in text: [UInt8], from: Int = 0, ignoringCase: Bool = false
    ) -> Int? {
        text.withUnsafeBytes {
            ByteSearch(needle, ignoringCase: ignoringCase).find(in: $0, from: from)
        }
    }

    @Test func agreesWithAByteLoop() {
        let seed: UInt64 = 20_261_121
        var random = SeededGenerator(seed: seed)
        for round in 0..<5000 {
            // Few letters: many candidates that fail late. Both cases of them, and their neighbours.
            let alphabet: ClosedRange<UInt8> = [0x61...0x63, 0x40...0x62, 0...255][round % 3]
            let text = random.bytes(Int.random(in: 0...200, using: &random), of: alphabet)
            var needle = random.bytes(Int.random(in: 1...40, using: &random), of: alphabet)
            if round % 2 == 0, !text.isEmpty {
                let start = Int.random(in: 0..<text.count, using: &random)
                needle = Array(text[start..<min(text.count, start + needle.count)])
            }
            let from = Int.random(in: 0...text.count, using: &random)
            let note: Comment = "seed \(seed), round \(round)"
            #expect(find(needle, in: text, from: from) == naive(text, needle, from: from), note)
            #expect(
                find(needle, in: text, from: from, ignoringCase: true)
                    == naive(lower(text), lower(needle), from: from), note)
        }
    }

    /// The text ends exactly where the memory it may read ends.
    @Test func findsANeedleAtTheVeryEnd() {
        for count in 1...140 {
            for length in 1...min(count, 70) {
                var text = [UInt8](repeating: 0x2e, count: count)
                let needle = [UInt8](repeating: 0x58, count: length)
                text.replaceSubrange((count - length)..., with: needle)
                #expect(find(needle, in: text) == count - length)
                #expect(find(lower(needle), in: text, ignoringCase: true) == count - length)
                #expect(find(needle + [0x58], in: text) == nil)
            }
        }
    }

    @Test func foldsLettersOnly() {
        // '@' and '`', '[' and '{' differ by the bit that tells the cases of letters apart.
        #expect(find(Array("@[".utf8), in: Array("`{".utf8), ignoringCase: true) == nil)
        #expect(find(Array("`{".utf8), in: Array("@[".utf8), ignoringCase: true) == nil)
        #expect(find(Array("İ".utf8), in: Array("i̇".utf8), ignoringCase: true) == nil)
        #expect(find(Array("WARN 주문".utf8), in: Array("x warn 주문".utf8), ignoringCase: true) == 2)
    }

    @Test func emptyNeedlesAndTexts() {
        #expect(find([], in: []) == 0)
        #expect(find([], in: [1, 2], from: 2) == 2)
        #expect(find([], in: [1, 2], from: 3) == nil)
        #expect(find([1], in: []) == nil)
        #expect(find([1], in: [1], from: -1) == nil)
        #expect(ByteSearch([]).occurs(in: UnsafeRawBufferPointer(start: nil, count: 0)))
    }
}
