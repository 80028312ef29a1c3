import LogModel
import Segment
import Synchronization
import Testing

@Suite struct ChunkCacheTests {
    /// Six chunks of some 4 MB, of numbers that have nothing in common.
    private func object() throws -> SegmentObject {
        var random = SeededGenerator(seed: 41)
        var entries = Entries()
        // A column for each name, and no more values of it than a page has.
        let names = "abcdefg".flatMap { a in "hijklmno".map { "\(a)\($0)" } }
        for row in 0..<24_000 {
            let words = names.map { "\($0)=\(random.next() % 1_000_000_000_000)" }
            entries.append(
                timestamp: Int64(row), line: Array(words.joined(separator: " ").utf8))
        }
        return try SegmentObject(
            [Batch(labels: Labels([Label("app", "shop")]), entries: entries)], level: 1)
    }

    /// What queries ask for again is kept; what a merge reads on its way is not.
    @Test func mergesKeepLittle() throws {
        let object = try object()
        let bytes = object.bytes
        let reads = Mutex(0)
        let reader = try SegmentReader(
            size: bytes.count, chunks: ChunkCache(limitBytes: 1 << 30)
        ) { range in
            reads.withLock { $0 += 1 }
            return Array(bytes[range])
        }
        func readsOfAll() throws -> Int {
            reads.withLock { $0 = 0 }
            for slice in reader.slices(ofStream: 0) {
                var entries = Entries()
                try reader.load(slice, projection: .lines, into: &entries)
            }
            return reads.withLock { $0 }
        }
        let first = try readsOfAll()
        #expect(first > 0)
        #expect(try readsOfAll() == 0)
        reader.forget()
        reader.beginMerge()
        #expect(try readsOfAll() == first)
        #expect(try readsOfAll() == first)
        reader.forget()
        #expect(try readsOfAll() == first)
        #expect(try readsOfAll() == 0)
    }
}
