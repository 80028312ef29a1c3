import Bytes
import Segment
import Testing

/// Damaged chunks give errors, or some lines; never a trap, and never much memory.
@Suite struct ColumnsDamageTests {
    private func chunk(
        _ kind: ColumnsSamples.Kind, rows: Int
    ) throws -> (lines: ColumnsSamples.Lines, chunk: [UInt8]) {
        var random = SeededGenerator(seed: 77)
        let lines = ColumnsSamples.make(kind, rows: rows, &random)
        let chunk = try #require(
            ColumnsEncoder.encode(
                lines: lines.bytes, lineEnds: lines.ends, timestamps: lines.timestamps,
                always: true))
        return (lines, chunk)
    }

    /// Nil when the damage was found.
    private func read(_ chunk: [UInt8], _ lines: ColumnsSamples.Lines) -> [UInt8]? {
        do {
            let reader = try ColumnsReader(chunk)
            let literal = ColumnsLiteral(Array("7a1".utf8))
            _ = try reader.rows(containing: literal, timestamps: lines.timestamps)
            return try reader.lines(0..<lines.rows, timestamps: lines.timestamps).bytes
        } catch {
            return nil
        }
    }

    @Test func everyFlippedByteIsFound() throws {
        let (lines, chunk) = try chunk(.mixed, rows: 150)
        for at in stride(from: 0, to: chunk.count, by: ColumnsSamples.rounds(10) == 1 ? 10 : 1) {
            var bytes = chunk
            bytes[at] ^= UInt8(1 << (at % 8))
            if let read = read(bytes, lines) { #expect(read == lines.bytes, "byte \(at)") }
        }
        for size in stride(from: 0, to: chunk.count, by: 97) {
            #expect(read(Array(chunk[..<size]), lines) == nil, "\(size) bytes")
        }
    }

    /// Where pages lie in a chunk, as their own sizes tell.
    private func pages(_ chunk: [UInt8]) -> [Range<Int>] {
        var pages: [Range<Int>] = []
        var at = 0
        while at + 16 <= chunk.count {
            let stored = chunk[at + 8..<at + 12].reversed().reduce(0) { $0 << 8 | Int($1) }
            pages.append(at..<at + stored + 16)
            at += stored + 16
        }
        return pages
    }

    /// What a broken writer may have sealed with right checksums.
    private func seal(_ page: [UInt8]) -> [UInt8] {
        let body = Array(page.dropLast(4))
        var out = body
        out.appendLE(crc32c(body))
        return out
    }

    @Test(arguments: [ColumnsSamples.Kind.spring, .nginx, .json, .mixed, .logfmt])
    func sealedDamageNeverTraps(_ kind: ColumnsSamples.Kind) throws {
        let seed: UInt64 = 20_261_121
        var random = SeededGenerator(seed: seed)
        let (lines, chunk) = try chunk(kind, rows: 600)
        let pages = pages(chunk)
        // Unpacked, so that changes reach the fields.
        var whole = try pages.map { try Self.unpacked(Array(chunk[$0])) }
        whole[0] = Self.relisted(whole[0], pages.dropFirst().map(\.count), whole.dropFirst())
        #expect(read(whole.flatMap { $0 }, lines) == lines.bytes, "unpacked, but not damaged")
        var different = 0
        for _ in 0..<ColumnsSamples.rounds(3000) {
            var parts = whole
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let part =
                    Int.random(in: 0..<2, using: &random) == 0
                    ? 0 : Int.random(in: 0..<parts.count, using: &random)
                let body = 12..<parts[part].count - 4
                guard !body.isEmpty else { continue }
                let at = Int.random(in: body, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: parts[part][at] = UInt8.random(in: 0...255, using: &random)
                case 1: parts[part][at] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                default: parts[part][at] = [0, 0xff, 0x7f, 0x80].randomElement(using: &random) ?? 0
                }
            }
            if read(parts.flatMap { seal($0) }, lines) != lines.bytes { different += 1 }
        }
        #expect(different > 0, "seed \(seed)")
    }

    /// The header with the sizes of pages as they are now: they are its last fields, but for a byte.
    private static func relisted(
        _ header: [UInt8], _ sizes: [Int], _ pages: ArraySlice<[UInt8]>
    ) -> [UInt8] {
        func list(_ sizes: [Int]) -> [UInt8] {
            var out: [UInt8] = []
            for value in [sizes.count] + sizes { out.appendVarint(UInt64(value)) }
            return out
        }
        let fields = header[12..<header.count - 4]
        let body = fields.dropLast(list(sizes).count + 1)
        return sealed(body + list(pages.map(\.count)) + fields.suffix(1))
    }

    private static func sealed(_ body: some Collection<UInt8>) -> [UInt8] {
        var out: [UInt8] = [0, 0, 0, 0]
        out.appendLE(UInt32(body.count))
        out.appendLE(UInt32(body.count))
        out += body
        out.appendLE(crc32c(out))
        return out
    }

    private static func unpacked(_ page: [UInt8]) throws -> [UInt8] {
        let rawSize = page[4..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
        guard page[0] == 1 else { return page }
        let body = try Array(page[12..<page.count - 4]).withUnsafeBytes { bytes in
            try Zstd.decompress(bytes, rawSize: rawSize)
        }
        return sealed(body)
    }
}
