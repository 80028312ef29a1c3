import Logback
import Testing

@Suite struct LineSplitterTests {
    /// All lines, fed in blocks of random sizes.
    private func split(
        _ bytes: [UInt8], maxLineBytes: Int, _ random: inout SeededGenerator
    ) -> [LineSplitter.Line] {
        var splitter = LineSplitter(offset: 100, maxLineBytes: maxLineBytes)
        var lines: [LineSplitter.Line] = []
        var at = 0
        while at < bytes.count {
            let end = min(bytes.count, at + Int.random(in: 1...20, using: &random))
            lines += splitter.add(bytes[at..<end])
            at = end
            #expect(splitter.offset == 100 + Int64(at))
        }
        if let last = splitter.finish() { lines.append(last) }
        return lines
    }

    @Test func lineEndsOfBothKinds() {
        var splitter = LineSplitter(offset: 0, maxLineBytes: 100)
        let lines = splitter.add(Array("a\r\n\r\n\nb\rc\nrest".utf8))
        #expect(lines.map { String(decoding: $0.text, as: UTF8.self) } == ["a", "", "", "b\rc"])
        #expect(lines.map(\.from) == [0, 3, 5, 6])
        #expect(lines.map(\.to) == [3, 5, 6, 10])
        let last = splitter.finish()
        #expect(last?.text == Array("rest".utf8))
        #expect(splitter.finish() == nil)
        #expect(splitter.offset == 14)
    }

    @Test func noByteIsLostOrReadTwice() {
        let seed: UInt64 = 61
        var random = SeededGenerator(seed: seed)
        for round in 0..<2000 {
            let alphabet = Array("ab\n\r\n ".utf8)
            let bytes = (0..<Int.random(in: 0...120, using: &random)).map { _ in
                alphabet.randomElement(using: &random) ?? 0x0a
            }
            let limit = Int.random(in: 1...30, using: &random)
            let lines = split(bytes, maxLineBytes: limit, &random)
            var at: Int64 = 100
            for line in lines {
                #expect(line.from == at, "seed \(seed), round \(round)")
                #expect(line.text.count <= limit)
                let covered = bytes[Int(line.from - 100)..<Int(line.to - 100)]
                #expect(covered.starts(with: line.text))
                #expect(covered.dropFirst(line.text.count).allSatisfy { $0 == 0x0a || $0 == 0x0d })
                at = line.to
            }
            #expect(at == 100 + Int64(bytes.count))
        }
    }

    @Test func anOverlongLineComesInPieces() {
        var splitter = LineSplitter(offset: 0, maxLineBytes: 4)
        let lines = splitter.add(Array("abcdefghij\nxy\nabcd\n".utf8))
        #expect(
            lines.map { String(decoding: $0.text, as: UTF8.self) } == [
                "abcd", "efgh", "ij", "xy", "abcd",
            ])
        #expect(lines.map(\.startsLine) == [true, false, false, true, true])
    }

    /// What a writer that does not append leaves in front when its file is truncated.
    @Test(arguments: [1, 3, 4096]) func aHoleBelongsToTheLineBehindIt(piece: Int) {
        var splitter = LineSplitter(offset: 10, maxLineBytes: 100)
        let bytes = [UInt8](repeating: 0, count: 1000) + Array("one\n\0\0two\nthree".utf8)
        var lines: [LineSplitter.Line] = []
        var at = 0
        while at < bytes.count {
            let end = min(bytes.count, at + piece)
            lines += splitter.add(bytes[at..<end])
            at = end
        }
        if let last = splitter.finish() { lines.append(last) }
        #expect(lines.map { String(decoding: $0.text, as: UTF8.self) } == ["one", "two", "three"])
        #expect(lines.map(\.from) == [10, 1014, 1020])
        #expect(lines.map(\.to) == [1014, 1020, 1025])
        #expect(splitter.offset == 1025)
    }
}
