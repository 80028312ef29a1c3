import Bytes
import LogModel
import Testing
import Wire

@Suite struct PushRefusals {
    private static let good =
        #"{"streams":[{"stream":{"app":"x"},"values":[["1793498400000000000","line",{"m":"v"}]]}],"sources":[{"source":"s","from":1,"to":2,"events":3}]}"#

    private static func stream(_ stream: String, _ values: String) -> String {
        #"{"streams":[{"stream":\#(stream),"values":\#(values)}]}"#
    }

    /// Bodies and what Loki (or, where its text speaks of its own parser, we) say.
    private static let texts: [(body: String, text: String)] = [
        ("", "EOF"),
        ("hello", "invalid JSON: expected a JSON value at byte 0"),
        (#"{"streams":5}"#, "invalid JSON: expected an array at byte 12"),
        (
            stream(#"{"my-label":"x"}"#, #"[["1","l"]]"#),
            "couldn't parse labels: 1:4: parse error: unexpected character inside braces: '-'"
        ),
        (
            stream(#"{"":"x"}"#, #"[["1","l"]]"#),
            "couldn't parse labels: 1:2: parse error: unexpected \"=\" in label set, "
                + "expected identifier or \"}\""
        ),
        (
            stream(#"{"a":["x"]}"#, "[]"),
            "invalid JSON: the label \"a\" must be a string at byte 28"
        ),
        (
            stream(#"{"a":"b"}"#, #"[[1,"l"]]"#),
            "invalid JSON: a timestamp must be a string of nanoseconds at byte 44"
        ),
        (
            stream(#"{"a":"b"}"#, #"[["soon","l"]]"#),
            "invalid JSON: a timestamp must be a string of nanoseconds at byte 49"
        ),
        (
            stream(#"{"a":"b"}"#, #"[["99999999999999999999","l"]]"#),
            "invalid JSON: a timestamp must be a string of nanoseconds at byte 65"
        ),
        (stream(#"{"a":"b"}"#, #"[["1",2]]"#), "invalid JSON: a line must be a string at byte 48"),
        (stream(#"{"a":"b"}"#, #"[["1"]]"#), "invalid JSON: a line must be a string at byte 47"),
        (
            stream(#"{"a":"b"}"#, #"[["1","l",{"a":1}]]"#),
            "invalid JSON: the value of structured metadata must be a string at byte 57"
        ),
        (
            stream(#"{"a":"b"}"#, #"[["1","l",{"a":{"b":"c"}}]]"#),
            "invalid JSON: the value of structured metadata must be a string at byte 57"
        ),
        (
            stream(#"{"a":"b"}"#, #"[["1","l",["m"]]]"#),
            "invalid JSON: structured metadata must be an object at byte 52"
        ),
        (
            stream(#"{"a":"b"}"#, #"[["1","l",{},1]]"#),
            "invalid JSON: an entry has three items at most at byte 55"
        ),
        (
            #"{"streams":[],"sources":[{"source":"s","from":9,"to":2}]}"#,
            "a source needs a name, and 'from' no larger than 'to'"
        ),
        (
            #"{"streams":[],"sources":[{"source":"s","from":-1,"to":2}]}"#,
            "invalid JSON: 'from' of a source must be a whole number at byte 48"
        ),
        (
            #"{"streams":[{"labels":"{a=}","entries":[]}]}"#,
            "couldn't parse labels: 1:4: parse error: unexpected \"}\" in label set, expected string"
        ),
    ]

    @Test func saysWhatIsWrong() {
        for (body, text) in Self.texts {
            #expect(
                PushBodies.refusal(Array(body.utf8)) == .badRequest(text), "\(body)")
        }
    }

    @Test func headersAreJudgedFirst() throws {
        let body = Array(Self.good.utf8)
        #expect(PushBodies.refusal(body, type: nil) == .badRequest("mime: no media type"))
        #expect(PushBodies.refusal(body, type: "") == .badRequest("mime: no media type"))
        #expect(
            PushBodies.refusal(body, encoding: "br")
                == .badRequest("Content-Encoding \"br\" not supported"))
        _ = try PushBodies.decode(body, type: "Application/JSON; charset=utf-8", encoding: "")
    }

    @Test func packedBodiesThatAreBroken() {
        let gzip = Gzip.compress(Array(Self.good.utf8))
        #expect(
            PushBodies.refusal(Array("this is not gzip".utf8), encoding: "gzip")
                == .badRequest("gzip: invalid header"))
        #expect(PushBodies.refusal([], encoding: "gzip") == .badRequest("EOF"))
        #expect(PushBodies.refusal(Array(gzip.dropLast(10)), encoding: "gzip")?.status == 400)
        #expect(PushBodies.refusal(gzip, encoding: "deflate")?.status == 400)
        let snappy = WireError.badRequest("snappy: corrupt input")
        #expect(
            PushBodies.refusal(Array("not a protobuf".utf8), type: PushBodies.protobuf) == snappy)
        #expect(
            PushBodies.refusal([0xff, 0xff, 0xff, 0xff, 0xff, 0xff], type: PushBodies.protobuf)
                == snappy)
        #expect(
            PushBodies.refusal(
                Gzip.compress(Array("no snappy".utf8)), type: PushBodies.protobuf, encoding: "gzip")
                == snappy)
    }

    @Test func brokenProtobuf() {
        for (bytes, text) in [
            ([0x0a, 0x05, 0x01], "proto: unexpected EOF"),
            ([0x00, 0x01], "proto: illegal tag 0"),
            ([0x0b], "proto: illegal wireType 3"),
            (
                [0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
                "proto: unexpected EOF"
            ),
            ([0x0a, 0x00], "couldn't parse labels: 1:1: parse error: unexpected end of input"),
        ] as [([UInt8], String)] {
            #expect(
                PushBodies.refusal(Snappy.compress(bytes), type: PushBodies.protobuf)
                    == .badRequest(text), "\(bytes)")
        }
    }

    @Test func everyTruncationIsAnError() {
        let whole = Array(Self.good.utf8)
        for length in 0..<whole.count {
            #expect(PushBodies.refusal(Array(whole[..<length]))?.status == 400, "\(length)")
        }
        var generator = SeededGenerator(seed: 1)
        let protobuf = PushRequest.encodeProtobuf(batches: PushBodies.sample(&generator))
        for length in 0..<protobuf.count {
            #expect(
                PushBodies.refusal(Array(protobuf[..<length]), type: PushBodies.protobuf)?.status
                    == 400, "\(length)")
        }
    }

    @Test func depthIsBounded() {
        let deep = String(repeating: "[", count: 10_000)
        let shut = String(repeating: "]", count: 10_000)
        for body in [
            deep, #"{"streams":\#(deep)"#, #"{"x":\#(deep)\#(shut),"streams":[]}"#,
            String(repeating: #"{"a":"#, count: 10_000),
        ] {
            #expect(PushBodies.refusal(Array(body.utf8))?.status == 400)
        }
    }

    @Test func declaredSizesAreCheckedBeforeMemoryIsTaken() {
        // 4 GiB in a snappy header of five bytes.
        let snappy: [UInt8] = [0xff, 0xff, 0xff, 0xff, 0x0f] + Array(repeating: 0x78, count: 50)
        #expect(PushBodies.refusal(snappy, type: PushBodies.protobuf)?.status == 413)
        var limits = Limits()
        limits.maxDecompressedSize = 1000
        let body = Array(Self.good.utf8) + Array(repeating: 0x20, count: 5000)
        let tooLarge = WireError(
            status: 413,
            message: "request body too large: decompressed message size too large than max "
                + "(1001 vs 1000)")
        #expect(PushBodies.refusal(body, limits: limits) == tooLarge)
        #expect(
            PushBodies.refusal(Gzip.compress(body), encoding: "gzip", limits: limits) == tooLarge)
        limits.maxDecompressedSize = body.count
        #expect(PushBodies.refusal(body, limits: limits) == nil)
        #expect(
            PushBodies.refusal(Gzip.compress(body), encoding: "gzip", limits: limits) == nil)
    }

    @Test func aBombStopsAtTheLimit() {
        // One member of 1 MiB of zeros, 10,000 times over: 10 GB in 10 MB, never unpacked.
        let member = Gzip.compress([UInt8](repeating: 0, count: 1 << 20))
        var body: [UInt8] = []
        for _ in 0..<10_000 { body += member }
        #expect(PushBodies.refusal(body, encoding: "gzip")?.status == 413)
    }

    @Test func manySmallPartsAreBounded() {
        var limits = Limits()
        limits.maxDecompressedSize = 1 << 20
        let streams = (0..<10_000).map { #"{"stream":{"a":"\#($0)"},"values":[["1","x"]]}"# }
        let body = Array(#"{"streams":[\#(streams.joined(separator: ","))]}"#.utf8)
        #expect(body.count < 1 << 20)
        #expect(PushBodies.refusal(body, limits: limits)?.status == 413)
        #expect(PushBodies.refusal(body) == nil)
    }
}
