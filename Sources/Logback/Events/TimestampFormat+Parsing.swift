import LogModel

/// Reading stamps.
extension TimestampFormat {
    private static let months: [[UInt8]] = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ].map { Array($0.utf8) }

    /// What a stamp tells, part by part.
    private struct Fields {
        var year: Int
        var month = 1
        var day = 1
        /// Seconds since midnight, and east of UTC.
        var clock: Int64 = 0
        var zone: Int64 = 0
    }

    /// Reads a stamp that begins at an offset.
    package func parse(_ text: UnsafeRawBufferPointer, at start: Int) -> ParsedTimestamp? {
        var at = start
        // A leap year, in which every day of a stamp without a year is one.
        var fields = Fields(year: lacks == .year ? 1972 : 1970)
        var result = ParsedTimestamp(
            seconds: 0, nanoseconds: 0, precision: Nanoseconds.second, hasZone: false, end: 0)
        result.lacks = lacks
        var zoneName: Range<Int>?
        for part in parts {
            switch part {
            case .literal(let byte):
                guard at < text.count, Self.alike(text[at], byte) else { return nil }
                at += 1
            case .year, .shortYear, .month, .monthName, .day, .dayOfYear:
                guard readDate(part, text, &at, &fields) else { return nil }
            case .hour, .minute, .second, .halfDayHour, .hourFromOne, .halfDay:
                guard let seconds = clockSeconds(part, text, &at) else { return nil }
                fields.clock += seconds
            case .weekday:
                let start = at
                while at < text.count, ZoneName.isLetter(text[at]) { at += 1 }
                guard at > start else { return nil }
            case .milliseconds, .nanoseconds:
                guard readNumber(part, text, &at, &result) else { return nil }
            case .zoneName, .longZoneName:
                let start = at
                guard let end = ZoneName.end(in: text, from: start) else { return nil }
                at = end
                if case .longZoneName = part { Self.skipToTime(text, start, &at) }
                if Self.isUTC(text[start..<at]) {
                    result.hasZone = true
                } else if case .zoneName = part {
                    zoneName = start..<at
                }
            case .fraction:
                guard readFraction(text, &at, &result) else { return nil }
            case .optionalFraction:
                guard at + 1 < text.count, Self.alike(text[at], UInt8(ascii: ".")),
                    (48...57).contains(text[at + 1])
                else { continue }
                at += 1
                _ = readFraction(text, &at, &result)
            case .optionalZone:
                guard let offset = Self.plausibleZone(text, &at) else { continue }
                fields.zone = offset
                result.hasZone = true
            case .blankOrT:
                guard at < text.count, text[at] == 0x20 || text[at] == UInt8(ascii: "T") else {
                    return nil
                }
                at += 1
            case .zone:
                guard let offset = Self.zone(text, &at) else { return nil }
                fields.zone = offset
                result.hasZone = true
            case .unix(let divisor): return unix(text, at, divisor)
            }
        }
        let days = CivilTime.days(year: fields.year, month: fields.month, day: fields.day)
        let local = Int64(days) * 86_400 + fields.clock
        // A place has its offsets by the date.
        if let zoneName, lacks == .nothing,
            let offset = ZoneName.offset(of: text[zoneName], atLocal: local)
        {
            (fields.zone, result.hasZone) = (offset, true)
        }
        result.seconds = local - fields.zone
        result.end = at
        return result
    }

    private func readDate(
        _ part: Part, _ text: UnsafeRawBufferPointer, _ at: inout Int, _ fields: inout Fields
    ) -> Bool {
        switch part {
        case .year:
            guard let value = number(text, &at, 4...4) else { return false }
            fields.year = value
        case .shortYear:
            guard let value = number(text, &at, 2...2) else { return false }
            fields.year = 2000 + value
        case .month(let least):
            guard let value = number(text, &at, least...2), (1...12).contains(value) else {
                return false
            }
            fields.month = value
        case .monthName:
            guard let value = Self.monthName(text, &at) else { return false }
            fields.month = value
        case .day(let least):
            guard let value = number(text, &at, least...2), (1...31).contains(value) else {
                return false
            }
            fields.day = value
        default:
            // The day of a year is one of its January, which has as many days as that takes.
            guard let value = number(text, &at, 1...3), (1...366).contains(value) else {
                return false
            }
            (fields.month, fields.day) = (1, value)
        }
        return true
    }

    /// Comma and dot before a fraction stand for each other.
    private static func alike(_ a: UInt8, _ b: UInt8) -> Bool {
        if a == b { return true }
        let marks: (UInt8, UInt8) = (min(a, b), max(a, b))
        return marks == (UInt8(ascii: ","), UInt8(ascii: "."))
    }

    /// What a part of the clock adds, in seconds. `AM` adds nothing.
    private func clockSeconds(
        _ part: Part, _ text: UnsafeRawBufferPointer, _ at: inout Int
    ) -> Int64? {
        switch part {
        case .hour(let least):
            guard let value = number(text, &at, least...2), value < 24 else { return nil }
            return Int64(value) * 3600
        case .halfDayHour(let least):
            guard let value = number(text, &at, least...2), value <= 12 else { return nil }
            return Int64(value % 12) * 3600
        case .hourFromOne(let least):
            guard let value = number(text, &at, least...2), value <= 24 else { return nil }
            return Int64(value % 24) * 3600
        case .minute(let least):
            guard let value = number(text, &at, least...2), value < 60 else { return nil }
            return Int64(value) * 60
        case .second(let least):
            guard let value = number(text, &at, least...2), value <= 60 else { return nil }
            return Int64(value)
        default:
            for (name, seconds) in Self.halves {
                guard at + name.count <= text.count,
                    zip(text[at..<at + name.count], name).allSatisfy({
                        $0 == $1 || $0 < 0x80 && $0 | 0x20 == $1
                    })
                else { continue }
                at += name.count
                return seconds
            }
            return nil
        }
    }

    private static let halves: [([UInt8], Int64)] = [
        ("am", 0), ("pm", 43_200), ("오전", 0), ("오후", 43_200),
    ].map { (Array($0.0.utf8), $0.1) }

    private func readNumber(
        _ part: Part, _ text: UnsafeRawBufferPointer, _ at: inout Int,
        _ result: inout ParsedTimestamp
    ) -> Bool {
        let start = at
        guard let value = number(text, &at, 1...18), at > start else { return false }
        if case .milliseconds = part {
            guard value < 1000 else { return false }
            result.nanoseconds = Int64(value) * Nanoseconds.millisecond
            result.precision = Nanoseconds.millisecond
        } else {
            result.nanoseconds = Int64(value) % Nanoseconds.second
            result.precision = 1
        }
        return true
    }

    /// Long names of zones are several words, of which the last means time: `Korean Standard Time`,
    /// `대한민국 표준시`. Without such a word, or where it begins as `KST` and `GMT+09:00` do, the first alone is
    /// the name.
    private static func skipToTime(
        _ text: UnsafeRawBufferPointer, _ start: Int, _ at: inout Int
    ) {
        var end = at
        guard text[start..<end].contains(where: { $0 >= UInt8(ascii: "a") }) else {
            return
        }
        for _ in 0..<mostZoneWords {
            if times.contains(where: { text[start..<end].suffix($0.count).elementsEqual($0) }) {
                at = end
                return
            }
            guard end < text.count, text[end] == 0x20 else { return }
            end += 1
            guard let next = ZoneName.wordEnd(in: text, from: end) else { return }
            end = next
        }
    }

    private static let mostZoneWords = 6
    private static let times = ["Time", "Zeit", "zeit", "시", "時", "時間", "时间"].map { Array($0.utf8) }

    private static func isUTC(_ name: Slice<UnsafeRawBufferPointer>) -> Bool {
        [
            "UTC", "GMT", "Z", "Coordinated Universal Time", "Greenwich Mean Time", "협정 세계시",
        ].contains { name.elementsEqual($0.utf8) }
    }

    private func number(
        _ text: UnsafeRawBufferPointer, _ at: inout Int, _ width: ClosedRange<Int>
    ) -> Int? {
        var value = 0
        let start = at
        while at < text.count, at - start < width.upperBound, (48...57).contains(text[at]) {
            value = value * 10 + Int(text[at]) - 48
            at += 1
        }
        return at - start >= width.lowerBound ? value : nil
    }

    private func readFraction(
        _ text: UnsafeRawBufferPointer, _ at: inout Int, _ result: inout ParsedTimestamp
    ) -> Bool {
        var unit = Nanoseconds.second
        let start = at
        while at < text.count, at - start < 9, text[at] >= 48, text[at] <= 57 {
            unit /= 10
            result.nanoseconds += Int64(text[at] - 48) * unit
            at += 1
        }
        result.precision = unit
        return at > start
    }

    /// The month of a name, short or long, and the offset behind it; also `11월`.
    private static func monthName(
        _ text: UnsafeRawBufferPointer, _ at: inout Int
    ) -> Int? {
        if at < text.count, (48...57).contains(text[at]) {
            var value = 0
            while at < text.count, (48...57).contains(text[at]), value < 100 {
                value = value * 10 + Int(text[at]) - 48
                at += 1
            }
            guard text[at...].starts(with: "월".utf8), (1...12).contains(value) else { return nil }
            at += 3
            return value
        }
        guard at + 3 <= text.count,
            let month = months.firstIndex(where: { name in
                zip(text[at..<at + 3], name).allSatisfy { $0 | 0x20 == $1 }
            })
        else { return nil }
        at += 3
        while at < text.count, (97...122).contains(text[at]) { at += 1 }
        return month + 1
    }

    /// `Z`, `+09:00`, `+0900`, `+09`, in seconds.
    private static func zone(_ text: UnsafeRawBufferPointer, _ at: inout Int) -> Int64? {
        guard at < text.count else { return nil }
        if text[at] == UInt8(ascii: "Z") {
            at += 1
            return 0
        }
        let negative = text[at] == UInt8(ascii: "-")
        guard negative || text[at] == UInt8(ascii: "+") else { return nil }
        at += 1
        var value: Int64 = 0
        var digits = 0
        while at < text.count, digits < 4 {
            // One that no minutes follow is not the zone's.
            if text[at] == UInt8(ascii: ":"), digits == 2, at + 1 < text.count,
                (48...57).contains(text[at + 1])
            {
                at += 1
                continue
            }
            guard text[at] >= 48, text[at] <= 57 else { break }
            value = value * 10 + Int64(text[at] - 48)
            digits += 1
            at += 1
        }
        guard digits == 4 || digits == 2 else { return nil }
        let (hours, minutes) =
            digits == 4 ? value.quotientAndRemainder(dividingBy: 100) : (value, 0)
        return (hours * 3600 + minutes * 60) * (negative ? -1 : 1)
    }

    /// A zone where there may be none: a number of the message must not be taken for one.
    private static func plausibleZone(_ text: UnsafeRawBufferPointer, _ at: inout Int) -> Int64? {
        var end = at < text.count && text[at] == 0x20 ? at + 1 : at
        let isBehindBlank = end > at
        guard end < text.count else { return nil }
        let start = end
        let isUTC = text[end] == UInt8(ascii: "Z")
        guard let offset = zone(text, &end), !isBehindBlank || (!isUTC && end - start >= 5),
            abs(offset) <= 14 * 3600, offset % 900 == 0,
            end == text.count || !isWord(text[end])
        else { return nil }
        at = end
        return offset
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
    }

    private func unix(
        _ text: UnsafeRawBufferPointer, _ start: Int, _ divisor: Int64
    ) -> ParsedTimestamp? {
        var at = start
        var value: Int64 = 0
        while at < text.count, at - start < 15, text[at] >= 48, text[at] <= 57 {
            value = value * 10 + Int64(text[at] - 48)
            at += 1
        }
        guard at - start >= 9 else { return nil }
        let unit = Nanoseconds.second / divisor
        var result = ParsedTimestamp(
            seconds: value / divisor, nanoseconds: value % divisor * unit, precision: unit,
            hasZone: true, end: at)
        if divisor == 1, at < text.count, text[at] == UInt8(ascii: ".") {
            at += 1
            _ = readFraction(text, &at, &result)
            result.end = at
        }
        return result
    }
}
