import LogModel
import Logback
import Testing

/// Nanoseconds within a stamp.
@Suite struct EventClockTests {
    private func events(
        _ text: String, clock: Int64 = 0, lane: Int64 = 0, number: Int64? = nil
    ) -> [FileEvent] {
        var assembler = EventAssembler(
            layout: .automatic, zone: .utc, offset: 0, events: clock, lane: lane, number: number)
        return assembler.add(Array(text.utf8), now: 5) + assembler.finish(now: 5)
    }

    private func line(_ clock: String, _ text: String = "twin") -> String {
        "2026-11-21 10:00:\(clock) [main] INFO  a.B - \(text)\n"
    }

    @Test func countingStartsAgainWithEachStamp() {
        let found = events(line("00.500") + line("00.500") + line("00.501") + line("00.501"))
        #expect(found.map { $0.timestamp % Nanoseconds.millisecond } == [0, 1, 0, 1])
    }

    /// A count of the whole file wrapped after a million events, and turned the order around.
    @Test func manyEventsBeforeDoNotTurnTheOrder() {
        var assembler = EventAssembler(layout: .automatic, zone: .utc, offset: 0, events: 0)
        var found: [FileEvent] = []
        let filler = Array(String(repeating: "x\n", count: 10_000).utf8)
        for _ in 0..<100 { found += assembler.add(filler, now: 7_000_000) }
        let tail = String(repeating: line("00.500"), count: 20)
        found += assembler.add(Array(tail.utf8), now: 7_000_000) + assembler.finish(now: 0)
        #expect(found.count == 1_000_020)
        let last = found.suffix(20).map(\.timestamp)
        #expect(last.map { $0 % Nanoseconds.millisecond } == Array(0..<20))
    }

    @Test func aFileThatRollsWithinAMillisecondHandsItsClockOn() {
        let first = events(String(repeating: line("00.500"), count: 3))
        let second = events(
            String(repeating: line("00.500"), count: 3), clock: first.last?.events ?? 0)
        let times = (first + second).map(\.timestamp)
        #expect(Set(times).count == 6)
        #expect(times == times.sorted())
    }

    @Test func filesWrittenAtTheSameTimeStayApart() {
        let text = line("00.500") + line("00.500") + line("00.501") + line("00.500")
        let times = (0..<EventClock.lanes).flatMap { events(text, lane: $0).map(\.timestamp) }
        #expect(Set(times).count == times.count)
        let millisecond = times[0] / Nanoseconds.millisecond
        #expect(times.allSatisfy { 0...1 ~= $0 / Nanoseconds.millisecond - millisecond })
    }

    /// Each goes on behind the one before it, whose last stamp is a later one.
    @Test func filesWithTheSameLinesOneAfterAnotherStayApart() {
        let text = line("00.500") + line("00.500") + line("00.501") + line("01.000")
        var clock: Int64 = 0
        var times: [Int64] = []
        for number in 1...50 {
            let found = events(text, clock: clock, number: Int64(number))
            times += found.map(\.timestamp)
            clock = found.last?.events ?? clock
        }
        #expect(Set(times).count == times.count)
    }

    /// Two threads that write out of turn, and say the same.
    @Test func twinsBehindALaterStampStayApartAndInOrder() {
        let found = events(
            line("00.500") + line("00.500") + line("00.501") + line("00.500") + line("00.502")
                + line("00.500"))
        let stamp = found[0].timestamp
        let times = found.filter { $0.timestamp < stamp + Nanoseconds.millisecond }.map(\.timestamp)
        #expect(times.count == 4)
        #expect(Set(times).count == 4)
        #expect(times == times.sorted())
    }

    @Test func readingOnFromAnyEventGivesTheSameTimes() {
        let text =
            line("00.500") + line("00.501") + line("00.500") + line("00.501") + "\tat x\n"
            + line("01.000") + line("00.999") + line("01.000")
        let whole = events(text)
        for cut in 1..<whole.count {
            var assembler = EventAssembler(
                layout: .automatic, zone: .utc, offset: whole[cut - 1].to,
                events: whole[cut - 1].events)
            let rest = Array(text.utf8)[Int(whole[cut - 1].to)...]
            let again = assembler.add(rest, now: 9) + assembler.finish(now: 9)
            #expect(again.map(\.timestamp) == whole[cut...].map(\.timestamp))
        }
    }

