import Segment
import Testing

/// A number stands for one shape, in whatever chunk: what is found out about one is used for all others.
@Suite struct ShapeNumbersTests {
    private func header(_ names: [String]) throws -> ColumnsHeader {
        let lines = (0..<400).map { "user \(names[$0 % names.count]) took \($0 * 7919 % 1000) ms" }
        var bytes: [UInt8] = []
        let ends = lines.map { line -> UInt32 in
            bytes += line.utf8
            return UInt32(bytes.count)
        }
        let chunk = try #require(
            ColumnsEncoder.encode(
                lines: bytes, lineEnds: ends, timestamps: lines.indices.map(Int64.init),
                always: true))
        return try ColumnsReader(chunk).header
    }

    @Test func equalShapesHaveOneNumberAndOthersAnother() throws {
        let shapes = ShapeNumbers()
        let letters = try header(
            (0..<50).map { "\(Character(Unicode.Scalar(97 + $0 % 26)!))nn\($0)" })
        let numbers = shapes.numbers(of: letters)
        #expect(shapes.numbers(of: letters) == numbers)
        #expect(Set(numbers).count == numbers.count)
        // The same pieces, but a hole in which a quote may occur.
        let quoted = try header(
            (0..<50).map { "\(Character(Unicode.Scalar(97 + $0 % 26)!))\"n\($0)" })
        let others = shapes.numbers(of: quoted)
        // Template 0 is a whole line, and may be the same.
        #expect(Set(others.dropFirst()).isDisjoint(with: numbers.dropFirst()))
        #expect(numbers.count > 1 && others.count > 1)
    }
}
