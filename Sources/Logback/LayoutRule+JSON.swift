import Bytes
import LogModel

/// Lines that are JSON objects: Logstash's encoder, ECS and GELF of Spring Boot, Logback's own, pino
/// and the like. Time and level come from the usual keys.
extension LayoutRule {
    private static let times = ["@timestamp", "timestamp", "time", "ts"].map { Array($0.utf8) }
    private static let levels = ["level", "log.level", "severity", "lvl", "_level_name"]
        .map { Array($0.utf8) }
    private static let log = Array("log".utf8)
    private static let level = Array("level".utf8)
    private static let maxLevelBytes = 16

    /// Nil for a piece of JSON inside a message: it has neither time nor level, and the source has
    /// shown headers that do, or it is no complete object.
    static func jsonHeader(_ line: UnsafeRawBufferPointer, wantsLevel: Bool) -> EventHeader? {
        var reader = JSONReader(line, maxNesting: Limits.maxNesting)
        var header = EventHeader(timestamp: nil, level: nil)
        var number: String?
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
            if times.contains(where: { $0.elementsEqual(name) }), header.timestamp == nil {
                let text = unquoted(value) ?? value
                header.timestamp = isoStamp(text, at: 0) ?? unixStamp(text)
            } else if levels.contains(where: { $0.elementsEqual(name) }) {
                take(value, into: &header.level, &number)
            } else if name.elementsEqual(log) {
                // ECS nests: {"log":{"level":"INFO"}}.
                if let inner = member(level, of: value) {
                    take(inner, into: &header.level, &number)
                }
            }
        }
        // A number is a level where no name is: GELF and pino.
        if header.level == nil { header.level = number }
        if header.timestamp != nil || header.level != nil { return header }
        return isComplete && !wantsLevel ? header : nil
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
