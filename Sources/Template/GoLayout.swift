import LogModel

/// Go's layouts of time: the reference moment written as the others shall be, `2006-01-02 15:04:05`.
struct GoLayout {
    enum Element: Equatable {
        case literal([UInt8])
        case longMonth, month, numericMonth, zeroMonth
        case longWeekday, weekday
        case day, underDay, zeroDay, underYearDay, zeroYearDay
        case hour, hour12, zeroHour12
        case minute, zeroMinute, second, zeroSecond
        case longYear, year
        case upperPM, lowerPM
        case zoneName
        /// `-07:00`, `Z07:00` and the like.
        case offset(zulu: Bool, colon: Bool, minutes: Bool, seconds: Bool)
        /// `.000` and `.999`; the latter leaves trailing zeros out.
        case fraction(digits: Int, separator: UInt8, trims: Bool)
    }

    static let months = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September",
        "October", "November", "December",
    ]
    static let weekdays = [
        "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday",
    ]

    let elements: [Element]

    init(_ layout: String) {
        let bytes = Array(layout.utf8)
        var elements: [Element] = []
        var literal: [UInt8] = []
        var at = 0
        while at < bytes.count {
            if let (element, length) = Self.element(bytes, at) {
                if !literal.isEmpty { elements.append(.literal(literal)) }
                literal = []
                elements.append(element)
                at += length
            } else {
                literal.append(bytes[at])
                at += 1
            }
        }
        if !literal.isEmpty { elements.append(.literal(literal)) }
        self.elements = elements
    }

    /// In the order in which they are tried: longer ones before their beginnings.
    private static let words: [(text: [UInt8], element: Element)] =
        ([
            ("January", .longMonth), ("Monday", .longWeekday), ("MST", .zoneName),
            ("01", .zeroMonth), ("002", .zeroYearDay), ("02", .zeroDay), ("03", .zeroHour12),
            ("04", .zeroMinute), ("05", .zeroSecond), ("06", .year), ("15", .hour),
            ("1", .numericMonth), ("2006", .longYear), ("2", .day), ("__2", .underYearDay),
            ("_2", .underDay), ("3", .hour12), ("4", .minute), ("5", .second), ("PM", .upperPM),
            ("pm", .lowerPM), ("-07:00:00", offset(false, true, true, true)),
            ("-07:00", offset(false, true, true, false)),
            ("-070000", offset(false, false, true, true)),
            ("-0700", offset(false, false, true, false)),
            ("-07", offset(false, false, false, false)),
            ("Z07:00:00", offset(true, true, true, true)),
            ("Z07:00", offset(true, true, true, false)),
            ("Z070000", offset(true, false, true, true)),
            ("Z0700", offset(true, false, true, false)), ("Z07", offset(true, false, false, false)),
        ] as [(String, Element)]).map { (Array($0.0.utf8), $0.1) }

    private static func offset(
        _ zulu: Bool, _ colon: Bool, _ minutes: Bool, _ seconds: Bool
    ) -> Element { .offset(zulu: zulu, colon: colon, minutes: minutes, seconds: seconds) }

    private static func element(_ bytes: [UInt8], _ at: Int) -> (Element, Int)? {
        let rest = bytes[at...]
        // `_2006` is a blank before a year.
        if rest.starts(with: Array("_2006".utf8)) { return nil }
        for (text, element) in words where rest.starts(with: text) { return (element, text.count) }
        for (text, element) in [("Jan", Element.month), ("Mon", .weekday)]
        where rest.starts(with: Array(text.utf8)) {
            let next = at + 3
            if next < bytes.count, (0x61...0x7a).contains(bytes[next]) { continue }
            return (element, 3)
        }
        guard bytes[at] == UInt8(ascii: ".") || bytes[at] == UInt8(ascii: ","),
            at + 1 < bytes.count,
            bytes[at + 1] == UInt8(ascii: "0") || bytes[at + 1] == UInt8(ascii: "9")
        else { return nil }
        var end = at + 1
        while end < bytes.count, bytes[end] == bytes[at + 1] { end += 1 }
        if end < bytes.count, (0x30...0x39).contains(bytes[end]) { return nil }
        return (
            .fraction(
                digits: end - at - 1, separator: bytes[at],
                trims: bytes[at + 1] == UInt8(ascii: "9")), end - at
        )
    }

    func text(_ time: GoTime) -> String {
        var out: [UInt8] = []
        let date = time.civil
        for element in elements { Self.append(element, time, date, to: &out) }
        return String(decoding: out, as: UTF8.self)
    }

    private static func pad(_ value: Int, _ width: Int = 2, with fill: Character = "0") -> String {
        let text = String(abs(value))
        return (value < 0 ? "-" : "")
            + String(repeating: fill, count: max(0, width - text.count)) + text
    }

    private static func append(
        _ element: Element, _ time: GoTime, _ date: CivilTime, to out: inout [UInt8]
    ) {
        let hour12 = date.hour % 12 == 0 ? 12 : date.hour % 12
        let text: String
        switch element {
        case .literal(let bytes):
            out += bytes
            return
        case .longMonth: text = months[date.month - 1]
        case .month: text = String(months[date.month - 1].prefix(3))
        case .numericMonth: text = String(date.month)
        case .zeroMonth: text = pad(date.month)
        case .longWeekday: text = weekdays[time.weekday]
        case .weekday: text = String(weekdays[time.weekday].prefix(3))
        case .day: text = String(date.day)
        case .underDay: text = pad(date.day, with: " ")
        case .zeroDay: text = pad(date.day)
        case .underYearDay: text = pad(time.yearDay, 3, with: " ")
        case .zeroYearDay: text = pad(time.yearDay, 3)
        case .hour: text = pad(date.hour)
        case .hour12: text = String(hour12)
        case .zeroHour12: text = pad(hour12)
        case .minute: text = String(date.minute)
        case .zeroMinute: text = pad(date.minute)
        case .second: text = String(date.second)
        case .zeroSecond: text = pad(date.second)
        case .longYear: text = pad(date.year, 4)
        case .year: text = pad(((date.year % 100) + 100) % 100)
        case .upperPM: text = date.hour >= 12 ? "PM" : "AM"
        case .lowerPM: text = date.hour >= 12 ? "pm" : "am"
        case .zoneName: text = time.zone.name(at: time.seconds)
        case .offset(let zulu, let colon, let minutes, let seconds):
            let offset = time.zone.offset(at: time.seconds)
            text =
                zulu && offset == 0
                ? "Z" : offsetText(offset, colon: colon, minutes: minutes, seconds: seconds)
        case .fraction(let digits, let separator, let trims):
            var fraction = Substring(pad(time.nanosecond, 9).prefix(digits))
            while trims, fraction.last == "0" { fraction = fraction.dropLast() }
            text = fraction.isEmpty ? "" : String(UnicodeScalar(separator)) + fraction
        }
        out += text.utf8
    }

    /// `+0900`, `+09:00`, `+09`.
    static func offsetText(
        _ offset: Int, colon: Bool, minutes: Bool = true, seconds: Bool = false
    ) -> String {
        let span = abs(offset)
        var text = (offset < 0 ? "-" : "+") + pad(span / 3600)
        if minutes { text += (colon ? ":" : "") + pad(span / 60 % 60) }
        if seconds { text += (colon ? ":" : "") + pad(span % 60) }
        return text
    }
}
