import LogModel
import Logback
import Testing

/// Stamps of the time of the day alone.
@Suite struct DatelessStampTests {
    private static let second = Nanoseconds.second
    private static let hour = 3600 * Nanoseconds.second
    private static let day = 24 * hour

    /// 2026-11-20 00:00 UTC.
    private static let friday = 20_777 * day

    private func layout(_ pattern: String = "%d{HH:mm:ss.SSS} [%t] %-5level %c - %m%n") throws
        -> LayoutRule
    {
        LayoutRule(compiled: try CompiledLayout(pattern))
    }

    private func text(_ clocks: [String]) -> [UInt8] {
        Array(clocks.map { "\($0) [main] INFO  a.B - x\n" }.joined().utf8)
    }

    /// Times of the events of a file, from its first byte, or behind an event.
    private func times(
        _ bytes: [UInt8], _ layout: LayoutRule, modified: Int64, now: Int64 = .max / 2,
        zone: ZoneRule = .utc, lastDay: Int64? = nil
    ) -> [FileEvent] {
        func assembler() -> EventAssembler {
            EventAssembler(layout: layout, zone: zone, offset: 0, events: 0)
        }
        var survey = assembler()
        _ = survey.add(bytes, now: modified) + survey.finish(now: modified)
        #expect(survey.wantsStart)
        var read = assembler()
        guard
            let start = survey.dateless.start(modified: modified, lastDay: lastDay, zone: zone)
        else {
            Issue.record("no start")
            return []
        }
        read.begin(at: start)
        return read.add(bytes, now: now) + read.finish(now: now)
    }

    private func written(_ days: Int64, _ hours: Double) -> Int64 {
        Self.friday + days * Self.day + Int64(hours * Double(Self.hour))
    }

    @Test func theDayIsThatOfTheLastWriting() throws {
        let found = times(
            text(["09:00:00.000", "09:30:00.500"]), try layout(), modified: written(0, 10))
        #expect(found.map(\.timestamp) == [written(0, 9), written(0, 9.5) + Self.second / 2])
    }

    @Test func midnightsAreCountedBack() throws {
        let clocks = [
            "22:00:00.000", "23:59:59.000", "00:00:01.000", "20:00:00.000", "07:00:00.000",
        ]
        let found = times(text(clocks), try layout(), modified: written(0, 7.01))
        #expect(
            found.map(\.timestamp) == [
                written(-2, 22), written(-1, 0) - Self.second, written(-1, 0) + Self.second,
                written(-1, 20), written(0, 7),
            ])
    }

    /// Of the stamp, from that midnight: what the clock counts within one is left out.
    private func milliseconds(_ event: FileEvent) -> Int64 {
        (event.timestamp - Self.friday + Self.day) / Nanoseconds.millisecond - 86_400_000
    }

    @Test func threadsWriteOutOfTurnOverMidnight() throws {
        let clocks = ["23:59:59.900", "00:00:00.100", "23:59:59.950", "00:00:00.200"]
        let found = times(text(clocks), try layout(), modified: written(0, 1))
        let offsets = found.map { milliseconds($0) }
        #expect(offsets == [-100, 100, -50, 200])
        // The first line itself may be out of turn.
        let turned = times(
            text(["00:00:00.100", "23:59:59.950", "00:00:00.200"]), try layout(),
            modified: written(0, 1))
        #expect(
            turned.map { milliseconds($0) } == [
                100, -50, 200,
            ])
    }

    @Test func aPackedFileWasWrittenBeforeTheDayOfItsNameEnded() throws {
        let bytes = text(["09:00:00.000", "18:00:00.000"])
        let found = times(
            bytes, try layout(), modified: written(3, 9), lastDay: written(0, 0) / Self.day)
        #expect(found.map(\.timestamp) == [written(0, 9), written(0, 18)])
    }

    @Test func theZoneOfTheApplicationHasTheMidnights() throws {
        let seoul = try #require(ZoneRule("Asia/Seoul"))
        let found = times(
            text(["23:30:00.000", "00:30:00.000"]), try layout(),
            modified: written(0, 16), zone: seoul)
        #expect(found.map(\.timestamp) == [written(0, 14.5), written(0, 15.5)])
    }

    @Test func aYearIsCountedBackOverTheTurnOfTheYear() throws {
        let layout = try layout("%d{MM-dd HH:mm:ss} [%t] %-5level %c - %m%n")
        let found = times(
            text(["12-31 23:00:00", "01-01 01:00:00", "02-29 12:00:00"]), layout,
            modified: 21_245 * Self.day)  // 2028-03-02
        let years = found.map { CivilTime($0.timestamp) }
        #expect(years.map(\.year) == [2027, 2028, 2028])
        #expect(years.map(\.day) == [31, 1, 29])
    }

    /// Wherever reading goes on, dates and nanoseconds are the same.
    @Test(arguments: [1, 2, 3, 4, 5] as [UInt64])
    func readingOnGivesTheSameTimes(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let layout = try layout()
        var clock: Int64 = 80_000_000
        var clocks: [String] = []
        for _ in 0..<400 {
            clock += Int64.random(in: -900_000...9_000_000, using: &random)
            let inDay = clock % 86_400_000
            func digits(_ number: Int64, _ width: Int) -> String {
                let text = "\(number)"
                return String(repeating: "0", count: width - text.count) + text
            }
            clocks.append(
                "\(digits(inDay / 3_600_000, 2)):\(digits(inDay / 60_000 % 60, 2)):"
                    + "\(digits(inDay / 1000 % 60, 2)).\(digits(inDay % 1000, 3))")
        }
        let bytes = text(clocks)
        let days = clock / 86_400_000
        let modified = Self.friday + (clock % 86_400_000) * Nanoseconds.millisecond + Self.second
        let whole = times(bytes, layout, modified: modified)
        #expect(whole.count == 400)
        #expect((whole[399].timestamp - whole[0].timestamp) / Self.day >= days - 1, "seed \(seed)")
        for _ in 0..<20 {
            let cut = Int.random(in: 0..<399, using: &random)
            var rest = EventAssembler(
                layout: layout, zone: .utc, offset: whole[cut].to, events: whole[cut].events,
                known: .init(hasSeenHeader: true))
            let later = Int64.max / 2
            let found =
                rest.add(bytes[Int(whole[cut].to)...], now: later) + rest.finish(now: later)
            #expect(
                found.map(\.timestamp) == whole[(cut + 1)...].map(\.timestamp), "seed \(seed)")
        }
    }

    /// What the first lines without a stamp take, reading on takes, too.
    @Test func aBannerHasTheTimeOfTheFirstStamp() throws {
        let bytes = Array("#logback.classic pattern: x\n".utf8) + text(["09:00:00.000"])
        let found = times(bytes, try layout(), modified: written(-30, 10))
        #expect(found.map(\.timestamp)[0] == written(-30, 9))
        #expect(found.map { $0.timestamp / Self.second }[1] == written(-30, 9) / Self.second)
    }
}
