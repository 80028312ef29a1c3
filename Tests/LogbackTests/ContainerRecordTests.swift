import Foundation
import Logback
import Testing

@Suite struct ContainerRecordTests {
    private func events(
        _ text: String, _ envelope: ContainerEnvelope, bounds: EventAssembler.Bounds = .init()
    ) throws -> [FileEvent] {
        let zone = try #require(ZoneRule("UTC"))
        var assembler = EventAssembler(
            layout: .automatic, zone: zone, offset: 0, events: 0, bounds: bounds,
            envelope: envelope)
        let bytes = Array(text.utf8)
        var found: [FileEvent] = []
        // In blocks that end anywhere.
        for start in stride(from: 0, to: bytes.count, by: 37) {
            found += assembler.add(bytes[start..<min(bytes.count, start + 37)], now: 1)
        }
        return found + assembler.finish(now: 1)
    }

    private func text(_ event: FileEvent) -> String { String(decoding: event.text, as: UTF8.self) }

    @Test func piecesOfCRIAreJoined() throws {
        let found = try events(
            """
            2026-11-21T10:00:00.000000001Z stdout P one \n\
            2026-11-21T10:00:00.000000002Z stdout F two\n\
            2026-11-21T10:00:00.000000003Z stdout F \n\
            2026-11-21T10:00:00.000000004Z stderr F:x three\n
            """, .cri)
        #expect(found.map(text) == ["one two", "", "three"])
        #expect(found.map(\.stream) == ["stdout", "stdout", "stderr"])
        #expect(found.map { $0.timestamp % 1_000_000_000 } == [1, 3, 4])
        #expect(zip(found, found.dropFirst()).allSatisfy { $0.to == $1.from })
    }

    /// Between the pieces of one stream stands a line of the other: nothing may be committed between
    /// the two.
    @Test func streamsInterleave() throws {
        let found = try events(
            """
            2026-11-21T10:00:00.000000001Z stdout P one \n\
            2026-11-21T10:00:00.000000002Z stderr F other\n\
            2026-11-21T10:00:00.000000003Z stdout F two\n\
            2026-11-21T10:00:00.000000004Z stdout F three\n
            """, .cri)
        #expect(found.map(text) == ["one two", "other", "three"])
        #expect(found.map(\.isGlued) == [true, false, false])
        #expect(found[1].to == found[2].from)
    }

    @Test func aTraceInDockersRecordsIsOneEvent() throws {
        func record(_ text: String, _ nanosecond: Int) -> String {
            "{\"log\":\"\(text)\",\"stream\":\"stdout\",\"time\":\"2026-11-21T10:00:00.00000000\(nanosecond)Z\"}\n"
        }
        let found = try events(
            record("2026-11-21 10:00:00.000 ERROR a - b\\n", 1)
                + record("java.lang.X: \\u00e9\\n", 2)
                + record("\\tat a.b.c(D.java:1)\\r\\n", 3)
                + record("2026-11-21 10:00:00.000 INFO a - c\\n", 4), .docker)
        #expect(
            found.map(text) == [
                "2026-11-21 10:00:00.000 ERROR a - b\njava.lang.X: é\n\tat a.b.c(D.java:1)",
                "2026-11-21 10:00:00.000 INFO a - c",
            ])
        #expect(found.map(\.level) == ["ERROR", "INFO"])
        #expect(found.map { $0.timestamp % 1_000_000_000 } == [1, 4])
    }

    @Test func aLineThatNeverEndsIsHandedOutInPieces() throws {
        var bounds = EventAssembler.Bounds()
        bounds.eventBytes = 1000
        let piece = String(repeating: "x", count: 300)
        let text = (0..<20).map { _ in "2026-11-21T10:00:00.000000001Z stdout P \(piece)\n" }
            .joined()
        let found = try events(text, .cri, bounds: bounds)
        #expect(found.reduce(0) { $0 + $1.text.count } == 20 * 300)
        #expect(found.allSatisfy { $0.text.count <= 1000 })
    }

    /// The last words of a process had no end: whoever writes on, on the other stream, must not wait for it.
    @Test func aLineWithoutEndHoldsBackTheOtherStreamForHalfAMinute() throws {
        func record(_ second: Int, _ rest: String) -> String {
            "2026-11-21T10:0\(second / 60):\(second % 60 < 10 ? "0" : "")\(second % 60).000000001Z \(rest)\n"
        }
        let zone = try #require(ZoneRule("UTC"))
        var assembler = EventAssembler(
            layout: .automatic, zone: zone, offset: 0, events: 0, envelope: .cri)
        _ = assembler.add(Array(record(0, "stdout P bye").utf8), now: 1)
        var count = 0
        for second in 1...30 {
            count += assembler.add(Array(record(second, "stderr F \(second)").utf8), now: 1).count
        }
        #expect(count == 0)
        var found: [FileEvent] = []
        for second in 31...40 {
            found += assembler.add(Array(record(second, "stderr F \(second)").utf8), now: 1)
        }
        found += assembler.add(Array(record(41, "stdout F new").utf8), now: 1)
        found += assembler.finish(now: 1)
        #expect(found.map(text) == ["bye"] + (1...40).map(String.init) + ["new"])
        #expect(found.allSatisfy { !$0.isContinued })
    }

    /// A line too long for an entry broke off: what the next process writes is no piece of it.
    @Test func whatComesLongBehindALineInPiecesBeginsAnew() throws {
        let pieces = (0..<8).map { _ in
            "2026-11-21T10:00:01.000000001Z stdout P \(String(repeating: "x", count: 300))\n"
        }
        let found = try events(
            pieces.joined()
                + "2026-11-21T10:01:40.000000001Z stdout F 2026-11-21 10:01:40.000 INFO a - fresh\n",
            .cri, bounds: .init(eventBytes: 1000))
        #expect(found.last.map(text) == "2026-11-21 10:01:40.000 INFO a - fresh")
        #expect(found.last?.level == "INFO" && found.last?.isContinued == false)
        #expect(found.dropLast().reduce(0) { $0 + $1.text.count } == 8 * 300)
    }

    @Test func whatIsNoRecordIsKeptAsItIs() throws {
        let found = try events("{\"log\":\"a\n2026-11-21T10:00:00Z stdin F x\nplain\n", .docker)
        #expect(found.map(text) == ["{\"log\":\"a", "2026-11-21T10:00:00Z stdin F x\nplain"])
    }

    @Test func envelopesAreGuessed() {
        func guess(_ text: String) -> ContainerEnvelope? {
            ContainerEnvelope.guess(head: Array(text.utf8))
        }
        #expect(guess("2026-11-21T10:00:00.1Z stdout F x\n") == .cri)
        #expect(
            guess("{\"log\":\"x\\n\",\"stream\":\"stdout\",\"time\":\"2026-11-21T10:00:00.1Z\"}\n")
                == .docker)
        #expect(
            guess("{\"log\":{\"level\":\"INFO\"},\"@timestamp\":\"2026-11-21T10:00:00.1Z\"}\n")
                == nil)
        #expect(guess("{\"log\":\"" + String(repeating: "x", count: 1024)) == .docker)
        #expect(guess("2026-11-21T10:00:00.1Z INFO x\n") == nil)
        #expect(guess("") == nil)
    }
}
