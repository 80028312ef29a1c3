import Bytes
import LogModel
import Testing
import Wire

/// Mutated bodies: any answer will do, as long as there is one, and columns hold together.
@Suite struct PushFuzzing {
    private static let rounds = 20_000

    private func mutate(_ body: [UInt8], _ generator: inout SeededGenerator) -> [UInt8] {
        var body = body
        for _ in 0..<Int.random(in: 1...8, using: &generator) {
            guard !body.isEmpty else { break }
            let at = Int.random(in: 0..<body.count, using: &generator)
            switch Int.random(in: 0..<6, using: &generator) {
            case 0: body[at] = UInt8.random(in: 0...255, using: &generator)
            case 1: body[at] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            case 2: body.insert(UInt8.random(in: 0...255, using: &generator), at: at)
            case 3: body.remove(at: at)
            case 4: body.removeSubrange(at..<min(body.count, at + 20))
            default:
                let end = min(body.count, at + 30)
                body.insert(
                    contentsOf: body[at..<end],
                    at: Int.random(in: 0...body.count, using: &generator))
            }
        }
        return body
    }

    private func check(_ body: [UInt8], type: String, encoding: String? = nil) {
        var limits = Limits()
        limits.maxDecompressedSize = 1 << 20
        guard
            let request = try? PushBodies.decode(
                body, type: type, encoding: encoding, limits: limits)
        else { return }
        for batch in request.batches {
            let entries = batch.entries
            #expect(entries.lineEnds.count == entries.count)
            #expect(entries.lineEnds.last.map(Int.init) ?? 0 == entries.lineBytes.count)
            #expect([0, entries.count].contains(entries.metadataIDs.count))
            #expect(entries.metadataIDs.allSatisfy { Int($0) < entries.metadataSets.count })
        }
    }

    private func run(_ seed: UInt64, _ round: (inout SeededGenerator) -> Void) {
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<Self.rounds { round(&generator) }
    }

    @Test func json() {
        var first = SeededGenerator(seed: 3)
        let body = PushBodies.encodeJSON(
            PushBodies.sample(&first),
            sources: [SourceRange(source: "s", from: 0, to: 9, events: 1)])
        run(UInt64.random(in: 0...(.max))) { generator in
            check(mutate(body, &generator), type: PushBodies.json)
        }
    }

    @Test func gzip() {
        var first = SeededGenerator(seed: 4)
        let body = Gzip.compress(PushBodies.encodeJSON(PushBodies.sample(&first)))
        run(UInt64.random(in: 0...(.max))) { generator in
            check(mutate(body, &generator), type: PushBodies.json, encoding: "gzip")
        }
    }

    @Test func protobuf() throws {
        var first = SeededGenerator(seed: 5)
        let packed = PushRequest.encodeProtobuf(batches: PushBodies.sample(&first))
        let body = try Snappy.decompress(packed, limit: 1 << 20)
        run(UInt64.random(in: 0...(.max))) { generator in
            check(Snappy.compress(mutate(body, &generator)), type: PushBodies.protobuf)
            check(mutate(packed, &generator), type: PushBodies.protobuf)
        }
    }

    @Test func labelTexts() {
        let text = Array(#"{app="shop", path='C:\\x\u00e9', `q`="1",}"#.utf8)
        run(UInt64.random(in: 0...(.max))) { generator in
            let text = String(decoding: mutate(text, &generator), as: UTF8.self)
            _ = try? LabelText.parse(text)
        }
    }

    @Test func positions() {
        let question = PositionExchange.encodeQuestion(sources: ["a", "\"b\\"])
        let answer = PositionExchange.encodeAnswer(
            [Position(source: "a", offset: 5, events: 1)], error: "e")
        run(UInt64.random(in: 0...(.max))) { generator in
            _ = try? PositionExchange.decodeQuestion(mutate(question, &generator))
            _ = try? PositionExchange.decodeAnswer(mutate(answer, &generator))
        }
    }
}
