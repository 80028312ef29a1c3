import Foundation
import LogModel
import Logback
import Testing

@Suite struct EventBoundaryTests {
    private static let now: Int64 = 1_795_000_000 * Nanoseconds.second

    private func assembler(
        offset: Int64 = 0, events: Int64 = 0, eventBytes: Int? = nil
    ) -> EventAssembler {
        var bounds = EventAssembler.Bounds()
        if let eventBytes { bounds.eventBytes = eventBytes }
        return EventAssembler(
            layout: .automatic, zone: .utc, offset: offset, events: events, bounds: bounds)
    }

    private func events(_ text: String) -> [FileEvent] {
        var assembler = assembler()
        return assembler.add(Array(text.utf8), now: Self.now) + assembler.finish(now: Self.now)
    }

    private func texts(_ text: String) -> [String] {
        events(text).map { String(decoding: $0.text, as: UTF8.self) }
    }

    @Test func aTraceBelongsToItsEvent() {
        let trace =
            "java.lang.Error: x\n\n2026-01-01 00:00:00.000 fake header\n\tat A.b(A.java:1)\n"
        let found = texts(
            "2026-11-21 10:00:00.000 [main] ERROR a.B [] - failed\n\(trace)\n"
                + "2026-11-21 10:00:00.001 [main] INFO  a.B [] - next\n")
        #expect(found.count == 2)
        #expect(found.first?.hasSuffix("A.java:1)\n") == true)
        #expect(found.last == "2026-11-21 10:00:00.001 [main] INFO  a.B [] - next")
    }

    /// Shells and PostgreSQL write lines with and without a level; the first ones tell.
    @Test func stampsAloneGoOnBeingHeaders() {
        let lines = (0..<40).map { at in
            let stamp = String(format: "2026-11-21 10:00:%02d.000 ", at)
            return stamp
                + (at == 3 || at % 10 == 9 ? "UTC [17] ERROR:  failed" : "UTC [17] LOG:  done")
        }
        let text = lines.joined(separator: "\n\tset in\n") + "\n"
        let whole = events(text)
        #expect(
            whole.map { String(decoding: $0.text, as: UTF8.self).prefix(24) }
                == lines.map { $0.prefix(24) })
        #expect(whole.compactMap(\.level).count == 5)
        // The same behind what was read before.
        for event in whole[8...] {
            var rest = EventAssembler(
                layout: .automatic, zone: .utc, offset: event.to, events: event.events,
                known: .init(
                    hasSeenHeader: event.known.hasSeenHeader,
                    hasBareStamps: event.known.hasBareStamps))
            let bytes = Array(text.utf8)[Int(event.to)...]
            let found = rest.add(bytes, now: Self.now) + rest.finish(now: Self.now)
            #expect(found.map(\.from) == whole.map(\.from).filter { $0 >= event.to })
        }
        // Two are none: a message may quote them.
        #expect(texts(lines[1...4].joined(separator: "\n")).count == 3)
    }

    @Test func headersThatAreKnown() {
        for (line, level, at) in [
            ("2026-11-21 10:20:30.123 [main] WARN  a.B - x", "WARN", 1_795_256_430_123),
            ("2026-11-21 10:20:30,123 DEBUG x", "DEBUG", 1_795_256_430_123),
            (
                "2026-11-21T19:20:30.123+09:00  INFO 42 --- [shop] [main] a.B : x", "INFO",
                1_795_256_430_123
            ),
            ("[2026-11-21 10:20:30.123] [ERROR] x", "ERROR", 1_795_256_430_123),
            ("2026-11-21T10:20:30Z x", nil, 1_795_256_430_000),
            (
                "1.2.3.4 - - [21/Nov/2026:19:20:30 +0900] \"GET / HTTP/1.1\" 200 5", nil,
                1_795_256_430_000
            ),
            (
                #"{"@timestamp":"2026-11-21T10:20:30.123Z","level":"INFO"}"#, "INFO",
                1_795_256_430_123
            ),
            (#"{"level":"warn","ts":1795256430.123,"msg":"x"}"#, "warn", 1_795_256_430_123),
            (#"{"time":1795256430123}"#, nil, 1_795_256_430_123),
        ] as [(String, String?, Int64)] {
            let event = events(line + "\n").first
            #expect(event?.level == level, "\(line)")
            #expect(event?.timestamp == at * Nanoseconds.millisecond, "\(line)")
        }
    }

    @Test func linesWithoutAnyHeaderAreEventsUnlessSetIn() {
        #expect(
            texts("one\ntwo\n\tat x\nCaused by: y\nthree") == [
                "one", "two\n\tat x\nCaused by: y", "three",
            ])
        let found = events("one\ntwo\n")
        #expect(found.map { $0.timestamp - Self.now } == [0, 1])
    }

    @Test func equalMillisecondsKeepOrder() {
        let line = "2026-11-21 10:20:30.123 [main] INFO a.B - twin\n"
        let found = events(String(repeating: line, count: 3))
        #expect(found.map { $0.timestamp % Nanoseconds.millisecond } == [0, 1, 2])
        #expect(found.map(\.events) == found.map(\.timestamp))
    }

    @Test func anEventIsBoundedAndNothingIsLost() {
        var assembler = assembler(eventBytes: 100)
        let text =
            "2026-11-21 10:20:30.123 [main] INFO a.B - x\n"
            + String(repeating: "\tat some.Class.method(Class.java:17)\n", count: 50)
            + String(repeating: "y", count: 777) + "\n"
        let found =
            assembler.add(Array(text.utf8), now: Self.now) + assembler.finish(now: Self.now)
        #expect(found.allSatisfy { $0.text.count <= 100 })
        #expect(found.first?.from == 0)
        #expect(found.last?.to == Int64(text.utf8.count))
        for (a, b) in zip(found, found.dropFirst()) { #expect(a.to == b.from) }
    }

    @Test func anOpenEventWaitsUntilItIsFlushed() {
        var assembler = assembler()
        let line = Array("2026-11-21 10:20:30.123 [main] INFO a.B - x\n".utf8)
        #expect(assembler.add(line, now: Self.now).isEmpty)
        #expect(assembler.hasOpenEvent)
        #expect(assembler.flush(now: Self.now).first?.to == Int64(line.count))
        #expect(!assembler.hasOpenEvent)
        #expect(assembler.flush(now: Self.now).isEmpty)
        #expect(assembler.offset == Int64(line.count))
    }
}
