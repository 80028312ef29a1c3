import LogModel
import Synchronization

/// What the short name of a zone in a stamp means: `KST`, `GMT+9`, `UTC-03:30`, `Asia/Seoul`.
enum ZoneName {
    /// In hours east of UTC, of names that mean one zone everywhere. `CST`, `IST` and `BST` each mean several:
    /// such stamps are of the zone that the source is configured with.
    private static let hours: [String: Double] = [
        "WET": 0, "WEST": 1, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3, "MSK": 3, "SAST": 2,
        "ICT": 7, "WIB": 7, "WITA": 8, "WIT": 9, "HKT": 8, "SGT": 8, "KST": 9, "JST": 9,
        "AWST": 8, "ACST": 9.5, "ACDT": 10.5, "AEST": 10, "AEDT": 11, "NZST": 12, "NZDT": 13,
        "EST": -5, "EDT": -4, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7, "AKST": -9,
        "AKDT": -8, "HST": -10, "BRT": -3,
    ]
    /// Places that were met; nil of those that this machine does not know.
    private static let places = Mutex<[String: ZoneRule?]>([:])
    /// More in one process are no places.
    private static let mostPlaces = 64

    /// Seconds east of UTC at a local time in seconds since the epoch; nil for a name that is not known.
    static func offset(of name: Slice<UnsafeRawBufferPointer>, atLocal seconds: Int64) -> Int64? {
        let text = String(decoding: name, as: UTF8.self)
        if let hours = hours[text] { return Int64(hours * 3600) }
        for prefix in ["GMT", "UTC", "UT"] where text.hasPrefix(prefix) {
            return distance(text.dropFirst(prefix.count))
        }
        guard text.contains("/") else { return nil }
        let rule = places.withLock { places -> ZoneRule? in
            if let known = places[text] { return known }
            guard places.count < mostPlaces else { return nil }
            let rule = ZoneRule(text)
            places[text] = .some(rule)
            return rule
        }
        return rule?.offset(atLocal: seconds)
    }

    /// `+9`, `-03:30`, `+09:00:00`.
    private static func distance(_ text: Substring) -> Int64? {
        guard let sign = text.first, sign == "+" || sign == "-" else { return nil }
        let parts = text.dropFirst().split(separator: ":", omittingEmptySubsequences: false)
        guard (1...3).contains(parts.count),
            parts.allSatisfy({ (1...2).contains($0.count) && $0.allSatisfy(\.isNumber) })
        else { return nil }
        let numbers = parts.compactMap { Int64($0) }
        guard numbers.count == parts.count, numbers[0] <= 18,
            numbers.dropFirst().allSatisfy({ $0 < 60 })
        else { return nil }
        let seconds = zip(numbers, [3600, 60, 1]).reduce(0) { $0 + $1.0 * $1.1 }
        return sign == "-" ? -seconds : seconds
    }
}

// Where names end: what follows them in a line is the layout's.
extension ZoneName {
    static func isLetter(_ byte: UInt8) -> Bool {
        (65...90).contains(byte) || (97...122).contains(byte) || byte >= 0x80
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (48...57).contains(byte) }

    /// Behind a name of letters, a place or a distance from UTC that begins at an offset; nil for none.
    static func end(in text: UnsafeRawBufferPointer, from start: Int) -> Int? {
        var at = start
        while at < text.count, isLetter(text[at]) { at += 1 }
        if at == start { return distanceEnd(in: text, from: start) }
        if at + 1 < text.count, text[at] == UInt8(ascii: "/"), isLetter(text[at + 1]) {
            return wordEnd(in: text, from: start)
        }
        let isUTC = ["GMT", "UTC", "UT"].contains { text[start..<at].elementsEqual($0.utf8) }
        return isUTC ? distanceEnd(in: text, from: at) ?? at : at
    }

    /// Behind letters, digits and the marks between them: `America/Port-au-Prince`, `Etc/GMT+9`.
    static func wordEnd(in text: UnsafeRawBufferPointer, from start: Int) -> Int? {
        var end = start
        for at in start..<text.count {
            if isLetter(text[at]) || isDigit(text[at]) {
                end = at + 1
            } else if !"/_+-".utf8.contains(text[at]) {
                break
            }
        }
        return end > start ? end : nil
    }

    /// `+9`, `-03:30`, `+09:00:00`, `+0900`.
    private static func distanceEnd(in text: UnsafeRawBufferPointer, from start: Int) -> Int? {
        guard start < text.count, "+-".utf8.contains(text[start]) else { return nil }
        var at = start + 1
        while at < text.count, at - start <= 4, isDigit(text[at]) { at += 1 }
        guard at > start + 1 else { return nil }
        for _ in 0..<2 where at + 2 < text.count && text[at] == UInt8(ascii: ":") {
            guard isDigit(text[at + 1]), isDigit(text[at + 2]) else { break }
            at += 3
        }
        return at
    }
}
