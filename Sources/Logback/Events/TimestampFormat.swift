import LogModel

/// A stamp as it was read.
package struct ParsedTimestamp: Sendable {
    /// Seconds since the epoch, local time when `hasZone` is false.
    package var seconds: Int64
    package var nanoseconds: Int64
    /// The finest unit written: 1,000,000 for milliseconds.
    package var precision: Int64
    package var hasZone: Bool
    /// Offset behind the stamp.
    package var end: Int
    /// What the stamp does not tell: then `seconds` count from 1972 or from midnight.
    package var lacks = Lacking.nothing

    package enum Lacking: Sendable { case nothing, year, date }
}

/// A pattern of stamps in Java's letters, compiled: `yyyy-MM-dd HH:mm:ss.SSS`, quotes for literal
/// text, `XXX`, `Z` or `X` for a zone, any number of `S`. Also `UNIX`, `UNIX_MS`, `RFC3339`.
package struct TimestampFormat: Sendable {
    /// Whose letters: up to Logback 1.2 `SimpleDateFormat` prints, where `S` is a number of
    /// milliseconds however many there are; from 1.3 `DateTimeFormatter`, where they are a fraction.
    package enum Letters: Sendable { case dateTimeFormatter, simpleDateFormat }

    enum Part: Sendable {
        case year, shortYear, monthName, fraction, zone
        /// Milliseconds, nanoseconds as a number.
        case milliseconds, nanoseconds
        /// Twelve hours: 1…12 or 0…11; `k`, 1…24.
        case halfDayHour(Int), hourFromOne(Int)
        case halfDay, weekday
        /// `KST`, `GMT+9`, `Asia/Seoul`; `Korean Standard Time`, of which only those that mean UTC are
        /// understood.
        case zoneName, longZoneName
        /// From 1 on.
        case dayOfYear
        /// Digits at least; two at most.
        case month(Int), day(Int), hour(Int), minute(Int), second(Int)
        case literal(UInt8)
        /// Present or not, for stamps that are recognised rather than configured.
        case optionalFraction, optionalZone
        case blankOrT
        case unix(divisor: Int64)
    }
    let parts: [Part]
    /// What stamps of this format do not tell.
    package let lacks: ParsedTimestamp.Lacking

    /// True when stamps tell their distance from UTC.
    package var tellsZone: Bool {
        parts.contains { part in
            switch part {
            case .zone, .zoneName, .unix: true
            default: false
            }
        }
    }

    /// Nil for a pattern with a letter that is not known.
    package init?(_ pattern: String, letters: Letters = .dateTimeFormatter) {
        switch pattern {
        case "UNIX":
            self.init(parts: [.unix(divisor: 1)])
            return
        case "UNIX_MS":
            self.init(parts: [.unix(divisor: 1000)])
            return
        case "RFC3339":
            self.init(
                parts: Self.day + [.literal(UInt8(ascii: "T"))] + Self.clock
                    + [.optionalFraction, .zone])
            return
        default: break
        }
        var parts: [Part] = []
        var ordinal = false
        var rest = Substring(pattern)
        while let letter = rest.first {
            if letter == "'" {
                rest = rest.dropFirst()
                guard let close = rest.firstIndex(of: "'") else { return nil }
                parts += (close == rest.startIndex ? "'" : rest[..<close]).utf8.map(Part.literal)
                rest = rest[rest.index(after: close)...]
                continue
            }
            let run = rest.prefix { $0 == letter }
            rest = rest.dropFirst(run.count)
            ordinal = ordinal || letter == "D"
            if let part = Self.part(letter, run.count, letters) {
                parts.append(part)
            } else if letter.isASCII, letter.isLetter {
                return nil
            } else {
                parts += run.utf8.map(Part.literal)
            }
        }
        self.init(parts: parts)
        // What day that is only a year tells.
        guard !ordinal || lacks == .nothing else { return nil }
    }

    private init(parts: [Part]) {
        self.parts = parts
        var hasYear = false
        var hasDay = false
        for part in parts {
            switch part {
            case .year, .shortYear: hasYear = true
            case .day, .dayOfYear: hasDay = true
            case .unix: (hasYear, hasDay) = (true, true)
            default: break
            }
        }
        lacks = !hasDay ? .date : hasYear ? .nothing : .year
    }

    private var hasClock: Bool {
        parts.contains { part in
            switch part {
            case .hour, .halfDayHour, .hourFromOne, .minute, .second, .unix: true
            default: false
            }
        }
    }

    /// Date and time as one, where one of both has a date alone and the other the time of the day alone.
    func followed(by other: TimestampFormat, behind literal: [UInt8]) -> TimestampFormat? {
        let (date, time) = lacks == .date ? (other, self) : (self, other)
        guard date.lacks != .date, !date.hasClock, time.lacks == .date else { return nil }
        return TimestampFormat(parts: parts + literal.map(Part.literal) + other.parts)
    }

    private static func part(_ letter: Character, _ count: Int, _ letters: Letters) -> Part? {
        switch letter {
        case "y", "u", "Y": count == 2 ? .shortYear : .year
        case "M", "L": count >= 3 ? .monthName : .month(count)
        case "d": .day(min(count, 2))
        case "D": .dayOfYear
        case "H": .hour(min(count, 2))
        case "h", "K": .halfDayHour(min(count, 2))
        case "k": .hourFromOne(min(count, 2))
        case "a": .halfDay
        case "E", "e": .weekday
        case "m": .minute(min(count, 2))
        case "s": .second(min(count, 2))
        case "S": letters == .simpleDateFormat && count != 3 ? .milliseconds : .fraction
        case "n", "N": .nanoseconds
        // `GMT+09:00`.
        case "Z" where count == 4 && letters == .dateTimeFormatter: .zoneName
        case "X", "Z", "x": .zone
        case "z" where count >= 4, "v" where count >= 4: .longZoneName
        case "z", "V", "v", "O": .zoneName
        default: nil
        }
    }

    private static let day: [Part] = [
        .year, .literal(UInt8(ascii: "-")), .month(2), .literal(UInt8(ascii: "-")), .day(2),
    ]
    private static let clock: [Part] = [
        .hour(2), .literal(UInt8(ascii: ":")), .minute(2), .literal(UInt8(ascii: ":")), .second(2),
    ]

    /// `2026-11-21 10:20:30` with blank or T, with or without a fraction and a zone, which may stand
    /// behind a blank.
    static let automatic = TimestampFormat(
        parts: day + [.blankOrT] + clock + [.optionalFraction, .optionalZone])
}
