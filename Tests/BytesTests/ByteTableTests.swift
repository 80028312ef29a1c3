import Bytes
import Testing

/// Runs of bytes by number, beside a dictionary of arrays.
@Suite struct ByteTableTests {
    @Test func numbersAsADictionaryWould() {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededGenerator(seed: seed)
        let table = ByteTable()
        var known: [[UInt8]: Int] = [:]
        for _ in 0..<20_000 {
            // Few bytes and sizes around a word's, so that many come again and many begin alike.
            let run = (0..<Int.random(in: 0...19, using: &random)).map { place in
                place < 8 ? UInt8(7) : UInt8.random(in: 0...1, using: &random)
            }
            run.withUnsafeBytes { bytes in
                #expect(table.number(of: bytes) == known[run], "seed \(seed)")
                let number = table.insert(bytes)
                #expect(number == known[run] ?? known.count, "seed \(seed)")
                known[run] = number
                #expect(table.number(of: bytes) == number, "seed \(seed)")
            }
        }
        #expect(table.count == known.count)
        #expect(table.bytes == known.keys.reduce(0) { $0 + $1.count })
        // The empty run is one as all others.
        #expect(known[[]] != nil && known.count > 2000)
    }
}
