import Bytes
import LogModel
import Regexp

/// What the first line of an event says of it.
package struct EventHeader: Sendable {
    package var timestamp: ParsedTimestamp?
    /// `INFO`, as written.
    package var level: String?
}

/// How events begin in a text file. The automatic rule knows the headers of Logback and Spring Boot,
/// stamps like ISO 8601, nginx's access log and JSON lines; a custom rule is a regular expression
/// for first lines, a stamp format, or both.
package struct LayoutRule: Sendable {
    private let firstLine: Regexp?
    private let format: TimestampFormat?

    package static let automatic = LayoutRule(compiled: nil, format: nil)

    private init(compiled: Regexp?, format: TimestampFormat?) {
        firstLine = compiled
        self.format = format
    }

    package init(firstLine: String?, format: TimestampFormat?) throws(RegexpError) {
        self.init(
            compiled: try firstLine.map { (p) throws(RegexpError) in try Regexp(p) }, format: format
        )
    }

    private static let stamps = [
        "yyyy-MM-dd HH:mm:ss.SSSXXX", "yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "yyyy-MM-dd HH:mm:ss.SSS",
        "yyyy-MM-dd'T'HH:mm:ss.SSS", "yyyy-MM-dd HH:mm:ssXXX", "yyyy-MM-dd'T'HH:mm:ssXXX",
        "yyyy-MM-dd HH:mm:ss", "yyyy-MM-dd'T'HH:mm:ss", "yyyy/MM/dd HH:mm:ss",
    ].compactMap { TimestampFormat($0) }
    private static let accessStamp = TimestampFormat("dd/MMM/yyyy:HH:mm:ss Z")
    private static let clock = TimestampFormat("HH:mm:ss.SSS")
    private static let levels = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL", "WARNING"]
        .map { Array($0.utf8) }
    /// Where a level must stand: behind stamp, thread and process id.
    private static let headerBytes = 256

    /// The header of a line that begins an event; nil for a line that continues one.
    /// `wantsLevel`: the source has shown headers with levels, so a stamp alone is only text.
    package func header(of line: UnsafeRawBufferPointer, wantsLevel: Bool) -> EventHeader? {
        if let firstLine {
            guard firstLine.matches(line) else { return nil }
            return EventHeader(timestamp: stamp(in: line), level: Self.level(in: line, from: 0))
        }
        if let format {
            guard let stamp = Self.search(format, in: line) else { return nil }
            return EventHeader(timestamp: stamp, level: Self.level(in: line, from: stamp.end))
        }
        return automaticHeader(line, wantsLevel: wantsLevel)
    }

    private func stamp(in line: UnsafeRawBufferPointer) -> ParsedTimestamp? {
        if let format { return Self.search(format, in: line) }
        return Self.isoStamp(line, at: 0) ?? Self.accessLogStamp(line)
    }

    /// A custom stamp may stand behind a bracket or a few words.
    private static func search(
        _ format: TimestampFormat, in line: UnsafeRawBufferPointer
    ) -> ParsedTimestamp? {
        for at in 0..<min(line.count, headerBytes) {
            if at > 0, Self.isWord(line[at - 1]) { continue }
            if let stamp = format.parse(line, at: at) { return stamp }
        }
        return nil
    }

    private func automaticHeader(
        _ line: UnsafeRawBufferPointer, wantsLevel: Bool
    ) -> EventHeader? {
        guard let first = line.first else { return nil }
        if first == UInt8(ascii: "{") { return Self.jsonHeader(line) }
        let start = first == UInt8(ascii: "[") ? 1 : 0
        guard start < line.count, line[start] >= 48, line[start] <= 57 || start == 0 else {
            return nil
        }
        if let stamp = Self.isoStamp(line, at: start) {
            let level = Self.level(in: line, from: stamp.end)
            return level == nil && wantsLevel ? nil : EventHeader(timestamp: stamp, level: level)
        }
        if let clock = Self.clock?.parse(line, at: start),
            let level = Self.level(in: line, from: clock.end)
        {
            // A time without a date: the entry takes the time of reading.
            return EventHeader(timestamp: nil, level: level)
        }
        if first > 0x20, let stamp = Self.accessLogStamp(line) {
            return EventHeader(timestamp: stamp, level: nil)
        }
        return nil
    }

    private static func isoStamp(_ line: UnsafeRawBufferPointer, at start: Int) -> ParsedTimestamp?
    {
        guard start + 19 <= line.count, line[start] >= 48, line[start] <= 57 else { return nil }
        for format in stamps {
            if let stamp = format.parse(line, at: start) { return stamp }
        }
        return nil
    }

    /// `1.2.3.4 - - [21/Nov/2026:10:00:00 +0000] "GET …`.
    private static func accessLogStamp(_ line: UnsafeRawBufferPointer) -> ParsedTimestamp? {
        let head = line[..<min(line.count, headerBytes)]
        guard let open = head.firstIndex(of: UInt8(ascii: "[")), open + 27 < line.count else {
            return nil
        }
        return accessStamp?.parse(line, at: open + 1)
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
    }

    /// The first level that stands as a word of its own in the header.
    private static func level(in line: UnsafeRawBufferPointer, from: Int) -> String? {
        let end = min(line.count, from + headerBytes)
        var at = from
        while at < end {
            guard isWord(line[at]) else {
                at += 1
                continue
            }
            var stop = at
            while stop < line.count, isWord(line[stop]) { stop += 1 }
            if stop - at >= 4, stop - at <= 7 {
                for level in levels
                where level.count == stop - at && level.elementsEqual(line[at..<stop]) {
                    return String(decoding: level, as: UTF8.self)
                }
            }
            at = stop
        }
        return nil
    }

    private static let jsonTimes: Set<String> = ["@timestamp", "timestamp", "time", "ts"]
    private static let jsonLevels: Set<String> = ["level", "log.level", "severity", "lvl"]

    /// A JSON line is an event of its own; time and level come from the usual keys.
    private static func jsonHeader(_ line: UnsafeRawBufferPointer) -> EventHeader? {
        var reader = JSONReader(line, maxNesting: Limits.maxNesting)
        var header = EventHeader(timestamp: nil, level: nil)
        guard (try? reader.next()) == .objectStart else { return nil }
        while case .key(let range, _)? = try? reader.next() {
            let key = String(decoding: line[range], as: UTF8.self)
            guard let value = try? reader.skipValue() else { break }
            var text = UnsafeRawBufferPointer(rebasing: line[value])
            while let first = text.first, first == 0x3a || first <= 0x20 {
                text = UnsafeRawBufferPointer(rebasing: text.dropFirst())
            }
            if text.first == UInt8(ascii: "\""), text.count >= 2 {
                text = UnsafeRawBufferPointer(rebasing: text[1..<text.count - 1])
            }
            if jsonTimes.contains(key), header.timestamp == nil {
                header.timestamp = isoStamp(text, at: 0) ?? unixStamp(text)
            } else if jsonLevels.contains(key), header.level == nil, text.count <= 16 {
                header.level = String(decoding: text, as: UTF8.self)
            }
            if header.timestamp != nil, header.level != nil { break }
        }
        return header
    }

    private static let unixMilliseconds = TimestampFormat("UNIX_MS")
    private static let unixSeconds = TimestampFormat("UNIX")

    private static func unixStamp(_ text: UnsafeRawBufferPointer) -> ParsedTimestamp? {
        (text.count >= 13 && !text.contains(UInt8(ascii: ".")) ? unixMilliseconds : unixSeconds)?
            .parse(text, at: 0)
    }
}
