import Bytes
import LogModel
import Segment
import Testing

/// Damaged objects give errors, or the very same entries; nothing else, and never a trap.
@Suite struct DamageTests {
    private func small(seed: UInt64 = 3) throws -> (object: SegmentObject, rows: [NamedRows]) {
        var random = SeededGenerator(seed: seed)
        let batches = (0..<3).map { stream in
            Batch(
                labels: Labels(["app": "a\(stream)"]), entries: SampleEntries.make(6, &random))
        }
        return (try SegmentObject(batches, attachment: [7]), batches.map(\.named))
    }

    /// Nil when the damage was found.
    private func read(_ bytes: [UInt8]) -> [NamedRows]? {
        do {
            let object = SegmentObject(bytes: bytes)
            let contents = try object.contents().map(\.named)
            try object.open().verify()
            return contents
        } catch {
            return nil
        }
    }

    @Test func truncationAnywhereIsFound() throws {
        let (object, _) = try small()
        for size in 0..<object.bytes.count {
            #expect(read(Array(object.bytes[..<size])) == nil, "\(size) bytes")
        }
    }

    @Test func everyFlippedBitIsFoundOrHarmless() throws {
        let (object, rows) = try small()
        for bit in 0..<object.bytes.count * 8 {
            var bytes = object.bytes
            bytes[bit / 8] ^= 1 << (bit % 8)
            if let read = read(bytes) { #expect(read == rows, "bit \(bit)") }
        }
    }

    @Test func mutationsNeverTrap() throws {
        let seed: UInt64 = 20_261_121
        var random = SeededGenerator(seed: seed)
        let (object, rows) = try small()
        for round in 0..<20_000 {
            var bytes = object.bytes
            for _ in 0..<Int.random(in: 1...6, using: &random) { mutate(&bytes, &random) }
            if let read = read(bytes) { #expect(read == rows, "seed \(seed), round \(round)") }
        }
    }

    private func mutate(_ bytes: inout [UInt8], _ random: inout SeededGenerator) {
        guard !bytes.isEmpty else { return }
        let at = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<5, using: &random) {
        case 0: bytes.remove(at: at)
        case 1: bytes.insert(UInt8.random(in: 0...255, using: &random), at: at)
        case 2: bytes.removeSubrange(at..<min(bytes.count, at + 9))
        case 3: bytes[at] = [0, 1, 0x7f, 0x80, 0xff].randomElement(using: &random) ?? 0
        default: bytes[at] = UInt8.random(in: 0...255, using: &random)
        }
    }

    /// The footer with changed bytes and a right checksum: what only a broken writer makes.
    @Test func aSealedFooterOfNonsenseNeverTraps() throws {
        let seed: UInt64 = 12
        var random = SeededGenerator(seed: seed)
        let (object, _) = try small()
        let end = object.bytes.count - 16
        let size = Int(object.bytes[end]) | Int(object.bytes[end + 1]) << 8
        for _ in 0..<20_000 {
            var bytes = object.bytes
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let at = Int.random(in: end - size..<end, using: &random)
                bytes[at] = UInt8.random(in: 0...255, using: &random)
            }
            var crc: [UInt8] = []
            crc.appendLE(crc32c(Array(bytes[(end - size)..<end])))
            bytes.replaceSubrange(end + 4..<end + 8, with: crc)
            _ = read(bytes)
        }
    }

    @Test func aReadThatComesShortIsAnError() throws {
        let (object, _) = try small()
        let bytes = object.bytes
        for cut in 1...64 {
            #expect(throws: (any Error).self) {
                let reader = try SegmentReader(size: bytes.count) { range in
                    Array(bytes[range].dropLast(cut))
                }
                try reader.verify()
            }
        }
    }
}
