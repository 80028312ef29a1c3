import Foundation
import LogModel

/// A moment with a zone, as Go's `time.Time`.
struct GoTime: Sendable {
    /// Seconds since the epoch; nanoseconds within the second.
    var seconds: Int64
    var nanosecond: Int
    var zone: GoZone

    /// Go's zero time: January 1 of the year 1.
    static let zero = GoTime(seconds: -62_135_596_800, nanosecond: 0, zone: .utc)

    init(seconds: Int64, nanosecond: Int, zone: GoZone) {
        self.seconds = seconds
        self.nanosecond = nanosecond
        self.zone = zone
    }

    init(nanoseconds: Int64, zone: GoZone) {
        var seconds = nanoseconds / Nanoseconds.second
        var rest = nanoseconds % Nanoseconds.second
        if rest < 0 {
            rest += Nanoseconds.second
            seconds -= 1
        }
        self.init(seconds: seconds, nanosecond: Int(rest), zone: zone)
    }

    /// Nanoseconds since the epoch; wraps around beyond the years that Int64 has, as in Go.
    var nanoseconds: Int64 { seconds &* Nanoseconds.second &+ Int64(nanosecond) }

    /// What clocks of the zone show.
    var civil: CivilTime {
        CivilTime(seconds: seconds &+ Int64(zone.offset(at: seconds)), nanosecond: nanosecond)
    }

    var weekday: Int {
        let local = seconds &+ Int64(zone.offset(at: seconds))
        let days = local / 86_400 - (local % 86_400 < 0 ? 1 : 0)
        return Int(((days + 4) % 7 + 7) % 7)
    }

    var yearDay: Int {
        let date = civil
        return CivilTime.days(year: date.year, month: date.month, day: date.day)
            - CivilTime.days(year: date.year, month: 1, day: 1) + 1
    }

    /// `2026-11-01 00:00:00.5 +0000 UTC`
    var description: String { GoLayout("2006-01-02 15:04:05.999999999 -0700 MST").text(self) }

    /// The methods that templates may call.
    func call(_ name: String, _ arguments: [TemplateValue]) throws(TemplateError) -> TemplateValue {
        if name == "Format" {
            guard arguments.count == 1, case .text(let layout) = arguments[0] else {
                throw TemplateError("Format wants a layout")
            }
            return .text(GoLayout(String(decoding: layout, as: UTF8.self)).text(self))
        }
        guard arguments.isEmpty else {
            throw TemplateError("wrong number of args for \(name): want 0 got \(arguments.count)")
        }
        let date = civil
        switch name {
        case "Unix": return .int64(seconds)
        case "UnixMilli": return .int64(seconds &* 1000 &+ Int64(nanosecond / 1_000_000))
        case "UnixMicro": return .int64(seconds &* 1_000_000 &+ Int64(nanosecond / 1000))
        case "UnixNano": return .int64(nanoseconds)
        case "Year": return .int(date.year)
        case "Month": return .text(GoLayout.months[date.month - 1])
        case "Day": return .int(date.day)
        case "Hour": return .int(date.hour)
        case "Minute": return .int(date.minute)
        case "Second": return .int(date.second)
        case "Nanosecond": return .int(nanosecond)
        case "Weekday": return .text(GoLayout.weekdays[weekday])
        case "YearDay": return .int(yearDay)
        case "IsZero": return .bool(seconds == Self.zero.seconds && nanosecond == 0)
        case "String": return .text(description)
        case "UTC": return .time(GoTime(seconds: seconds, nanosecond: nanosecond, zone: .utc))
        case "Local": return .time(GoTime(seconds: seconds, nanosecond: nanosecond, zone: .local))
        default: throw TemplateError("can't evaluate field \(name) in type time.Time")
        }
    }
}

/// A time zone: a fixed offset, or a place with its history.
enum GoZone: Sendable {
    case utc
    case fixed(name: String, offset: Int)
    case place(TimeZone)

    static var local: GoZone { .place(.current) }

    /// `time.LoadLocation`: nil for a name that this machine does not know.
    static func named(_ name: String) -> GoZone? {
        if name.isEmpty || name == "UTC" { return .utc }
        if name == "Local" { return .local }
        return TimeZone(identifier: name).map { .place($0) }
    }

    /// Seconds east of Greenwich.
    func offset(at seconds: Int64) -> Int {
        switch self {
        case .utc: 0
        case .fixed(_, let offset): offset
        case .place(let zone): zone.secondsFromGMT(for: Self.date(seconds))
        }
    }

    /// Within ten thousand years around now: rules of zones mean nothing beyond.
    private static func date(_ seconds: Int64) -> Date {
        Date(timeIntervalSince1970: Double(min(max(seconds, -300_000_000_000), 300_000_000_000)))
    }

    /// Seconds since the epoch of what clocks of the zone show as `local` seconds.
    func utc(ofLocal local: Int64) -> Int64 {
        let first = local &- Int64(offset(at: local))
        return local &- Int64(offset(at: first))
    }

    func name(at seconds: Int64) -> String {
        switch self {
        case .utc: return "UTC"
        case .fixed(let name, let offset):
            return name.isEmpty ? GoLayout.offsetText(offset, colon: false) : name
        case .place(let zone):
            // C's library knows the names of the zone that the process runs in, as its users write
            // them; elsewhere an offset says more than a made-up name.
            var time = time_t(seconds)
            var parts = tm()
            if zone == TimeZone.current, localtime_r(&time, &parts) != nil, let name = parts.tm_zone
            {
                return String(cString: name)
            }
            let name = zone.abbreviation(for: Self.date(seconds)) ?? ""
            if name == "GMT", zone.identifier.hasSuffix("UTC") { return "UTC" }
            return name.hasPrefix("GMT") && name.count > 3
                ? GoLayout.offsetText(offset(at: seconds), colon: false) : name
        }
    }
}
