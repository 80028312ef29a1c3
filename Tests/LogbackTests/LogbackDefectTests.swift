import LogModel
import Logback
import Testing

@Suite struct LogbackDefectTests {
    private func events(_ text: String, _ layout: LayoutRule = .automatic) -> [FileEvent] {
        var assembler = EventAssembler(layout: layout, zone: .utc, offset: 0, events: 0)
        return assembler.add(Array(text.utf8), now: 5_000_000_000)
            + assembler.finish(now: 5_000_000_000)
    }

    @Test func aLevelWordInAMessageIsNoHeader() {
        let found = events(
            "2026-11-21 10:00:00 job started\n2026-11-21 10:00:01 job done, found 0 ERROR lines\n"
                + "2026-11-21 10:00:02 next\n2026-11-21 10:00:03 next\n")
        #expect(found.count == 4)
        #expect(found.allSatisfy { $0.level == nil })
    }

    @Test func aThreadNamedLikeALevelIsNoLevel() {
        let found = events("2026-11-21 10:00:00.000 [http-ERROR-1] INFO  a.B - x\n")
        #expect(found.first?.level == "INFO")
    }

    @Test func jsonInsideAMessageStartsNoEvent() {
        let found = events(
            "2026-11-21 10:00:00.000 [main] INFO  a.B - body:\n{\n  \"a\": 1\n}\n{\"a\":1}\n"
                + "2026-11-21 10:00:01.000 [main] INFO  a.B - next\n")
        #expect(found.count == 2)
    }

    @Test func anAccessLogLineInsideATraceStartsNoEvent() {
        let found = events(
            "2026-11-21 10:00:00.000 [main] ERROR a.B - upstream said\n"
                + "1.2.3.4 - - [21/Nov/2026:10:00:00 +0000] \"GET / HTTP/1.1\" 502 5\n\tat x\n")
        #expect(found.count == 1)
    }

    @Test func aCustomStampInsideALaterLineStartsNoEvent() throws {
        let layout = try LayoutRule(
            firstLine: nil, format: TimestampFormat("yyyy-MM-dd HH:mm:ss"))
        let found = events(
            "2026-11-21 10:00:00 ERROR x\n\tat y 2026-11-21 09:00:00 z\n2026-11-21 10:00:01 INFO x\n",
            layout)
        #expect(found.count == 2)
    }

    @Test func aZoneBehindABlankIsRead() {
        let found = events("2026-11-21 10:20:30.123 +0900 INFO x\n")
        #expect(found.first?.timestamp == 1_795_224_030_123 * Nanoseconds.millisecond)
    }

    @Test func rfc3339IsAFormat() {
        #expect(TimestampFormat("RFC3339") != nil)
    }

    @Test func shortYearsAndDays() {
        let text = Array("26-3-7 10:00:00".utf8)
        let format = TimestampFormat("yy-M-d HH:mm:ss")
        let stamp = text.withUnsafeBytes { format?.parse($0, at: 0) }
        #expect(format == nil || stamp?.seconds == 1_772_877_600)
    }

    @Test(arguments: [
        #"{"@timestamp":"2026-11-21T10:20:30.123Z","log":{"level":"WARN","logger":"a.B"},"message":"x"}"#,
        #"{"@timestamp":"2026-11-21T10:20:30.123Z","log.level":"WARN","message":"x"}"#,
        #"{"version":"1.1","timestamp":1795256430.123,"level":4,"_level_name":"WARN"}"#,
    ]) func structuredLogsOfSpringBoot(_ line: String) {
        let event = events(line + "\n").first
        #expect(event?.level == "WARN")
        #expect(event?.timestamp == 1_795_256_430_123 * Nanoseconds.millisecond)
    }
}

@Suite struct TrapDefectTests {
    /// 2262-04-11 23:47:16.854775807 is the last nanosecond that fits.
    @Test func aStampAtTheEndOfTimeIsHarmless() {
        var assembler = EventAssembler(
            layout: .automatic, zone: .utc, offset: 0, events: 900_000_000)
        let text =
            "2262-04-11 23:47:16.999 [main] INFO a.B - x\n9999-12-31 23:59:59.999 [main] INFO a.B - x\n"
        let found = assembler.add(Array(text.utf8), now: 5) + assembler.finish(now: 5)
        #expect(found.count == 2)
    }
}
