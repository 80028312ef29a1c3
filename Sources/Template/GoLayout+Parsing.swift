import LogModel

/// Reads times by a layout, as Go's `time.ParseInLocation` does.
extension GoLayout {
    private struct Fields {
        var year = 0
        var month = 1
        var day = 1
        var yearDay: Int?
        var hour = 0
        var minute = 0
        var second = 0
        var nanosecond = 0
        var isAfternoon = false
        var isForenoon = false
        var offset: Int?
        var zone: String?
    }

    /// Nil when the text does not follow the layout. A text without a zone is of the zone given.
    func parse(_ text: [UInt8], in zone: GoZone) -> GoTime? {
        var reader = Reader(bytes: text)
        var fields = Fields()
        for (index, element) in elements.enumerated() {
            let next = index + 1 < elements.count ? elements[index + 1] : nil
            guard Self.read(element, next, &reader, &fields) else { return nil }
        }
        guard reader.at == text.count else { return nil }
        return Self.time(fields, zone)
    }

    private static func time(_ fields: Fields, _ zone: GoZone) -> GoTime? {
        var hour = fields.hour
        if fields.isAfternoon, hour < 12 { hour += 12 }
        if fields.isForenoon, hour == 12 { hour = 0 }
        var day = CivilTime.days(year: fields.year, month: fields.month, day: fields.day)
        if let yearDay = fields.yearDay {
            guard (1...366).contains(yearDay) else { return nil }
            day = CivilTime.days(year: fields.year, month: 1, day: 1) + yearDay - 1
        } else {
            let nextMonth =
                fields.month == 12
                ? CivilTime.days(year: fields.year + 1, month: 1, day: 1)
                : CivilTime.days(year: fields.year, month: fields.month + 1, day: 1)
            guard (1...12).contains(fields.month), fields.day >= 1, day < nextMonth else {
                return nil
            }
        }
        guard hour < 24, fields.minute < 60, fields.second < 60 else { return nil }
        let local =
            Int64(day) * 86_400 + Int64(hour) * 3600 + Int64(fields.minute) * 60
            + Int64(fields.second)
        if let offset = fields.offset {
            // A time whose offset is the zone's own is a time of the zone.
            let seconds = local - Int64(offset)
            let own: GoZone =
                zone.offset(at: seconds) == offset
                ? zone : offset == 0 ? .utc : .fixed(name: fields.zone ?? "", offset: offset)
            return GoTime(seconds: seconds, nanosecond: fields.nanosecond, zone: own)
        }
        if fields.zone == "UTC" {
            return GoTime(seconds: local, nanosecond: fields.nanosecond, zone: .utc)
        }
        let seconds = zone.utc(ofLocal: local)
        if let name = fields.zone, zone.name(at: seconds) != name {
            // A name that the zone does not have is kept with no offset, as in Go.
            return GoTime(
                seconds: local, nanosecond: fields.nanosecond, zone: .fixed(name: name, offset: 0))
        }
        return GoTime(seconds: seconds, nanosecond: fields.nanosecond, zone: zone)
    }

    private struct Reader {
        let bytes: [UInt8]
        var at = 0

        var peek: UInt8? { at < bytes.count ? bytes[at] : nil }

        func isDigit(_ place: Int) -> Bool {
            place < bytes.count && (0x30...0x39).contains(bytes[place])
        }

        mutating func take(_ text: [UInt8]) -> Bool {
            guard bytes[at...].starts(with: text) else { return false }
            at += text.count
            return true
        }

        /// One digit or two; two when `fixed`.
        mutating func number(fixed: Bool) -> Int? {
            guard isDigit(at) else { return nil }
            let two = isDigit(at + 1)
            if !two && fixed { return nil }
            return digits(two ? 2 : 1)
        }

        mutating func digits(_ count: Int) -> Int? {
            var value = 0
            for _ in 0..<count {
                guard isDigit(at) else { return nil }
                value = value * 10 + Int(bytes[at] - 0x30)
                at += 1
            }
            return value
        }

        /// The place in a list of names, in any case, whole or by the first three letters.
        mutating func name(_ names: [String], short: Bool) -> Int? {
            for (index, name) in names.enumerated() {
                let wanted = Array((short ? String(name.prefix(3)) : name).lowercased().utf8)
                guard at + wanted.count <= bytes.count else { continue }
                let here = bytes[at..<at + wanted.count].map { $0 | 0x20 }
                if here == wanted {
                    at += wanted.count
                    return index
                }
            }
            return nil
        }

        mutating func skipSpaces() { while peek == 0x20 { at += 1 } }
    }

