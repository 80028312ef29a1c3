import Bytes
import LogModel

/// Lines that are JSON objects: Logstash's encoder, ECS and GELF of Spring Boot, Logback's own, pino
/// and the like. Time and level come from the usual keys.
extension LayoutRule {
    private static let times = ["@timestamp", "timestamp", "time", "ts"]
    private static let levels = ["level", "log.level", "severity", "lvl", "_level_name"]
    private static let log = Array("log".utf8)
    private static let level = Array("level".utf8)
    private static let maxLevelBytes = 16

    /// Nil for a piece of JSON inside a message: it has neither time nor level, and the source has
    /// shown headers that do, or it is no complete object. With a configured format and no key, an object
    /// without a stamp of that format begins no event, as a text without one.
    func jsonHeader(_ line: UnsafeRawBufferPointer, wantsLevel: Bool) -> EventHeader? {
        var reader = JSONReader(line, maxNesting: Limits.maxNesting)
        var header = EventHeader(timestamp: nil, level: nil)
        var number: String?
        var stray: ParsedTimestamp?
        var isComplete = false
        guard (try? reader.next()) == .objectStart else { return nil }
        while header.timestamp == nil || header.level == nil {
            guard let token = try? reader.next() else { break }
            guard case .key(let key, _) = token else {
                isComplete = true
                break
            }
            guard let range = try? reader.skipValue() else { break }
            let name = line[key]
            let value = UnsafeRawBufferPointer(rebasing: line[range])
            if header.timestamp == nil {
                let named = Self.value(name, value, under: keys.time, or: Self.times)
                header.timestamp = named.flatMap(stamp)
                if keys.time == nil, header.timestamp == nil, let format, stray == nil {
                    stray = Self.unquoted(value).flatMap { format.parse($0, at: 0) }
                }
            }
            if let named = Self.value(name, value, under: keys.level, or: Self.levels) {
                Self.take(named, into: &header.level, &number)
            } else if keys.level == nil, name.elementsEqual(Self.log),
                // ECS nests: {"log":{"level":"INFO"}}.
                let inner = Self.member(Self.level, of: value)
            {
                Self.take(inner, into: &header.level, &number)
            }
        }
        // A number is a level where no name is: GELF and pino.
        if header.level == nil { header.level = number }
        // A stamp under a key that nobody named, where the usual keys have none.
        if header.timestamp == nil { header.timestamp = stray }
        if header.timestamp != nil { return header }
        // Where an encoder or a key is configured, every object is an event, whatever its stamp is.
        if isComplete, json != nil || keys.time != nil { return header }
        if format != nil { return nil }
        return header.level != nil || isComplete && !wantsLevel ? header : nil
    }

    private func stamp(_ value: UnsafeRawBufferPointer) -> ParsedTimestamp? {
        let text = Self.unquoted(value) ?? value
        if let format { return format.parse(text, at: 0) }
        return Self.isoStamp(text, at: 0) ?? Self.unixStamp(text)
    }

    /// The value of a member that is meant: the configured key, also of an object in the object as
    /// `log.level`, or one of the usual keys.
    private static func value(
        _ name: Slice<UnsafeRawBufferPointer>, _ value: UnsafeRawBufferPointer,
        under key: String?, or usual: [String]
    ) -> UnsafeRawBufferPointer? {
        guard let key else {
            return usual.contains { name.elementsEqual($0.utf8) } ? value : nil
        }
        if name.elementsEqual(key.utf8) { return value }
        guard let dot = key.utf8.firstIndex(of: UInt8(ascii: ".")),
            name.elementsEqual(key.utf8[..<dot])
        else { return nil }
        return member(Array(key.utf8[key.utf8.index(after: dot)...]), of: value)
    }

    private static func take(
        _ value: UnsafeRawBufferPointer, into level: inout String?, _ number: inout String?
    ) {
        if let text = unquoted(value) {
            if text.count <= maxLevelBytes, !text.isEmpty {
                level = level ?? String(decoding: text, as: UTF8.self)
            }
        } else if let first = value.first, (48...57).contains(first), value.count <= maxLevelBytes {
            number = number ?? String(decoding: value, as: UTF8.self)
        }
    }

    private static func unquoted(_ value: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        guard value.count >= 2, value.first == UInt8(ascii: "\"") else { return nil }
        return UnsafeRawBufferPointer(rebasing: value[1..<value.count - 1])
    }

    private static func member(
        _ name: [UInt8], of object: UnsafeRawBufferPointer
    ) -> UnsafeRawBufferPointer? {
        var reader = JSONReader(object, maxNesting: Limits.maxNesting)
        guard (try? reader.next()) == .objectStart else { return nil }
        while case .key(let key, _)? = try? reader.next() {
            guard let range = try? reader.skipValue() else { return nil }
            if name.elementsEqual(object[key]) {
                return UnsafeRawBufferPointer(rebasing: object[range])
            }
        }
        return nil
    }

    private static let unixSeconds = TimestampFormat("UNIX")

    /// Seconds with or without a fraction; milli-, micro- and nanoseconds by their digits.
    private static func unixStamp(_ text: UnsafeRawBufferPointer) -> ParsedTimestamp? {
        guard (12...19).contains(text.count),
            let value = Int64(String(decoding: text, as: UTF8.self)),
            value > 0
        else { return unixSeconds?.parse(text, at: 0) }
        let perSecond: Int64 =
            switch text.count {
            case 12...14: 1000
            case 15...17: 1_000_000
            default: 1_000_000_000
            }
        let unit = Nanoseconds.second / perSecond
        return ParsedTimestamp(
            seconds: value / perSecond, nanoseconds: value % perSecond * unit, precision: unit,
            hasZone: true, end: text.count)
    }
}
