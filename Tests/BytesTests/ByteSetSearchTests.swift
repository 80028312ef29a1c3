import Bytes
import Testing

@Suite struct ByteSetSearchTests {
    /// Texts with few of what is searched for and with many, at every alignment, against a search byte by byte.
    @Test func findsWhatIsThere() {
        let seed: UInt64 = 20_261_124
        var random = SeededGenerator(seed: seed)
        for round in 0..<4000 {
            let places = (0..<Int.random(in: 1...8, using: &random)).map { _ in
                Set(
                    (0..<Int.random(in: 1...12, using: &random)).map { _ in
                        round % 2 == 0
                            ? UInt8.random(in: 97...110, using: &random)
                            : UInt8.random(in: 0...255, using: &random)
                    })
            }
            guard let search = ByteSetSearch(places) else { continue }
            #expect(search.length == places.count)
            let text = (0..<Int.random(in: 0...200, using: &random)).map { _ in
                round % 2 == 0
                    ? UInt8.random(in: 97...112, using: &random)
                    : UInt8.random(in: 0...255, using: &random)
            }
            let from = Int.random(in: 0...text.count, using: &random)
            let expected = (from..<max(from, text.count - places.count + 1)).first { at in
                places.indices.allSatisfy { places[$0].contains(text[at + $0]) }
            }
            let found = text.withUnsafeBytes { search.find(in: $0, from: from) }
            #expect(found == expected, "seed \(seed), round \(round)")
        }
    }

    @Test func whatIsEverywhereIsNotSearchedFor() {
        let all = Set<UInt8>(0...255)
        #expect(ByteSetSearch([]) == nil)
        #expect(ByteSetSearch([all, all]) == nil)
        #expect(ByteSetSearch([all, [32]]) != nil)
        #expect(ByteSetSearch([Set(48...57)]) == nil)
        #expect(ByteSetSearch([Set(48...57), Set(48...57)]) != nil)
        #expect(ByteSetSearch([[1]])?.find(in: UnsafeRawBufferPointer(start: nil, count: 0)) == nil)
    }
}
