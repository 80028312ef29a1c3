import LogModel
import Logback
import Testing

@Suite struct TimestampFormatTests {
    private func parse(_ pattern: String, _ text: String, at: Int = 0) -> ParsedTimestamp? {
        Array(text.utf8).withUnsafeBytes { TimestampFormat(pattern)?.parse($0, at: at) }
    }

    private func nanoseconds(_ stamp: ParsedTimestamp?) -> Int64? {
        stamp.map { $0.seconds * Nanoseconds.second + $0.nanoseconds }
    }

    /// 2026-11-21 10:20:30 UTC.
    private static let moment: Int64 = 1_795_256_430

    @Test func patternsOfLogbackAndItsNeighbours() {
        for (pattern, text, fraction, precision) in [
            ("yyyy-MM-dd HH:mm:ss.SSS", "2026-11-21 10:20:30.123", 123_000_000, 1_000_000),
            ("yyyy-MM-dd HH:mm:ss.SSS", "2026-11-21 10:20:30,123", 123_000_000, 1_000_000),
            ("yyyy-MM-dd HH:mm:ss,SSS", "2026-11-21 10:20:30.123", 123_000_000, 1_000_000),
            (
                "yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "2026-11-21T19:20:30.5+09:00", 500_000_000,
                100_000_000
            ),
            ("yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "2026-11-21T10:20:30.123456Z", 123_456_000, 1000),
            ("yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "2026-11-21T10:20:30.123456789Z", 123_456_789, 1),
            ("yyyy-MM-dd'T'HH:mm:ssXXX", "2026-11-21T06:50:30-03:30", 0, 1_000_000_000),
            ("dd/MMM/yyyy:HH:mm:ss Z", "21/Nov/2026:19:20:30 +0900", 0, 1_000_000_000),
            ("MM/dd/yyyy HH:mm:ss", "11/21/2026 10:20:30", 0, 1_000_000_000),
            ("UNIX", "1795256430", 0, 1_000_000_000),
            ("UNIX", "1795256430.25", 250_000_000, 10_000_000),
            ("UNIX_MS", "1795256430123", 123_000_000, 1_000_000),
        ] as [(String, String, Int64, Int64)] {
            let stamp = parse(pattern, text + " rest")
            #expect(nanoseconds(stamp) == Self.moment * Nanoseconds.second + fraction, "\(text)")
            #expect(stamp?.precision == precision, "\(text)")
            #expect(stamp?.end == text.utf8.count, "\(text)")
            #expect(parse(pattern, "[[" + text, at: 2)?.end == text.utf8.count + 2)
        }
    }

    @Test func aZoneInTheTextIsToldApart() {
        #expect(parse("yyyy-MM-dd HH:mm:ss", "2026-11-21 10:20:30")?.hasZone == false)
        #expect(parse("yyyy-MM-dd HH:mm:ssXXX", "2026-11-21 10:20:30Z")?.hasZone == true)
        #expect(parse("UNIX", "1795256430")?.hasZone == true)
    }

    /// As Java's `z`, `VV` and `O` write them; those that mean several are left to the configured zone.
    @Test(arguments: [
        ("z", "KST", 9.0), ("z", "EST", -5), ("z", "EDT", -4), ("z", "UTC", 0), ("O", "GMT+9", 9),
        ("O", "GMT-5", -5), ("z", "GMT+09:30", 9.5), ("O", "UTC-03:30", -3.5),
        ("VV", "Asia/Seoul", 9),
        ("VV", "America/New_York", -5), ("VV", "America/Argentina/Buenos_Aires", -3),
        ("z", "CST", nil), ("z", "XYZ", nil), ("O", "GMT+99", nil), ("VV", "Nowhere/Land", nil),
    ])
    func zonesByName(_ letter: String, _ name: String, _ hours: Double?) {
        let stamp = parse("yyyy-MM-dd HH:mm:ss \(letter)", "2026-11-21 10:20:30 \(name) rest")
        #expect(stamp?.hasZone == (hours != nil))
        #expect(stamp?.seconds == Self.moment - Int64((hours ?? 0) * 3600))
        #expect(stamp?.end == 20 + name.utf8.count)
    }

    /// What stands behind a zone or a day of the week is the layout's, whatever it begins with.
    @Test(arguments: [
        ("yyyy-MM-dd HH:mm:ssX", "2026-11-21 19:20:30+09", ": INFO"),
        ("yyyy-MM-dd HH:mm:ssXXX", "2026-11-21 19:20:30+09:00", ":9"),
        ("yyyy-MM-dd HH:mm:ss z", "2026-11-21 19:20:30 KST", ": [main]"),
        ("yyyy-MM-dd HH:mm:ss z", "2026-11-21 19:20:30 KST", "-main"),
        ("yyyy-MM-dd HH:mm:ss z", "2026-11-21 19:20:30 GMT+09:00", ": x"),
        ("yyyy-MM-dd HH:mm:ss VV", "2026-11-21 19:20:30 Asia/Seoul", ": x"),
        ("yyyy-MM-dd HH:mm:ss VV", "2026-11-21 19:20:30 Asia/Seoul", "_ x"),
        ("yyyy-MM-dd HH:mm:ss ZZZZ", "2026-11-21 19:20:30 GMT+09:00", " [main]"),
        ("EEE-dd-MMM-yyyy HH:mm:ss Z", "Sat-21-Nov-2026 19:20:30 +0900", " x"),
        ("yyyy-MM-dd HH:mm:ss zzzz", "2026-11-21 10:20:30 Coordinated Universal Time", ": x"),
    ])
    func whatFollowsIsNotTheStamps(_ pattern: String, _ text: String, _ rest: String) {
        let stamp = parse(pattern, text + rest)
        #expect(stamp?.seconds == Self.moment)
        #expect(stamp?.hasZone == true)
        #expect(stamp?.end == text.utf8.count)
    }

    @Test func aPlaceHasItsOffsetsByTheDate() {
        let stamp = parse("yyyy-MM-dd HH:mm:ss VV", "2026-07-21 10:20:30 America/New_York")
        let winter = parse("yyyy-MM-dd HH:mm:ss XXX", "2026-07-21 10:20:30 -04:00")
        #expect(stamp?.seconds == winter?.seconds)
    }

    @Test func truncationAtEveryByteIsNoStamp() {
        let text = Array("2026-11-21T10:20:30.1+09:00".utf8)
        let format = TimestampFormat("yyyy-MM-dd'T'HH:mm:ss.SSSXXX")
        // "+09" alone is a zone of ISO 8601.
        for end in 0..<text.count where end != 24 && end != 25 {
            let stamp = Array(text[..<end]).withUnsafeBytes { format?.parse($0, at: 0) }
            #expect(stamp == nil, "\(end) bytes")
        }
    }

    @Test func numbersOutOfRangeAreNoStamp() {
        for text in [
            "2026-13-01 00:00:00", "2026-00-01 00:00:00", "2026-01-00 00:00:00",
            "2026-01-32 00:00:00",
            "2026-01-01 24:00:00", "2026-01-01 00:60:00", "2026-01-01 00:00:61",
            "2026-1-01 00:00:00",
            "2o26-01-01 00:00:00", "2026/01/01 00:00:00",
        ] {
            #expect(parse("yyyy-MM-dd HH:mm:ss", text) == nil, "\(text)")
        }
        #expect(parse("yyyy-MM-dd HH:mm:ss", "2016-12-31 23:59:60") != nil)
    }

    @Test func lettersOfBothFormattersAreRead() throws {
        func nanoseconds(
            _ pattern: String, _ letters: TimestampFormat.Letters, _ text: String
        ) throws -> Int64 {
            let format = try #require(TimestampFormat(pattern, letters: letters))
            let stamp = Array(text.utf8).withUnsafeBytes { format.parse($0, at: 0) }
            let parsed = try #require(stamp)
            return parsed.seconds % 86_400 * 1_000_000_000 + parsed.nanoseconds
        }
        let second: Int64 = 1_000_000_000
        #expect(
            try nanoseconds("HH:mm:ss.SSSSSS", .simpleDateFormat, "00:00:01.000123") == second
                + 123_000_000)
        #expect(
            try nanoseconds("HH:mm:ss.SSSSSS", .dateTimeFormatter, "00:00:01.000123") == second
                + 123_000)
        #expect(try nanoseconds("hh:mm:ss a", .dateTimeFormatter, "12:00:01 AM") == second)
        #expect(try nanoseconds("a hh:mm", .dateTimeFormatter, "오후 01:00") == 46_800 * second)
        #expect(try nanoseconds("kk:mm", .dateTimeFormatter, "24:01") == 60 * second)
        #expect(
            try nanoseconds(
                "EEE, dd MMMM yyyy HH:mm", .dateTimeFormatter, "Sat, 21 November 2026 00:01") == 60
                * second)
        #expect(
            try nanoseconds("HH:mm:ss.nnnnnnnnn", .dateTimeFormatter, "00:00:00.123456789")
                == 123_456_789)
        #expect(TimestampFormat("MM-dd HH:mm:ss")?.lacks == .year)
        #expect(TimestampFormat("HH:mm:ss")?.lacks == .date)
    }

    @Test func daysOfTheYearAndLongNamesOfZonesAreRead() {
        // The 325th day of 2026 is 21 November, of a leap year the 20th.
        #expect(
            parse("yyyy-DDD HH:mm", "2026-325 00:01")?.seconds
                == parse("yyyy-MM-dd HH:mm", "2026-11-21 00:01")?.seconds)
        #expect(
            parse("D.yyyy", "366.2028")?.seconds == parse("yyyy-MM-dd", "2028-12-31")?.seconds)
        #expect(TimestampFormat("DDD HH:mm") == nil)
        #expect(parse("yyyy-DDD", "2026-367") == nil && parse("yyyy-DDD", "2026-000") == nil)
        for (zone, hasZone) in [
            ("Korean Standard Time", false), ("Central European Summer Time", false),
            ("대한민국 표준시", false), ("Mitteleuropäische Sommerzeit", false), ("GMT+09:00", false),
            ("Coordinated Universal Time", true), ("UTC", true), ("KST", false),
        ] {
            let text = "10:20 \(zone) INFO Time"
            let stamp = parse("HH:mm zzzz", text)
            #expect(stamp?.end == 6 + zone.utf8.count, "\(zone)")
            #expect(stamp?.hasZone == hasZone, "\(zone)")
        }
    }

    @Test func unknownLettersAreRefused() {
        for pattern in ["GGG dd", "yyyy QQ", "HH:mm B", "yyyy-MM-dd'T", "'"] {
            #expect(TimestampFormat(pattern) == nil, "\(pattern)")
        }
    }

    @Test func whatACalendarWritesIsReadBack() {
        var random = SeededGenerator(seed: 51)
        for _ in 0..<3000 {
            let at = Int64.random(in: -2_000_000_000...7_000_000_000, using: &random)
            let time = CivilTime(at * Nanoseconds.second)
            let stamp = parse("yyyy-MM-dd HH:mm:ss", "\(time.date) \(time.clock)")
            #expect(stamp?.seconds == at, "\(time.date) \(time.clock)")
        }
    }
}