    @Test(arguments: [Int64.min, -1, 1, .max])
    func aClockFromAServerNeverTraps(_ clock: Int64) {
        #expect(events(line("00.500") + line("00.500") + line("00.400"), clock: clock).count == 3)
    }

    /// A stamp of nanoseconds leaves no room within itself.
    @Test func twinsOfFineStampsStayApart() {
        let found = events(String(repeating: line("00.500000001"), count: 50))
        #expect(Set(found.map(\.timestamp)).count == 50)
    }

    /// What follows an event behind a restart belongs to its time, not to the time of reading.
    @Test func aContinuationBehindARestartKeepsTheTime() {
        let first = events(line("00.500"))[0]
        var assembler = EventAssembler(
            layout: .automatic, zone: .utc, offset: first.to, events: first.events,
            known: .init(hasSeenHeader: true))
        let rest = assembler.add(Array("\tat x\n".utf8), now: 9) + assembler.finish(now: 9)
        #expect(rest.map(\.timestamp) == [first.timestamp + 1])
    }
}

@Suite struct JSONKeyTests {
    private func events(_ text: String, _ layout: LayoutRule) -> [FileEvent] {
        var assembler = EventAssembler(layout: layout, zone: .utc, offset: 0, events: 0)
        return assembler.add(Array(text.utf8), now: 5_000_000_000) + assembler.finish(now: 5)
    }

    private let far = String(repeating: "x", count: 300)
    private let at = Int64(1_795_256_430) * Nanoseconds.second

    @Test func timeAndLevelAreFoundUnderConfiguredKeys() throws {
        let layout = try LayoutRule(
            firstLine: nil, format: nil, keys: .init(time: "eventTime", level: "sev"))
        let line = #"{"msg":"\#(far)","level":7,"sev":"WARN","eventTime":"2026-11-21T10:20:30Z"}"#
        let found = events(line + "\n" + line + "\n", layout)
        #expect(found.map(\.timestamp) == [at, at + 1])
        #expect(found.map(\.level) == ["WARN", "WARN"])
    }

    @Test func keysMayNameAMemberWithin() throws {
        let layout = try LayoutRule(
            firstLine: nil, format: TimestampFormat("UNIX_MS"),
            keys: .init(time: "meta.at", level: "meta.sev"))
        let found = events(#"{"meta":{"at":1795256430000,"sev":"INFO"},"msg":"x"}"# + "\n", layout)
        #expect(found.map(\.timestamp) == [at])
        #expect(found.map(\.level) == ["INFO"])
    }

    /// What is said to be JSON is an event a line, with the time of the one before.
    @Test(arguments: [nil, TimestampFormat("UNIX_MS")])
    func anObjectWithoutAStampIsAnEvent(format: TimestampFormat?) throws {
        let layout = try LayoutRule(
            firstLine: nil, format: format, keys: .init(time: "at", level: "sev"))
        let found = events(
            #"{"at":1795256430000,"sev":"INFO","m":1}"# + "\n" + #"{"at":"never","m":2}"# + "\n"
                + #"{"m":3}"# + "\n  {not at all\n{\"half\n", layout)
        #expect(found.map(\.timestamp) == [at, at + 1, at + 2])
        #expect(
            found.last.map { String(decoding: $0.text, as: UTF8.self) }
                == "{\"m\":3}\n  {not at all\n{\"half")
    }

    @Test func aConfiguredFormatIsFoundWhereverTheMemberStands() throws {
        let layout = try LayoutRule(
            firstLine: nil, format: TimestampFormat("dd/MM/yyyy HH:mm:ss"))
        let line = #"{"msg":"\#(far)","eventTime":"21/11/2026 10:20:30"}"#
        let found = events(line + "\n" + line + "\n", layout)
        #expect(found.map(\.timestamp) == [at, at + 1])
    }
}
