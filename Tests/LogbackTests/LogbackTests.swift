import Foundation
import LogModel
import Logback
import Testing

@Suite struct EventAssemblerTests {
    private func events(
        _ text: String, pieces: Int = .max, layout: LayoutRule = .automatic
    ) -> [FileEvent] {
        var assembler = EventAssembler(layout: layout, zone: .utc, offset: 0, events: 0)
        var out: [FileEvent] = []
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            out += assembler.add(rest.prefix(pieces), now: 77)
            rest = rest.dropFirst(pieces)
        }
        return out + assembler.finish(now: 77)
    }

    private static let logback = """
        2026-11-20 10:00:00.123 [main] INFO  a.B - one
        2026-11-20 10:00:00.123 [main] ERROR a.B - two
        java.lang.IllegalStateException: failed

        2026-01-01 00:00:00.000 fake header inside a message
        \tat a.B.c(B.java:1)
        Caused by: java.lang.Error: x
        2026-11-20 10:00:00.124 [main] WARN  a.B - three

        """

    @Test func aTraceIsOneEventWhateverItsMessageLooksLike() {
        let events = events(Self.logback)
        #expect(events.map { $0.level } == ["INFO", "ERROR", "WARN"])
        #expect(String(decoding: events[1].text, as: UTF8.self).contains("fake header"))
        // Every byte belongs to one event.
        #expect(events[0].from == 0)
        #expect(events[1].from == events[0].to && events[2].from == events[1].to)
        #expect(events[2].to == Int64(Self.logback.utf8.count))
    }

    @Test func theSameInAnyPieces() {
        let whole = events(Self.logback)
        for pieces in [1, 7, 64] {
            let cut = events(Self.logback, pieces: pieces)
            #expect(cut.map(\.timestamp) == whole.map(\.timestamp))
            #expect(cut.map(\.text) == whole.map(\.text))
        }
    }

    @Test func equalMillisecondsGetRisingNanosecondsThatRepeat() {
        let events = events(Self.logback)
        #expect(events[0].timestamp % 1_000_000 == 0)
        #expect(events[1].timestamp == events[0].timestamp + 1)
        var resumed = EventAssembler(
            layout: .automatic, zone: .utc, offset: events[0].to, events: events[0].events)
        let rest = Array(Self.logback.utf8)[Int(events[0].to)...]
        let again = resumed.add(rest, now: 99) + resumed.finish(now: 99)
        #expect(again.map(\.timestamp) == events[1...].map(\.timestamp))
    }

    @Test func knowsTheUsualHeaders() {
        let boot3 = "2026-11-20T19:00:00.123+09:00  INFO 4242 --- [shop] [main] a.B : x\n"
        let nginx = "1.2.3.4 - - [20/Nov/2026:10:00:00 +0000] \"GET / HTTP/1.1\" 200 1\n"
        let json = "{\"@timestamp\":\"2026-11-20T10:00:00.123Z\",\"level\":\"WARN\"}\n"
        let day = Int64(CivilTime.days(year: 2026, month: 11, day: 20))
        let at = (day * 86_400 + 36_000) * Nanoseconds.second
        #expect(events(boot3).map(\.timestamp) == [at + 123_000_000])
        #expect(events(nginx).map(\.timestamp) == [at])
        #expect(events(json).map(\.timestamp) == [at + 123_000_000])
        #expect(events(json).first?.level == "WARN")
    }

    @Test func linesWithoutHeadersStandAlone() {
        #expect(events("one\ntwo\n  set in\nthree").count == 3)
        #expect(events("\r\n").first?.text == [])
    }

    @Test func anOverlongLineComesInPiecesAndNothingIsLost() {
        let line = String(repeating: "x", count: 2_700_000)
        let events = events("2026-11-20 10:00:00.123 INFO a - " + line + "\n")
        #expect(events.reduce(0) { $0 + $1.text.count } == 2_700_033)
        #expect(events.allSatisfy { $0.text.count <= 1024 * 1024 })
    }

    @Test func realLogbackOutputSplitsIntoItsEvents() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        for name in ["boot/app.log", "window/app.1.log", "window/app.2.log", "window/app.log"] {
            let file = root.appendingPathComponent("Samples/logs/\(name)")
            let text = try String(contentsOf: file, encoding: .utf8)
            let events = events(text)
            let numbered = events.filter {
                String(decoding: $0.text, as: UTF8.self).split(separator: "\n")[0].contains("seq=")
            }
            #expect(!events.isEmpty && numbered.count == events.count, "\(name)")
        }
    }

    @Test func zonesAndTheHourThatOccursTwice() throws {
        let seoul = try #require(ZoneRule("Asia/Seoul"))
        #expect(seoul.offset(atLocal: 1_790_000_000) == 9 * 3600)
        let berlin = try #require(ZoneRule("Europe/Berlin"))
        // 2026-10-25 02:30 occurs in summer time first.
        let local = Int64(CivilTime.days(year: 2026, month: 10, day: 25)) * 86_400 + 9000
        #expect(berlin.offset(atLocal: local) == 7200)
        #expect(ZoneRule("Nowhere/At_All") == nil)
    }
}
