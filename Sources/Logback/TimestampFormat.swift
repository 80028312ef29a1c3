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
}

/// A pattern of stamps in Java's letters, compiled: `yyyy-MM-dd HH:mm:ss.SSS`, quotes for literal
/// text, `XXX`, `Z` or `X` for a zone, any number of `S`. Also `UNIX`, `UNIX_MS`, `RFC3339`.
package struct TimestampFormat: Sendable {
    private enum Part: Sendable {
        case year, shortYear, monthName, fraction, zone
        /// Digits at least; two at most.
        case month(Int), day(Int), hour(Int), minute(Int), second(Int)
        case literal(UInt8)
        /// Present or not, for stamps that are recognised rather than configured.
        case optionalFraction, optionalZone
        case blankOrT
        case unix(divisor: Int64)
    }
    private let parts: [Part]

    /// Nil for a pattern with a letter that is not known.
    package init?(_ pattern: String) {
        switch pattern {
        case "UNIX":
            parts = [.unix(divisor: 1)]
            return
        case "UNIX_MS":
            parts = [.unix(divisor: 1000)]
            return
        case "RFC3339":
            parts =
                Self.day + [.literal(UInt8(ascii: "T"))] + Self.clock + [.optionalFraction, .zone]
            return
        default: break
        }
        var parts: [Part] = []
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
            switch letter {
            case "y", "u": parts.append(run.count == 2 ? .shortYear : .year)
            case "M": parts.append(run.count >= 3 ? .monthName : .month(run.count))
            case "d": parts.append(.day(min(run.count, 2)))
            case "H": parts.append(.hour(min(run.count, 2)))
            case "m": parts.append(.minute(min(run.count, 2)))
            case "s": parts.append(.second(min(run.count, 2)))
            case "S": parts.append(.fraction)
            case "X", "Z", "x": parts.append(.zone)
            case _ where letter.isLetter: return nil
            default: parts += run.utf8.map(Part.literal)
            }
        }
        self.parts = parts
    }

    private init(parts: [Part]) { self.parts = parts }

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

    private static let months: [[UInt8]] = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ].map { Array($0.utf8) }

    /// Reads a stamp that begins at an offset.
    package func parse(_ text: UnsafeRawBufferPointer, at start: Int) -> ParsedTimestamp? {
        var at = start
        var year = 1970
        var month = 1
        var day = 1
        var clock: Int64 = 0
        var result = ParsedTimestamp(
            seconds: 0, nanoseconds: 0, precision: Nanoseconds.second, hasZone: false, end: 0)
        var zone: Int64 = 0
        for part in parts {
            switch part {
            case .literal(let byte):
                guard at < text.count, Self.alike(text[at], byte) else { return nil }
                at += 1
            case .year:
                guard let value = number(text, &at, 4...4) else { return nil }
                year = value
            case .shortYear:
                guard let value = number(text, &at, 2...2) else { return nil }
                year = 2000 + value
            case .month(let least):
                guard let value = number(text, &at, least...2), (1...12).contains(value) else {
                    return nil
                }
                month = value
            case .monthName:
                guard let value = Self.monthName(text, at) else { return nil }
                month = value
                at += 3
            case .day(let least):
                guard let value = number(text, &at, least...2), (1...31).contains(value) else {
                    return nil
                }
                day = value
            case .hour(let least):
                guard let value = number(text, &at, least...2), value < 24 else { return nil }
                clock += Int64(value) * 3600
            case .minute(let least):
                guard let value = number(text, &at, least...2), value < 60 else { return nil }
                clock += Int64(value) * 60
            case .second(let least):
                guard let value = number(text, &at, least...2), value <= 60 else { return nil }
                clock += Int64(value)
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
                zone = offset
                result.hasZone = true
            case .blankOrT:
                guard at < text.count, text[at] == 0x20 || text[at] == UInt8(ascii: "T") else {
                    return nil
                }
                at += 1
            case .zone:
                guard let offset = Self.zone(text, &at) else { return nil }
                zone = offset
                result.hasZone = true
            case .unix(let divisor): return unix(text, at, divisor)
            }
        }
        result.seconds =
            Int64(CivilTime.days(year: year, month: month, day: day)) * 86_400 + clock - zone
        result.end = at
        return result
    }

    /// Comma and dot before a fraction stand for each other.
    private static func alike(_ a: UInt8, _ b: UInt8) -> Bool {
        if a == b { return true }
        let marks: (UInt8, UInt8) = (min(a, b), max(a, b))
        return marks == (UInt8(ascii: ","), UInt8(ascii: "."))
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

    private static func monthName(_ text: UnsafeRawBufferPointer, _ at: Int) -> Int? {
        guard at + 3 <= text.count else { return nil }
        let name = text[at..<at + 3].map { $0 | 0x20 }
        return months.firstIndex { $0 == name }.map { $0 + 1 }
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
        var digits: [Int64] = []
        while at < text.count, digits.count < 4 {
            if text[at] == UInt8(ascii: ":"), digits.count == 2 {
                at += 1
                continue
            }
            guard text[at] >= 48, text[at] <= 57 else { break }
            digits.append(Int64(text[at] - 48))
            at += 1
        }
        guard digits.count == 4 || digits.count == 2 else { return nil }
        let hours = digits[0] * 10 + digits[1]
        let minutes = digits.count == 4 ? digits[2] * 10 + digits[3] : 0
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