    private static func read(
        _ element: Element, _ next: Element?, _ reader: inout Reader, _ fields: inout Fields
    ) -> Bool {
        func set(_ value: Int?, _ path: WritableKeyPath<Fields, Int>) -> Bool {
            guard let value else { return false }
            fields[keyPath: path] = value
            return true
        }
        switch element {
        case .literal(let bytes): return reader.take(bytes)
        case .longMonth:
            return set(reader.name(months, short: false).map { $0 + 1 }, \.month)
        case .month: return set(reader.name(months, short: true).map { $0 + 1 }, \.month)
        case .numericMonth, .zeroMonth:
            return set(reader.number(fixed: element == .zeroMonth), \.month)
        case .longWeekday: return reader.name(weekdays, short: false) != nil
        case .weekday: return reader.name(weekdays, short: true) != nil
        case .day, .underDay, .zeroDay:
            if element == .underDay { reader.skipSpaces() }
            return set(reader.number(fixed: element == .zeroDay), \.day)
        case .underYearDay, .zeroYearDay:
            reader.skipSpaces()
            fields.yearDay = reader.digits(3)
            return fields.yearDay != nil
        case .hour: return set(reader.number(fixed: false), \.hour)
        case .hour12, .zeroHour12:
            return set(reader.number(fixed: element == .zeroHour12), \.hour)
        case .minute, .zeroMinute:
            return set(reader.number(fixed: element == .zeroMinute), \.minute)
        case .second, .zeroSecond:
            guard set(reader.number(fixed: element == .zeroSecond), \.second) else { return false }
            // A fraction may follow even where the layout has none.
            if case .fraction = next { return true }
            if reader.peek == UInt8(ascii: ".") || reader.peek == UInt8(ascii: ","),
                reader.isDigit(reader.at + 1)
            {
                reader.at += 1
                fields.nanosecond = fraction(&reader)
            }
            return true
        case .longYear: return set(reader.digits(4), \.year)
        case .year: return set(reader.digits(2).map { $0 >= 69 ? $0 + 1900 : $0 + 2000 }, \.year)
        case .upperPM, .lowerPM:
            let isUpper = element == .upperPM
            if reader.take(Array((isUpper ? "PM" : "pm").utf8)) {
                fields.isAfternoon = true
            } else if reader.take(Array((isUpper ? "AM" : "am").utf8)) {
                fields.isForenoon = true
            } else {
                return false
            }
            return true
        case .zoneName: return zoneName(&reader, &fields)
        case .offset(let zulu, let colon, let minutes, let seconds):
            return offset(&reader, &fields, zulu, colon, minutes, seconds)
        case .fraction(let digits, let separator, let trims):
            return fraction(&reader, &fields, digits, separator, trims)
        }
    }

    /// Digits of a second, to nine; more are passed over.
    private static func fraction(_ reader: inout Reader) -> Int {
        var value = 0
        var count = 0
        while reader.isDigit(reader.at) {
            if count < 9 {
                value = value * 10 + Int(reader.bytes[reader.at] - 0x30)
                count += 1
            }
            reader.at += 1
        }
        while count < 9 {
            value *= 10
            count += 1
        }
        return value
    }

    private static func fraction(
        _ reader: inout Reader, _ fields: inout Fields, _ digits: Int, _ separator: UInt8,
        _ trims: Bool
    ) -> Bool {
        let isThere =
            (reader.peek == UInt8(ascii: ".") || reader.peek == UInt8(ascii: ","))
            && reader.isDigit(reader.at + 1)
        if trims, !isThere { return true }
        guard isThere else { return false }
        let start = reader.at + 1
        reader.at = start
        fields.nanosecond = fraction(&reader)
        return trims || reader.at - start == digits
    }

    private static func zoneName(_ reader: inout Reader, _ fields: inout Fields) -> Bool {
        let start = reader.at
        while let byte = reader.peek, (0x41...0x5a).contains(byte) { reader.at += 1 }
        if reader.at == start {
            // `+09` stands for a zone without a name.
            guard reader.peek == UInt8(ascii: "+") || reader.peek == UInt8(ascii: "-") else {
                return false
            }
            return offset(&reader, &fields, false, false, false, false)
        }
        guard (3...5).contains(reader.at - start) else { return false }
        fields.zone = String(decoding: reader.bytes[start..<reader.at], as: UTF8.self)
        return true
    }

    private static func offset(
        _ reader: inout Reader, _ fields: inout Fields, _ zulu: Bool, _ colon: Bool,
        _ minutes: Bool,
        _ seconds: Bool
    ) -> Bool {
        if zulu, reader.take([UInt8(ascii: "Z")]) {
            fields.offset = 0
            return true
        }
        guard let sign = reader.peek, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") else {
            return false
        }
        reader.at += 1
        guard let hours = reader.digits(2) else { return false }
        var span = hours * 3600
        for unit in [minutes ? 60 : 0, seconds ? 1 : 0] where unit > 0 {
            if colon, !reader.take([UInt8(ascii: ":")]) { return false }
            guard let value = reader.digits(2) else { return false }
            span += value * unit
        }
        fields.offset = sign == UInt8(ascii: "-") ? -span : span
        return true
    }
}
