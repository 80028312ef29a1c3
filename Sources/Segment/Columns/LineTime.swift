import LogModel

/// A moment as it is written inside a line, in one of three styles:
/// `2026-11-21T08:00:00.123+09:00`, `2026-11-21 08:00:00,123`, `21/Nov/2026:08:00:00 +0900`.
/// Its value is the local time in units of its last digit, as if it were UTC.
struct LineTime {
    struct Style: Equatable {
        var form: Form
        /// Digits behind the second, 0...9, and the mark before them.
        var digits: Int
        var mark: UInt8
        /// `Z`, `+09:00`, ` +0900` or nothing, first byte lowest.
        var zone: UInt64
        var zoneSize: Int
    }

    enum Form: UInt8 { case letterT = 0, space = 1, slashes = 2 }

    static let longest = 48

    var style: Style
    var local: Int64
    /// Bytes it takes in the line.
    var size: Int

    private static let powers: [Int64] = [
        1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000,
    ]

    /// The time that begins at `at`, if one does: only what `render` writes back as it was.
    static func scan(_ at: UnsafePointer<UInt8>, limit: Int) -> LineTime? {
        guard limit >= 19 else { return nil }
        return at[2] == UInt8(ascii: "/")
            ? scanSlashes(at, limit: limit) : scanISO(at, limit: limit)
    }

    @inline(__always)
    private static func digit(_ byte: UInt8) -> Int { Int(byte &- 48) }

    /// Two digits, or something above 99.
    @inline(__always)
    private static func pair(_ at: UnsafePointer<UInt8>) -> Int {
        let high = digit(at[0])
        let low = digit(at[1])
        return high > 9 || low > 9 ? 1000 : high * 10 + low
    }

    private static func scanISO(_ at: UnsafePointer<UInt8>, limit: Int) -> LineTime? {
        let dash = UInt8(ascii: "-")
        guard at[4] == dash, at[7] == dash else { return nil }
        let form: Form
        switch at[10] {
        case UInt8(ascii: "T"): form = .letterT
        case UInt8(ascii: " "): form = .space
        default: return nil
        }
        let year = pair(at) * 100 + pair(at + 2)
        guard let seconds = seconds(year, pair(at + 5), pair(at + 8), clock: at + 11) else {
            return nil
        }
        var size = 19
        var local = seconds
        var style = Style(form: form, digits: 0, mark: 0, zone: 0, zoneSize: 0)
        if size + 1 < limit, at[size] == UInt8(ascii: ".") || at[size] == UInt8(ascii: ",") {
            var count = 0
            while count < 9, size + 1 + count < limit, digit(at[size + 1 + count]) <= 9 {
                local = local * 10 + Int64(digit(at[size + 1 + count]))
                count += 1
            }
            if count > 0 {
                style.digits = count
                style.mark = at[size]
                size += 1 + count
            }
        }
        style.zoneSize = zoneSize(at + size, limit: limit - size)
        for index in 0..<style.zoneSize {
            style.zone |= UInt64(at[size + index]) << UInt64(index * 8)
        }
        size += style.zoneSize
        guard size == limit || !CutClass.isToken(at[size]) else { return nil }
        return LineTime(style: style, local: local, size: size)
    }

    private static func scanSlashes(_ at: UnsafePointer<UInt8>, limit: Int) -> LineTime? {
        guard limit >= 20, at[6] == UInt8(ascii: "/"), at[11] == UInt8(ascii: ":") else {
            return nil
        }
        let year = pair(at + 7) * 100 + pair(at + 9)
        guard let month = months.firstIndex(of: name(at + 3)),
            let seconds = seconds(year, month + 1, pair(at), clock: at + 12)
        else { return nil }
        var style = Style(form: .slashes, digits: 0, mark: 0, zone: 0, zoneSize: 0)
        var size = 20
        if size < limit, at[size] == UInt8(ascii: " ") {
            let zone = zoneSize(at + size + 1, limit: limit - size - 1)
            if zone > 0 {
                style.zoneSize = zone + 1
                for index in 0...zone {
                    style.zone |= UInt64(at[size + index]) << UInt64(index * 8)
                }
                size += zone + 1
            }
        }
        guard size == limit || !CutClass.isToken(at[size]) else { return nil }
        return LineTime(style: style, local: seconds, size: size)
    }

    private static func name(_ at: UnsafePointer<UInt8>) -> UInt32 {
        UInt32(at[0]) | UInt32(at[1]) << 8 | UInt32(at[2]) << 16
    }

