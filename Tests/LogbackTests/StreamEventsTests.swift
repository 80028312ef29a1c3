import Foundation
import LogModel
import Logback
import Testing

/// Lines of a container's streams that stand between each other's.
@Suite struct StreamEventsTests {
    private struct Line {
        var stream: String
        var text: String
    }

    /// What there is to say of an event.
    private struct Told: Equatable {
        var from: Int64
        var to: Int64
        var text: String
        var stream: String?
        var timestamp: Int64
        var isGlued: Bool

        init(_ event: FileEvent) {
            from = event.from
            to = event.to
            text = String(decoding: event.text, as: UTF8.self)
            stream = event.stream
            timestamp = event.timestamp
            isGlued = event.isGlued
        }
    }

    private static let start = 1_795_255_200.0

    /// `seconds` since the start.
    private func record(_ line: Line, at seconds: Double, isPartial: Bool = false) -> [UInt8] {
        let whole = Int64(seconds)
        let date = Date(timeIntervalSince1970: Self.start + Double(whole))
        let stamp = date.ISO8601Format().dropLast()
        let rest = String(format: "%09d", Int((seconds - Double(whole)) * 1e9))
        return Array(
            "\(stamp).\(rest)Z \(line.stream) \(isPartial ? "P" : "F") \(line.text)\n".utf8)
    }

    private func assembler(
        at offset: Int64 = 0, behind event: FileEvent? = nil, hasSeenHeader: Bool = false,
        eventBytes: Int = 100_000
    ) throws -> EventAssembler {
        EventAssembler(
            layout: .automatic, zone: try #require(ZoneRule("UTC")), offset: offset,
            events: event?.events ?? 0, known: .init(hasSeenHeader: hasSeenHeader),
            bounds: EventAssembler.Bounds(eventBytes: eventBytes), envelope: .cri)
    }

    private static let header = "2026-11-21 10:00:00.000 ERROR [main] a.B - "

