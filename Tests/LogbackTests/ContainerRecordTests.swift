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

    /// A trace on one stream, lines of the other between its own: both stay whole, and nothing is
    /// committed between them.
    @Test func aTraceStaysWholeBesideTheOtherStream() throws {
        func line(_ stream: String, _ text: String) -> String {
            "2026-11-21T10:00:00.000000001Z \(stream) F \(text)\n"
        }
        let head = "2026-11-21 10:00:00.000 ERROR a - b"
        let found = try events(
            line("stdout", head) + line("stdout", "java.lang.X: y")
                + line("stderr", "warning: one") + line("stdout", "\tat a.b.c(D.java:1)")
                + line("stderr", "  two") + line("stdout", "Caused by: java.io.Z")
                + line("stdout", "2026-11-21 10:00:01.000 INFO a - c"), .cri)
        #expect(
            found.map(text) == [
                head + "\njava.lang.X: y\n\tat a.b.c(D.java:1)\nCaused by: java.io.Z",
                "warning: one\n  two", "2026-11-21 10:00:01.000 INFO a - c",
            ])
        #expect(found.map(\.stream) == ["stdout", "stderr", "stdout"])
        #expect(found.map(\.isGlued) == [true, false, false])
    }

    /// Whatever the streams write and wherever blocks end: every line comes once, those of a stream in
    /// their order, and reading on behind any event that may be committed gives the same events.
    @Test func readingOnBehindAnyEventGivesTheSame() throws {
        let zone = try #require(ZoneRule("UTC"))
        for seed in UInt64(0)..<60 {
            var random = SeededGenerator(seed: seed)
            var number = 0
            let lines = (0..<300).map { _ in
                number += 1
                let stream = Int.random(in: 0..<4, using: &random) == 0 ? "stderr" : "stdout"
                let tag = Int.random(in: 0..<8, using: &random) == 0 ? "P" : "F"
                let head =
                    Int.random(in: 0..<3, using: &random) == 0
                    ? "2026-11-21 10:00:00.000 INFO a - " : "  "
                return "2026-11-21T10:00:00.000000001Z \(stream) \(tag) \(head)<\(number)>\n"
            }
            let bytes = Array(lines.joined().utf8)
            func read(from offset: Int, _ before: FileEvent?) -> [FileEvent] {
                var assembler = EventAssembler(
                    layout: .automatic, zone: zone, offset: Int64(offset),
                    events: before?.events ?? 0,
                    hasSeenHeader: before?.known.hasSeenHeader ?? false,
                    envelope: .cri)
                return assembler.add(bytes[offset...], now: 1) + assembler.finish(now: 1)
            }
            let whole = read(from: 0, nil)
            let all = whole.map(text).joined(separator: "\n")
            #expect(
                all.matches(of: /<([0-9]+)>/).compactMap { Int($0.1) }.sorted()
                    == Array(1...number), "seed \(seed)")
            for (index, event) in whole.enumerated() where !event.isGlued {
                #expect(whole[...index].allSatisfy { $0.to <= event.to }, "seed \(seed)")
                let rest = read(from: Int(event.to), event)
                #expect(
                    rest.map(text) == whole[(index + 1)...].map(text)
                        && rest.map(\.timestamp) == whole[(index + 1)...].map(\.timestamp),
                    "seed \(seed), behind event \(index)")
            }
        }
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
        #expect(found.allSatisfy { $0.text.count <= 1300 })
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
        #expect(guess("2026-11-21T10:00:00.1Z INFO x\n") == nil)
        #expect(guess("") == nil)
    }
}