    private static let months: [UInt32] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ].map { text in Array(text.utf8).reversed().reduce(0) { $0 << 8 | UInt32($1) } }

    private static func zoneSize(_ at: UnsafePointer<UInt8>, limit: Int) -> Int {
        guard limit > 0 else { return 0 }
        if at[0] == UInt8(ascii: "Z") { return 1 }
        guard at[0] == UInt8(ascii: "+") || at[0] == UInt8(ascii: "-"), limit >= 5,
            pair(at + 1) < 100
        else { return 0 }
        if at[3] == UInt8(ascii: ":") { return limit >= 6 && pair(at + 4) < 100 ? 6 : 0 }
        return pair(at + 3) < 100 ? 5 : 0
    }

    /// `hh:mm:ss` and a date, in years whose nanoseconds Int64 can hold.
    @inline(__always)
    private static func seconds(
        _ year: Int, _ month: Int, _ day: Int, clock: UnsafePointer<UInt8>
    ) -> Int64? {
        let hour = pair(clock)
        let minute = pair(clock + 3)
        let second = pair(clock + 6)
        guard year >= 1700, year < 2200, month >= 1, month <= 12, day >= 1, day <= 31, hour < 24,
            minute < 60, second < 60, clock[2] == UInt8(ascii: ":"), clock[5] == UInt8(ascii: ":"),
            day <= 28 || day <= daysIn(month, year)
        else { return nil }
        let days = CivilTime.days(year: year, month: month, day: day)
        return Int64(((days * 24 + hour) * 60 + minute) * 60 + second)
    }

    private static func daysIn(_ month: Int, _ year: Int) -> Int {
        switch month {
        case 4, 6, 9, 11: 30
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        default: 31
        }
    }

    /// An entry's timestamp in the units of the style.
    @inline(__always)
    static func units(_ timestamp: Int64, digits: Int) -> Int64 {
        let unit = powers[9 - digits]
        let whole = timestamp / unit
        return timestamp % unit < 0 ? whole - 1 : whole
    }
}

/// A time that was read, for those after it, which mostly differ in the digits behind their second
/// alone.
struct KnownSecond {
    private let at: UnsafePointer<UInt8>
    private let local: Int64
    private let digits: Int
    /// Bytes in front of these digits, and where the zone begins.
    private let head: Int
    private let zone: Int
    private let zoneSize: Int

    init(_ time: LineTime, _ at: UnsafePointer<UInt8>) {
        self.at = at
        digits = time.style.digits
        zoneSize = time.style.zoneSize
        zone = time.size - zoneSize
        head = zone - digits
        var unit: Int64 = 1
        for _ in 0..<digits { unit *= 10 }
        local = (time.local >= 0 ? time.local / unit : (time.local - unit + 1) / unit) * unit
    }

    /// The time at `other`, which takes as many bytes and has `Values.slack` behind it; nil when it
    /// is not of the same second and style.
    @inline(__always)
    func local(_ other: UnsafePointer<UInt8>) -> Int64? {
        guard ByteRun.equal(at, other, head), ByteRun.equal(at + zone, other + zone, zoneSize)
        else { return nil }
        var rest: Int64 = 0
        for place in head..<zone {
            let digit = other[place] &- 48
            if digit > 9 { return nil }
            rest = rest * 10 + Int64(digit)
        }
        return local + rest
    }
}

/// Writes times of one style; neighbours mostly share their second, so that is kept as written.
struct TimeRenderer {
    let style: LineTime.Style
    private let perSecond: Int64
    private var knownSecond = Int64.min
    private var known: (UInt64, UInt64, UInt64) = (0, 0, 0)

    init(_ style: LineTime.Style) {
        self.style = style
        perSecond = LineTime.units(Nanoseconds.second, digits: style.digits)
    }

    var size: Int {
        (style.form == .slashes ? 20 : 19) + (style.digits > 0 ? style.digits + 1 : 0)
            + style.zoneSize
    }

    /// Needs `LineTime.longest` bytes of room. Years outside four digits come out as nonsense of
    /// the same size: only damage leads there.
    @inline(__always)
    mutating func write(_ local: Int64, to out: UnsafeMutablePointer<UInt8>) {
        var second = local / perSecond
        var rest = local % perSecond
        if rest < 0 {
            rest += perSecond
            second -= 1
        }
        if second != knownSecond { renew(second) }
        let raw = UnsafeMutableRawPointer(out)
        raw.storeBytes(of: known.0, as: UInt64.self)
        raw.storeBytes(of: known.1, toByteOffset: 8, as: UInt64.self)
        raw.storeBytes(of: known.2, toByteOffset: 16, as: UInt64.self)
        var at = style.form == .slashes ? 20 : 19
        if style.digits > 0 {
            out[at] = style.mark
            for index in stride(from: style.digits, to: 0, by: -1) {
                out[at + index] = 48 + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            }
            at += style.digits + 1
        }
        raw.storeBytes(of: style.zone.littleEndian, toByteOffset: at, as: UInt64.self)
    }

    private mutating func renew(_ second: Int64) {
        knownSecond = second
        let moment = CivilTime(seconds: second, nanosecond: 0)
        withUnsafeMutableBytes(of: &known) { out in
            func put(_ value: Int, _ at: Int) {
                out[at] = 48 &+ UInt8(truncatingIfNeeded: value / 10 % 10)
                out[at + 1] = 48 &+ UInt8(truncatingIfNeeded: value % 10)
            }
            func mark(_ text: StaticString, _ at: Int) {
                for index in 0..<text.utf8CodeUnitCount { out[at + index] = text.utf8Start[index] }
            }
            let clock: Int
            if style.form == .slashes {
                put(moment.day, 0)
                mark("/", 2)
                mark(Self.months[(moment.month - 1) % 12], 3)
                mark("/", 6)
                put(moment.year / 100, 7)
                put(moment.year, 9)
                mark(":", 11)
                clock = 12
            } else {
                put(moment.year / 100, 0)
                put(moment.year, 2)
                mark("-", 4)
                put(moment.month, 5)
                mark("-", 7)
                put(moment.day, 8)
                mark(style.form == .letterT ? "T" : " ", 10)
                clock = 11
            }
            put(moment.hour, clock)
            mark(":", clock + 2)
            put(moment.minute, clock + 3)
            mark(":", clock + 5)
            put(moment.second, clock + 6)
        }
    }

    private static let months: [StaticString] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
}
