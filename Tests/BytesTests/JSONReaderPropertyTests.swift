import Bytes
import Testing

@Suite struct JSONReaderPropertyTests {
    private func tokens(_ text: [UInt8], maxNesting: Int = 128) throws -> [JSONToken] {
        try text.withUnsafeBytes { bytes in
            var reader = JSONReader(bytes, maxNesting: maxNesting)
            var out: [JSONToken] = []
            while true {
                let token = try reader.next()
                if token == .end { return out }
                out.append(token)
            }
        }
    }

    private func tokens(_ text: String) throws -> [JSONToken] { try tokens(Array(text.utf8)) }

    private func unescaped(_ text: String) throws -> String {
        let bytes = Array(text.utf8)
        return try bytes.withUnsafeBytes {
            var out: [UInt8] = []
            try JSONReader($0, maxNesting: 1).unescape(0..<bytes.count, into: &out)
            return String(decoding: out, as: UTF8.self)
        }
    }

    @Test func tokensOfAValue() throws {
        #expect(
            try tokens(#" {"a" : [1, -2.5e+3, true], "b\n":null , "":{}} "#) == [
                .objectStart, .key(3..<4, escaped: false), .arrayStart, .number(9..<10),
                .number(12..<19), .true, .arrayEnd, .key(29..<32, escaped: true), .null,
                .key(42..<42, escaped: false), .objectStart, .objectEnd, .objectEnd,
            ])
        #expect(try tokens("\"x\"") == [.string(1..<2, escaped: false)])
        #expect(try tokens("false") == [.false])
    }

    @Test func valuesThatRFC8259DoesNotAllow() {
        for text in [
            "", " ", "{", "}", "[", "]", "{]", "[}", "[1,]", "[,1]", "{,}", #"{"a"}"#, #"{"a":}"#,
            #"{"a":1,}"#, "{1:2}", "[1 2]", "01", "-", "-01", "1.", ".5", "1e", "1e+", "+1", "NaN",
            "Infinity", "tru", "True", "nul", "'a'", "\"a", #""a\"#, "1 2", "[] []", "\u{feff}1",
            "0x1",
            "/**/1", #"{"a":1 "b":2}"#, #"{"a" 1}"#, "[1}", "truefalse", "1a",
        ] {
            #expect(throws: BytesError.self, "\(text)") { try tokens(text) }
        }
    }

    @Test func nestingHoldsAtTheBoundAndNotOverIt() throws {
        func nested(_ depth: Int) -> [UInt8] {
            [UInt8](repeating: 0x5b, count: depth) + [UInt8](repeating: 0x5d, count: depth)
        }
        #expect(try tokens(nested(127), maxNesting: 128).count == 254)
        #expect(try tokens(nested(128), maxNesting: 128).count == 256)
        #expect(throws: BytesError.self) { try tokens(nested(129), maxNesting: 128) }
        #expect(throws: BytesError.self) { try tokens(nested(1_000_000), maxNesting: 128) }
        #expect(throws: BytesError.self) { try tokens(nested(1), maxNesting: 0) }
    }

    @Test func escapes() throws {
        #expect(try unescaped(#"\"\\\/\b\f\n\r\t"#) == "\"\\/\u{8}\u{c}\n\r\t")
        #expect(try unescaped(#"\uc8fc\uBB38 \ud83d\ude00"#) == "주문 😀")
        // Half a pair is no character; what follows it stays.
        #expect(try unescaped(#"\ud800"#) == "\u{FFFD}")
        #expect(try unescaped(#"\ud800A\udc00"#) == "\u{FFFD}A\u{FFFD}")
        #expect(try unescaped(#"\ud800\u0041"#) == "\u{FFFD}A")
        for text in [#"\"#, #"\x"#, #"\u12"#, #"\u12G4"#, #"\U0041"#] {
            #expect(throws: BytesError.self, "\(text)") { try unescaped(text) }
        }
    }

    @Test func valuesAreSkippedWhole() throws {
        let text = Array(#"{"a": {"x":[1,{"y":2}]}, "b": "s", "c" :-1}"#.utf8)
        try text.withUnsafeBytes { bytes in
            var reader = JSONReader(bytes, maxNesting: 8)
            #expect(try reader.next() == .objectStart)
            var values: [String] = []
            while case .key = try reader.next() {
                values.append(String(decoding: text[try reader.skipValue()], as: UTF8.self))
            }
            #expect(values == [#"{"x":[1,{"y":2}]}"#, #""s""#, "-1"])
            #expect(try reader.next() == .end)
        }
    }

    /// Random JSON, changed at random: the reader ends with tokens or an error, inside its bytes.
    @Test func anythingElseIsAnErrorAndNeverATrap() {
        let seed: UInt64 = 31
        var random = SeededGenerator(seed: seed)
        let base = Array(
            #"{"streams":[{"stream":{"app":"shop\u00e9"},"values":[["17","a\n😀"],["18","b",{"k":"v"}]]}],"n":[-1.5e3,0,true,null]}"#
                .utf8)
        let spice = Array(#"{}[]",:\u0eE+-.tfn"#.utf8) + [0, 0x80, 0xff]
        var accepted = 0
        for _ in 0..<30_000 {
            var text = base
            for _ in 0...Int.random(in: 0..<4, using: &random) {
                let at = Int.random(in: 0..<text.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: text[at] = spice.randomElement(using: &random) ?? 0
                case 1: text.insert(spice.randomElement(using: &random) ?? 0, at: at)
                case 2: text.remove(at: at)
                default: text.removeSubrange(at...)
                }
                if text.isEmpty { text = [0x7b] }
            }
            text.withUnsafeBytes { bytes in
                var reader = JSONReader(bytes, maxNesting: 6)
                var steps = 0
                while let token = try? reader.next(), token != .end {
                    steps += 1
                    if case .string(let range, _) = token {
                        var out: [UInt8] = []
                        try? reader.unescape(range, into: &out)
                        #expect(out.count <= 3 * range.count)
                    }
                }
                // A token takes a byte at least.
                #expect(steps <= bytes.count)
                if reader.offset == bytes.count { accepted += 1 }
            }
        }
        #expect(accepted > 0, "seed \(seed)")
    }

    @Test func whatIsWrittenIsReadBack() throws {
        var random = SeededGenerator(seed: 32)
        for round in 0..<2000 {
            let text = random.bytes(round % 90, of: round % 2 == 0 ? 0...255 : 0...0x7f)
            var json: [UInt8] = []
            text.withUnsafeBytes { appendJSONString($0, to: &json) }
            #expect(String(validating: json, as: UTF8.self) != nil)
            #expect(!json.contains { $0 < 0x20 })
            let out = try json.withUnsafeBytes { bytes -> [UInt8] in
                var reader = JSONReader(bytes, maxNesting: 1)
                guard case .string(let range, _) = try reader.next() else { return [] }
                #expect(try reader.next() == .end)
                var out: [UInt8] = []
                try reader.unescape(range, into: &out)
                return out
            }
            if String(validating: text, as: UTF8.self) != nil { #expect(out == text) }
        }
    }

    @Test func oneByteThatNeedsAnEscapeAtAnyPlace() {
        let escapes: [(byte: UInt8, text: String)] = [
            (0x22, "\\\""), (0x5c, "\\\\"), (0x0a, "\\n"), (0x1f, "\\u001f"), (0xff, "\u{FFFD}"),
        ]
        for size in 1...26 {
            for place in 0..<size {
                for (byte, escape) in escapes {
                    var text = [UInt8](repeating: UInt8(ascii: "a"), count: size)
                    text[place] = byte
                    var json: [UInt8] = []
                    appendJSONString(text, to: &json)
                    let before = String(repeating: "a", count: place)
                    let behind = String(repeating: "a", count: size - place - 1)
                    #expect(
                        String(decoding: json, as: UTF8.self)
                            == "\"" + before + escape + behind + "\"")
                }
            }
        }
    }

    @Test func brokenTextBecomesReplacementCharacters() {
        var json: [UInt8] = []
        appendJSONString([0x61, 0xff, 0xc3, 0x28, 0xed, 0xa0, 0x80, 0x62], to: &json)
        #expect(
            String(decoding: json, as: UTF8.self)
                == "\"a\u{FFFD}\u{FFFD}(\u{FFFD}\u{FFFD}\u{FFFD}b\"")
    }

    /// What unescaping means, byte by byte.
    private func model(_ text: [UInt8]) -> [UInt8]? {
        var out: [UInt16] = []
        var bytes: [UInt8] = []
        func flush() {
            bytes += Array(String(decoding: out, as: UTF16.self).utf8)
            out = []
        }
        var at = 0
        while at < text.count {
            guard text[at] == UInt8(ascii: "\\") else {
                flush()
                bytes.append(text[at])
                at += 1
                continue
            }
            guard at + 1 < text.count else { return nil }
            let letter = Character(Unicode.Scalar(text[at + 1]))
            at += 2
            if letter == "u" {
                guard at + 4 <= text.count,
                    text[at..<at + 4].allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
                    let unit = UInt16(String(decoding: text[at..<at + 4], as: UTF8.self), radix: 16)
                else { return nil }
                out.append(unit)
                at += 4
                continue
            }
            flush()
            let plain: [Character: UInt8] = [
                "n": 10, "t": 9, "r": 13, "b": 8, "f": 12, "\"": 34, "\\": 92, "/": 47,
            ]
            guard let byte = plain[letter] else { return nil }
            bytes.append(byte)
        }
        flush()
        return bytes
    }

    @Test func unescapingIsWhatTheModelSays() {
        var random = SeededGenerator(seed: 41)
        let pieces = [
            "\\n", "\\\"", "\\\\", "\\/", "\\t", "\\u0041", "\\u00e9", "\\uc8fc", "\\ud83d\\ude00",
            "\\ud83d", "\\ude00", "\\ud83d\\n", "é", "주문", "x", " ", "a plain run of text ",
            "seventeen bytes!!", "\\x", "\\u12", "\\u12g4", "\\",
        ]
        for _ in 0..<20_000 {
            var text = ""
            // The last four are faults, which most texts should not have.
            for _ in 0..<Int.random(in: 0..<12, using: &random) {
                let most = Int.random(in: 0..<10, using: &random) == 0 ? pieces.count : 18
                text += pieces[Int.random(in: 0..<most, using: &random)]
            }
            let bytes = Array(text.utf8)
            let before = Array("before".utf8)
            var out = before
            let result = bytes.withUnsafeBytes { raw in
                Result { () throws(BytesError) in
                    try JSONReader(raw, maxNesting: 1).unescape(0..<bytes.count, into: &out)
                }
            }
            switch (result, model(bytes)) {
            case (.success, let wanted?): #expect(out == before + wanted, "\(text)")
            case (.failure, nil): #expect(out.starts(with: before))
            default: Issue.record("\(text): \(result)")
            }
        }
    }

    @Test func stringsEndAtTheirQuoteWhereverItStands() throws {
        for length in 0..<70 {
            for escape in stride(from: -1, to: length, by: 1) {
                var inner = [UInt8](repeating: UInt8(ascii: "x"), count: length)
                if escape >= 0 { inner.replaceSubrange(escape..<escape + 1, with: [92, 34]) }
                let text = [34] + inner + [34]
                #expect(
                    try tokens(text + [32, 10])
                        == [.string(1..<text.count - 1, escaped: escape >= 0)])
                #expect(throws: BytesError.truncated(offset: text.count - 1)) {
                    try tokens(Array(text.dropLast()))
                }
            }
        }
    }

    @Test func aPairOfStringsIsWhatItsTokensAre() throws {
        for text in [
            #"["1","a"]"#, #" [ "1" , "a\"b" , {} ] "#, #"["",""]"#, #"["1\n","a"]"#, #"["1"]"#,
            #"[1,"a"]"#, #"["1",2]"#, "[]", #"["1" "a"]"#, #"["1","a"#, #"["1,"#, "[", #"["1",]"#,
            #"{"a":"b"}"#,
        ] {
            let bytes = Array(text.utf8)
            bytes.withUnsafeBytes { raw in
                func rest(pairs: Bool) -> ([JSONToken], BytesError?) {
                    var reader = JSONReader(raw, maxNesting: 8)
                    var out: [JSONToken] = []
                    do throws(BytesError) {
                        repeat {
                            out.append(try reader.next())
                            if pairs, let (first, second, escaped) = reader.takeStringPair() {
                                out += [
                                    .string(first, escaped: false),
                                    .string(second, escaped: escaped),
                                ]
                            }
                        } while out.last != .end
                    } catch { return (out, error) }
                    return (out, nil)
                }
                #expect(rest(pairs: true) == rest(pairs: false), "\(text)")
            }
        }
    }
}
