import Bytes
import Segment
import Testing

/// The rows that a search finds are those that a look at every line finds.
@Suite struct ColumnsSearchTests {
    private func scan(_ lines: ColumnsSamples.Lines, _ search: ByteSearch) -> [UInt32] {
        lines.bytes.withUnsafeBytes { bytes in
            (0..<lines.rows).filter { row in
                let start = row == 0 ? 0 : Int(lines.ends[row - 1])
                return search.occurs(
                    in: UnsafeRawBufferPointer(rebasing: bytes[start..<Int(lines.ends[row])]))
            }.map { UInt32($0) }
        }
    }

    /// A part of some line, often with a byte changed or the case turned.
    private func needle(
        _ lines: ColumnsSamples.Lines, _ random: inout SeededGenerator
    ) -> [UInt8] {
        let line = Array(lines.line(Int.random(in: 0..<lines.rows, using: &random)))
        guard !line.isEmpty else { return [UInt8.random(in: 0...255, using: &random)] }
        let size = min(line.count, Int.random(in: 1...60, using: &random))
        let short = Bool.random(using: &random) ? min(size, 8) : size
        let start = Int.random(in: 0...line.count - short, using: &random)
        var needle = Array(line[start..<start + short])
        switch Int.random(in: 0..<6, using: &random) {
        case 0:
            let at = Int.random(in: 0..<needle.count, using: &random)
            needle[at] = UInt8.random(in: 32...126, using: &random)
        case 1:
            let at = Int.random(in: 0..<needle.count, using: &random)
            let other = lines.line(Int.random(in: 0..<lines.rows, using: &random))
            needle[at...] = other.prefix(20)
        case 2: needle = needle.map { $0 >= 97 && $0 <= 122 ? $0 - 32 : $0 }
        default: break
        }
        return needle.isEmpty ? [48] : needle
    }

    @Test(arguments: ColumnsSamples.Kind.allCases)
    func findsWhatAScanFinds(_ kind: ColumnsSamples.Kind) throws {
        for seed in UInt64(100)..<104 {
            var random = SeededGenerator(seed: seed)
            let rows = seed % 2 == 0 ? 9000 : 400
            let lines = ColumnsSamples.make(kind, rows: rows, &random)
            let chunk = try #require(
                ColumnsEncoder.encode(
                    lines: lines.bytes, lineEnds: lines.ends, timestamps: lines.timestamps,
                    always: true))
            let reader = try ColumnsReader(chunk)
            for round in 0..<ColumnsSamples.rounds(200) {
                let needle = needle(lines, &random)
                let ignoringCase = round % 4 == 0
                let literal = ColumnsLiteral(needle, ignoringCase: ignoringCase)
                let found = try reader.rows(containing: literal, timestamps: lines.timestamps)
                let wanted = scan(lines, ByteSearch(needle, ignoringCase: ignoringCase))
                let note =
                    "\(kind), seed \(seed), round \(round): "
                    + String(decoding: needle, as: UTF8.self)
                #expect(found == wanted, "\(note)")
                switch try reader.verdict(on: literal) {
                case .all: #expect(wanted.count == lines.rows, "\(note)")
                case .none: #expect(wanted.isEmpty, "\(note)")
                case .maybe: break
                }
            }
        }
    }

    /// Whole ids, parts of ids, ids that are not there, and lines as a whole.
    @Test(arguments: [ColumnsSamples.Kind.spring, .json, .mixed])
    func findsIdentifiers(_ kind: ColumnsSamples.Kind) throws {
        let seed: UInt64 = 55
        var random = SeededGenerator(seed: seed)
        let lines = ColumnsSamples.make(kind, rows: 6000, &random)
        let chunk = try #require(
            ColumnsEncoder.encode(
                lines: lines.bytes, lineEnds: lines.ends, timestamps: lines.timestamps,
                always: true))
        for round in 0..<ColumnsSamples.rounds(300) {
            let line = Array(lines.line(Int.random(in: 0..<lines.rows, using: &random)))
            let isDigit = { (byte: UInt8) in byte < 103 && (byte >= 97 || (48...57).contains(byte))
            }
            let runs = line.split(whereSeparator: { !isDigit($0) }).filter { $0.count >= 6 }
            var needle = Array(runs.randomElement(using: &random) ?? line.prefix(300))
            if round % 3 == 0, needle.count > 8 {
                needle = Array(needle.dropFirst(round % 2).dropLast(round % 5 / 2))
            }
            if round % 5 == 0, !needle.isEmpty { needle[needle.count / 2] ^= 1 }
            if round % 25 == 0 { needle = line }
            let reader = try ColumnsReader(chunk)
            let literal = ColumnsLiteral(needle, ignoringCase: round % 7 == 0)
            let found = try reader.rows(containing: literal, timestamps: lines.timestamps)
            let wanted = scan(lines, ByteSearch(needle, ignoringCase: round % 7 == 0))
            let note = "\(kind), seed \(seed), " + String(decoding: needle, as: UTF8.self)
            #expect(found == wanted, "\(note)")
        }
    }

    @Test func verdictsNeedNoPages() throws {
        var random = SeededGenerator(seed: 9)
        let lines = ColumnsSamples.make(.json, rows: 3000, &random)
        let chunk = try #require(
            ColumnsEncoder.encode(
                lines: lines.bytes, lineEnds: lines.ends, timestamps: lines.timestamps))
        let whole = try ColumnsReader(chunk)
        let reader = ColumnsReader(header: whole.header) { range in
            throw SegmentError.corrupt("nothing may be read here", offset: range.lowerBound)
        }
        #expect(try reader.verdict(on: ColumnsLiteral(Array("OutOfMemory".utf8))) == .none)
        #expect(try reader.verdict(on: ColumnsLiteral(Array("\"@timestamp\"".utf8))) == .all)
        #expect(try reader.verdict(on: ColumnsLiteral([])) == .all)
        #expect(try reader.verdict(on: ColumnsLiteral(Array("ERROR".utf8))) == .maybe)
        let absent = ColumnsLiteral(Array("OutOfMemory".utf8))
        #expect(try reader.rows(containing: absent, timestamps: lines.timestamps).isEmpty)
    }
}
