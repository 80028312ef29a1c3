import Bytes
import LogModel
import Testing
import Wire

@Suite struct PushDecoding {
    @Test func jsonComesBackAsItWent() throws {
        let seed = UInt64.random(in: 0...(.max))
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<200 {
            let batches = PushBodies.sample(&generator)
            let sources = [SourceRange(source: "s \"1\"", from: 3, to: 90, events: 4)]
            let body = PushBodies.encodeJSON(batches, sources: sources)
            for (encoding, packed) in [
                (nil, body), ("gzip", Gzip.compress(body)), ("snappy", body),
            ] as [(String?, [UInt8])] {
                let request = try PushBodies.decode(packed, encoding: encoding)
                try expectEqual(request, batches)
                #expect(request.sources == sources)
            }
        }
    }

    /// Small streams are copied out of what they were gathered in, large ones leave with it.
    @Test func streamsOfAllSizesComeOneAfterTheOther() throws {
        let sizes = [(3, 10), (20_000, 2), (1, 0), (2, 200_000), (5, 7), (16_384, 16), (1, 1)]
        let batches = sizes.enumerated().map { number, size in
            var entries = Entries()
            for row in 0..<size.0 {
                entries.append(
                    timestamp: Int64(row),
                    line: [UInt8](repeating: UInt8(97 + row % 26), count: size.1),
                    metadata: number % 2 == 0 ? .empty : Labels(["row": "\(row % 3)"]))
            }
            return Batch(labels: Labels(["number": "\(number)"]), entries: entries)
        }
        try expectEqual(
            PushBodies.decode(PushBodies.encodeJSON(batches, sources: [])), batches)
        try expectEqual(
            PushBodies.decode(
                PushRequest.encodeProtobuf(batches: batches), type: PushBodies.protobuf), batches)
    }

    @Test func protobufComesBackAsItWent() throws {
        let seed = UInt64.random(in: 0...(.max))
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<200 {
            let batches = PushBodies.sample(&generator)
            let body = PushRequest.encodeProtobuf(batches: batches)
            for (encoding, packed) in [
                (nil, body), ("gzip", Gzip.compress(body)), ("snappy", body),
            ]
                as [(String?, [UInt8])]
            {
                try expectEqual(
                    PushBodies.decode(packed, type: PushBodies.protobuf, encoding: encoding),
                    batches)
            }
        }
    }

    private func expectEqual(_ request: PushRequest, _ batches: [Batch]) throws {
        try #require(request.batches.count == batches.count)
        #expect(request.streamCount == batches.count)
        for (got, want) in zip(request.batches, batches) {
            #expect(got.labels == want.labels)
            #expect(PushBodies.rows(got.entries) == PushBodies.rows(want.entries))
            #expect(got.entries.lineEnds.last.map(Int.init) == got.entries.lineBytes.count)
            #expect([0, got.entries.count].contains(got.entries.metadataIDs.count))
        }
    }

    @Test func knowsTheLegacyForm() throws {
        let request = try PushBodies.decode(
            #"""
            {"streams":[{"labels":"{app=\"x\", b='y'}","entries":[
              {"ts":"2026-11-01T09:00:00.5+09:00","line":"one\ntwo"},{"line":"","ts":"1969-12-31T23:59:59Z"}]}]}
            """#)
        #expect(request.batches.map(\.labels) == [Labels(["app": "x", "b": "y"])])
        #expect(
            request.batches[0].entries.timestamps == [1_793_491_200_500_000_000, -1_000_000_000])
        #expect(Array(request.batches[0].entries.line(0)) == Array("one\ntwo".utf8))
    }

    @Test func skipsWhatItDoesNotKnow() throws {
        let request = try PushBodies.decode(
            #"""
            {"a":{"b":[1,{"c":null}]},"streams":[{"x":[1],"values":[["1","l",null],["2","m",{}]],
            "stream":{"b":"","a":"1","n":5}}, {"stream":{"z":"1"},"values":[]}, {"values":null,"stream":null}]}
            """#)
        #expect(request.streamCount == 3)
        #expect(request.batches.map(\.labels) == [Labels(["a": "1", "n": "5"])])
        #expect(request.batches[0].entries.timestamps == [1, 2])
        #expect(request.batches[0].entries.metadataIDs.isEmpty)
    }

    @Test func resolvesEscapes() throws {
        let request = try PushBodies.decode(
            #"{"streams":[{"stream":{"\u0061":"\ud83d\ude00"},"values":[["7","\ud83d\ude00\u0041\t\/ \ud83d x"]]}]}"#
        )
        #expect(request.batches[0].labels == Labels(["a": "😀"]))
        #expect(
            Array(request.batches[0].entries.line(0)) == Array("😀A\t/ \u{FFFD} x".utf8))
    }

    @Test func keepsBytesThatAreNoUTF8() throws {
        var body = Array(#"{"streams":[{"stream":{"a":"b"},"values":[["1",""#.utf8)
        body += [0xff, 0xc3, 0x00, 0x80]
        body += Array(#""]]}]}"#.utf8)
        let request = try PushBodies.decode(body)
        #expect(Array(request.batches[0].entries.line(0)) == [0xff, 0xc3, 0x00, 0x80])
    }

    @Test func decodesEqualMetadataOnce() throws {
        let values = (0..<100).map { #"["\#($0)","l",{"trace":"\#($0 / 10 % 5)","k":"v"}]"# }
        let request = try PushBodies.decode(
            #"{"streams":[{"stream":{"a":"b"},"values":[\#(values.joined(separator: ","))]}]}"#)
        let entries = request.batches[0].entries
        #expect(entries.metadataSets.count == 6)
        for row in 0..<100 {
            #expect(entries.metadata(row) == Labels(["trace": "\(row / 10 % 5)", "k": "v"]))
        }
    }
}