    @Test func aTraceGoesOnBehindLinesOfTheOtherStream() throws {
        let lines = [
            Line(stream: "stdout", text: Self.header + "no"),
            Line(stream: "stderr", text: "WARNING: an illegal access"),
            Line(stream: "stdout", text: "java.lang.IllegalStateException: no"),
            Line(stream: "stdout", text: "\tat a.B.c(B.java:1)"),
            Line(stream: "stderr", text: "WARNING: another one"),
            Line(stream: "stdout", text: "Caused by: java.io.IOException: closed"),
            Line(stream: "stderr", text: "java.lang.Error: on the other"),
            Line(stream: "stdout", text: "\tat a.B.d(B.java:2)"),
            Line(stream: "stderr", text: "\tat a.B.e(B.java:3)"),
            Line(stream: "stdout", text: Self.header + "next"),
        ]
        var assembler = try assembler()
        var found: [FileEvent] = []
        for (index, line) in lines.enumerated() {
            found += assembler.add(record(line, at: Double(index) / 1000), now: 1)
        }
        found += assembler.finish(now: 1)
        #expect(
            found.map { String(decoding: $0.text, as: UTF8.self) } == [
                Self.header + """
                    no
                    java.lang.IllegalStateException: no
                    \tat a.B.c(B.java:1)
                    Caused by: java.io.IOException: closed
                    \tat a.B.d(B.java:2)
                    """,
                "WARNING: an illegal access", "WARNING: another one",
                "java.lang.Error: on the other\n\tat a.B.e(B.java:3)", Self.header + "next",
            ])
        #expect(found.map(\.stream) == ["stdout", "stderr", "stderr", "stderr", "stdout"])
        #expect(found.map(\.isGlued) == [true, true, true, false, false])
        #expect(found[3].to == found[4].from)
    }

    /// What one stream says must not wait for the other.
    @Test func anEventEndsWhenItsStreamIsSilent() throws {
        for (seconds, lines) in [(0.6, 4), (0.001, 70)] {
            var assembler = try assembler()
            _ = assembler.add(
                record(Line(stream: "stderr", text: Self.header + "alone"), at: 0), now: 1)
            var found: [FileEvent] = []
            for index in 1...lines {
                let line = Line(stream: "stdout", text: Self.header + "\(index)")
                found += assembler.add(record(line, at: seconds * Double(index)), now: 1)
            }
            // But the last, which may go on.
            #expect(found.count == lines, "\(seconds) s")
            let rest = assembler.flush(now: 1)
            #expect(found.allSatisfy { !$0.isGlued } && rest.count == 1)
        }
    }

    /// Events of two streams at once, for ever, each beginning within one of the other: something is handed
    /// out all the same.
    @Test func overlapsEndSomewhere() throws {
        for (seconds, eventBytes) in [(0.1, 100_000), (0.0001, 3000)] {
            var assembler = try assembler(eventBytes: eventBytes)
            var waiting = 0
            var most = 0
            for index in 0..<600 {
                let stream = index % 2 == 0 ? "stdout" : "stderr"
                let isHeader = index % 4 == 0 || index % 4 == 1
                let text = isHeader ? Self.header + "\(index)" : "\tat \(index)"
                let found = assembler.add(
                    record(Line(stream: stream, text: text), at: seconds * Double(index)), now: 1)
                waiting = found.contains { !$0.isGlued } ? 0 : waiting + 1
                most = max(most, waiting)
            }
            #expect(most < 80, "lines without an event: \(most)")
        }
    }

    /// The last words of a process, without an end of line, and what the other stream says behind them.
    @Test func silenceEndsALineInPieces() throws {
        var assembler = try assembler()
        var found = assembler.add(
            record(Line(stream: "stdout", text: "shutting down"), at: 0, isPartial: true), now: 1)
        for index in 1...3 {
            let line = Line(stream: "stderr", text: "\tat \(index)")
            found += assembler.add(record(line, at: Double(index) / 1000), now: 1)
        }
        #expect(found.isEmpty && assembler.hasOpenEvent && assembler.hasHalfLine)
        found = assembler.flush(now: 1)
        #expect(
            found.map { String(decoding: $0.text, as: UTF8.self) } == [
                "shutting down", "\tat 1\n\tat 2\n\tat 3",
            ])
        #expect(found.map(\.isGlued) == [false, false] && found[0].to == found[1].from)
        #expect(!assembler.hasOpenEvent && !assembler.hasHalfLine)
    }

    /// An access log on one stream, an application's on the other: what is a header is each one's own.
    @Test func eachStreamHasItsOwnHeaders() throws {
        var assembler = try assembler()
        var found: [FileEvent] = []
        for index in 0..<20 {
            let line =
                index % 3 == 0
                ? Line(stream: "stderr", text: Self.header + "\(index)")
                : Line(
                    stream: "stdout",
                    text:
                        "10.0.0.1 - - [21/Nov/2026:10:00:00 +0000] \"GET /\(index) HTTP/1.1\" 404 1"
                )
            found += assembler.add(record(line, at: Double(index) / 1000), now: 1)
        }
        found += assembler.finish(now: 1)
        #expect(found.count == 20)
        #expect(found.count { $0.status == "404" } == 13)
    }

    /// Lines of three streams anyhow, and damaged ones, in blocks that end anywhere: each line is in one
    /// event, and reading on behind any event gives the very same ones.
    @Test(arguments: 1...12) func readingOnGivesTheSame(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let eventBytes = seed % 3 == 0 ? 600 : 200_000
        var bytes: [UInt8] = []
        var lines: [String: [String]] = [:]
        var seconds = 0.0
        for number in 0..<1500 {
            let isCalm = Int.random(in: 0..<3, using: &random) > 0
            seconds += isCalm ? 0.001 : Double.random(in: 0...1.5, using: &random)
            let stream = ["stdout", "stdout", "stderr"].randomElement(using: &random) ?? ""
            var text =
                ["\tat ", "Caused by: ", "", Self.header, Self.header]
                .randomElement(using: &random) ?? ""
            text += "\(number)"
            if Int.random(in: 0..<40, using: &random) == 0 {
                let damaged = (Bool.random(using: &random) ? "  " : "") + "damaged \(number)"
                bytes += Array("\(damaged)\n".utf8)
                lines["", default: []].append(damaged)
                continue
            }
            lines[stream, default: []].append(text)
            if Int.random(in: 0..<40, using: &random) == 0 {
                let half = Line(stream: stream, text: String(text.prefix(4)))
                bytes += record(half, at: seconds, isPartial: true)
                text = String(text.dropFirst(4))
                // Whole lines of the other stream within it, as many as end every wait for events, and not
                // that for the rest of the line.
                let counts = eventBytes > 1000 ? [0, 1, 3, 1100] : [0, 1, 2]
                let other = stream == "stdout" ? "stderr" : "stdout"
                for inner in 0..<(counts.randomElement(using: &random) ?? 0) {
                    let header = inner % 2 == 0 ? Self.header : ""
                    lines[other, default: []].append("\(header)\(number) within \(inner)")
                    seconds += 0.01
                    bytes += record(
                        Line(stream: other, text: "\(header)\(number) within \(inner)"), at: seconds
                    )
                }
            }
            bytes += record(Line(stream: stream, text: text), at: seconds)
        }
        func read(_ assembler: EventAssembler, from offset: Int) -> [FileEvent] {
            var assembler = assembler
            var found: [FileEvent] = []
            var at = offset
            while at < bytes.count {
                let end = min(bytes.count, at + Int.random(in: 1...900, using: &random))
                found += assembler.add(bytes[at..<end], now: 1)
                at = end
            }
            return found + assembler.finish(now: 1)
        }
        let all = read(try assembler(eventBytes: eventBytes), from: 0)
        var told: [String: [String]] = [:]
        for event in all {
            told[event.stream ?? "", default: []] += String(decoding: event.text, as: UTF8.self)
                .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        }
        #expect(told == lines, "seed \(seed)")
        #expect(zip(all, all.dropFirst()).allSatisfy { $0.isGlued || $0.to <= $1.from })
        let times = all.map(\.timestamp)
        #expect(times == times.sorted() && Set(times).count == times.count)
        var cuts = 0
        for (index, event) in all.enumerated() where !event.isGlued && index < all.count - 1 {
            #expect(event.to == all[index + 1].from, "seed \(seed), event \(index)")
            cuts += 1
            guard index % 61 == 0 else { continue }
            let rest = read(
                try assembler(
                    at: event.to, behind: event,
                    hasSeenHeader: all[...index].contains { $0.level != nil },
                    eventBytes: eventBytes), from: Int(event.to))
            let (one, other) = (rest.map(Told.init), all[(index + 1)...].map(Told.init))
            let place = zip(one, other).enumerated().first { $1.0 != $1.1 }
            #expect(
                one.count == other.count && place == nil,
                "seed \(seed), behind event \(index): \(String(describing: place))")
        }
        #expect(cuts > 100, "seed \(seed): \(cuts) places to read on from")
        #expect(all.contains { $0.isGlued })
    }
}
