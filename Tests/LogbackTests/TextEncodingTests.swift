import Foundation
import Logback
import Testing

@Suite struct TextEncodingTests {
    /// Lines of letters of one to four bytes, and some that are empty.
    private static func lines(_ random: inout SeededGenerator) -> [String] {
        (0..<40).map { _ in
            let letters = ["a", "Z", " ", "é", "한", "글", "\u{0a0d}", "😀", "\u{0d0a}", "\u{0a}"]
            return (0..<Int.random(in: 0...30, using: &random)).map { _ in
                letters[Int.random(in: 0..<(letters.count - 1), using: &random)]
            }.joined()
        }
    }

    @Test(arguments: [
        ("UTF-8", String.Encoding.utf8), ("UTF-16LE", .utf16LittleEndian),
        ("UTF-16BE", .utf16BigEndian), ("UTF-32LE", .utf32LittleEndian),
        ("UTF-32BE", .utf32BigEndian),
    ])
    func linesAndTheirBytesWhateverTheBlocks(name: String, encoding: String.Encoding) throws {
        for seed in UInt64(0)..<50 {
            var random = SeededGenerator(seed: seed)
            let lines = Self.lines(&random)
            let parts = lines.map { Array(($0 + "\n").data(using: encoding) ?? Data()) }
            let bytes = parts.flatMap { $0 }
            var splitter = LineSplitter(
                offset: 0, maxLineBytes: 10_000, encoding: try #require(TextEncoding(name)))
            var found: [LineSplitter.Line] = []
            var at = 0
            while at < bytes.count {
                let end = min(bytes.count, at + Int.random(in: 1...50, using: &random))
                splitter.add(bytes[at..<end]) { found.append($0) }
                at = end
            }
            #expect(
                found.map { String(decoding: $0.text, as: UTF8.self) } == lines,
                "seed \(seed), \(name)")
            var offset: Int64 = 0
            for (line, part) in zip(found, parts) {
                #expect(line.from == offset && line.to == offset + Int64(part.count))
                offset = line.to
            }
        }
    }

    @Test func overlongLinesAreCutBetweenCharacters() throws {
        let text = String(repeating: "한글 ", count: 100)
        for (name, encoding) in [
            ("UTF-8", String.Encoding.utf8), ("UTF-16LE", .utf16LittleEndian),
        ] {
            for most in [16, 18, 20, 22, 64] {
                var splitter = LineSplitter(
                    offset: 0, maxLineBytes: most, encoding: try #require(TextEncoding(name)))
                var found: [LineSplitter.Line] = []
                let bytes = Array((text + "\n").data(using: encoding) ?? Data())
                splitter.add(bytes[...]) { found.append($0) }
                #expect(found.count > 9)
                #expect(found.flatMap(\.text) == Array(text.utf8), "\(name) \(most)")
            }
        }
    }

    @Test func bytesThatAreNoCharacterStayVisible() throws {
        var splitter = LineSplitter(
            offset: 0, maxLineBytes: 100, encoding: try #require(TextEncoding("MS949")))
        // 가, a byte that is none, a letter that is cut off by the line's end.
        let bytes: [UInt8] = [0xb0, 0xa1, 0xff, 0x61, 0xb0, 0x0a, 0x62, 0x0a]
        var found: [String] = []
        splitter.add(bytes[...]) { found.append(String(decoding: $0.text, as: UTF8.self)) }
        #expect(found == ["가\\xFFa\\xB0", "b"])
    }

    @Test(arguments: [
        ("MS949", "CP949"), ("x-windows-949", "CP949"), ("EUC-KR", "CP949"),
        ("ks_c_5601-1987", "CP949"),
        ("windows-31j", "CP932"), ("Shift_JIS", "CP932"), ("latin1", "ISO-8859-1"),
        ("windows-1252", "CP1252"), ("ISO-8859-15", "ISO-8859-15"), ("KOI8-R", "KOI8-R"),
    ])
    func namesOfJavaAndIANA(name: String, expected: String) {
        #expect(TextEncoding(name)?.name == expected)
    }

    /// EBCDIC ends its lines otherwise.
    @Test(arguments: ["KLINGON", "", "IBM037", "../../etc"])
    func namesThatAreNone(name: String) { #expect(TextEncoding(name) == nil) }

    @Test func theOrderOfBytesIsSeen() throws {
        let open = try #require(TextEncoding("UTF-16"))
        #expect(open.resolved(head: [0xff, 0xfe, 0x61, 0]).name == "UTF-16LE")
        #expect(open.resolved(head: [0xfe, 0xff, 0, 0x61]).name == "UTF-16BE")
        #expect(open.resolved(head: [0x61, 0, 0x62, 0]).name == "UTF-16LE")
        #expect(open.resolved(head: [0, 0x61, 0, 0x62]).name == "UTF-16BE")
        #expect(open.resolved(head: []).name == "UTF-16BE")
    }
}
