import Bytes
import LogModel
import Regexp

/// What the first line of an event says of it.
package struct EventHeader: Sendable {
    package var timestamp: ParsedTimestamp?
    /// `INFO`, as written.
    package var level: String?
    /// Of a request, in an access log: `404`.
    package var status: String?
    /// Where a compiled layout found its fields in the line.
    var spans: [HeaderSpan] = []
}

/// A field of a compiled layout, by the number of its step, in the bytes of a line. Each entry keeps
/// its own until it is shipped: headers are far shorter than these numbers reach.
struct HeaderSpan: Sendable {
    private let stepNumber: UInt16
    private let startOffset: UInt32
    private let endOffset: UInt32

    init(step: Int, start: Int, end: Int) {
        stepNumber = UInt16(step)
        startOffset = UInt32(start)
        endOffset = UInt32(end)
    }

    var step: Int { Int(stepNumber) }
    var range: Range<Int> { Int(startOffset)..<Int(endOffset) }
}

/// How events begin in a text file. The automatic rule knows the headers of Logback and Spring Boot,
/// stamps like ISO 8601, nginx's access log and JSON lines; a custom rule is a regular expression
/// for first lines, a stamp format, or both.
package struct LayoutRule: Sendable {
    /// Where JSON lines keep their time and level; nil: under one of the usual keys.
    package struct JSONKeys: Sendable {
        package var time: String?
        package var level: String?
        package init(time: String? = nil, level: String? = nil) {
            self.time = time
            self.level = level
        }
    }

    private let firstLine: Regexp?
    let format: TimestampFormat?
    let keys: JSONKeys
    /// The pattern of the application's own layout, or its JSON encoder: then nothing is guessed.
    package private(set) var compiled: CompiledLayout?
    package private(set) var json: JSONLayout?

    package static let automatic = LayoutRule(compiled: nil, format: nil, keys: JSONKeys())

    /// True for a level that is known as one in any header, in any letters.
    package static func isLevel(_ name: String) -> Bool { HeaderLevel.isKnown(name) }

    private init(compiled: Regexp?, format: TimestampFormat?, keys: JSONKeys) {
        firstLine = compiled
        self.format = format
        self.keys = keys
    }

    /// Events as a layout of Logback writes them; by the automatic rule when nothing in front of the
    /// message tells where one begins.
    package init(compiled: CompiledLayout) {
        self.init(compiled: nil, format: nil, keys: JSONKeys())
        self.compiled = compiled
    }

    /// One object a line. `format`: of its stamps, when they are not those of the encoder.
    package init(json: JSONLayout, format: TimestampFormat? = nil, keys: JSONKeys = JSONKeys()) {
        var keys = keys
        keys.time = keys.time ?? json.names[.timestamp]
        keys.level = keys.level ?? json.names[.level]
        self.init(compiled: nil, format: format, keys: keys)
        self.json = json
    }

    /// True when `fields` may find some.
    package var hasFields: Bool { compiled != nil || json != nil }

    /// Values of an event that the layout names, for its metadata.
    package func fields(of text: UnsafeRawBufferPointer) -> [Label] {
        compiled?.fields(of: text) ?? json?.fields(of: text) ?? []
    }

    /// The same of an event, whose header need not be matched once more.
    package func fields(of event: FileEvent) -> [Label] {
        event.text.withUnsafeBytes { text in
            if let compiled, !event.spans.isEmpty {
                return compiled.fields(of: text, at: event.spans)
            }
            return fields(of: text)
        }
    }

    /// Throws when `firstLine` is no regular expression.
    package init(
        firstLine: String?, format: TimestampFormat?, keys: JSONKeys = JSONKeys()
    ) throws(RegexpError) {
        self.init(
            compiled: try firstLine.map { (p) throws(RegexpError) in try Regexp(p) },
            format: format, keys: keys)
    }

    private static let slashStamp = TimestampFormat("yyyy/MM/dd HH:mm:ss")
    /// `catalina.out`.
    private static let tomcatStamp = TimestampFormat("dd-MMM-yyyy HH:mm:ss.SSS")
    private static let accessStamp = TimestampFormat("dd/MMM/yyyy:HH:mm:ss Z")
    private static let clock = TimestampFormat("HH:mm:ss.SSS")
    /// Where a level must stand: behind stamp, thread and process id.
    private static let headerBytes = 256

    /// The header of a line that begins an event; nil for a line that continues one.
    /// `wantsLevel`: the source has shown headers with levels, so a stamp alone is only text.
    package func header(of line: UnsafeRawBufferPointer, wantsLevel: Bool) -> EventHeader? {
        if let compiled, compiled.tellsBoundaries { return compiled.header(of: line) }
        if json != nil, line.first != UInt8(ascii: "{") { return nil }
        if let firstLine {
            guard firstLine.matches(line) else { return nil }
            let stamp = stamp(in: line)
            return EventHeader(
                timestamp: stamp, level: HeaderLevel.find(in: line, from: stamp?.end ?? 0))
        }
        guard let first = line.first else { return nil }
        if first == UInt8(ascii: "{") { return jsonHeader(line, wantsLevel: wantsLevel) }
        if let format {
            // Lines that are set in continue an event, whatever stamp they quote.
            guard first != 0x20, first != 0x09, let stamp = Self.search(format, in: line) else {
                return nil
            }
            return Self.header(line, stamp, wantsLevel: wantsLevel)
        }
        return automaticHeader(line, wantsLevel: wantsLevel)
    }

    private static func header(
        _ line: UnsafeRawBufferPointer, _ stamp: ParsedTimestamp, wantsLevel: Bool
    ) -> EventHeader? {
        let level = HeaderLevel.find(in: line, from: stamp.end)
        return level == nil && wantsLevel ? nil : EventHeader(timestamp: stamp, level: level)
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
            if at > 0, isWord(line[at - 1]) { continue }
            if let stamp = format.parse(line, at: at) { return stamp }
        }
        return nil
    }

    private func automaticHeader(
        _ line: UnsafeRawBufferPointer, wantsLevel: Bool
    ) -> EventHeader? {
        var start = HeaderLevel.skipColours(line, 0)
        guard start < line.count, line[start] > 0x20 else { return nil }
        if line[start] == UInt8(ascii: "[") { start += 1 }
        if let stamp = Self.isoStamp(line, at: start) {
            return Self.header(line, stamp, wantsLevel: wantsLevel)
        }
        if let clock = Self.clock?.parse(line, at: start),
            let level = HeaderLevel.find(in: line, from: clock.end)
        {
            return EventHeader(timestamp: clock, level: level)
        }
        // Access logs have no levels: in a source that has, this is quoted text.
        if !wantsLevel, let stamp = Self.accessLogStamp(line) {
            return EventHeader(
                timestamp: stamp, level: nil, status: Self.requestStatus(line, from: stamp.end))
        }
        return nil
    }

    /// The number behind the request: `… +0000] "GET /a HTTP/1.1" 404 153`.
    private static func requestStatus(_ line: UnsafeRawBufferPointer, from: Int) -> String? {
        let quote = UInt8(ascii: "\"")
        guard let start = firstOffset(of: quote, in: line, from: from) else { return nil }
        var at = start + 1
        while at < line.count, line[at] != quote { at += line[at] == UInt8(ascii: "\\") ? 2 : 1 }
        let digits = at + 2
        guard digits + 3 <= line.count, line[digits - 1] == 0x20,
            line[digits..<(digits + 3)].allSatisfy({ (48...57).contains($0) }),
            digits + 3 == line.count || line[digits + 3] == 0x20
        else { return nil }
        return String(decoding: line[digits..<(digits + 3)], as: UTF8.self)
    }

    static func isoStamp(_ line: UnsafeRawBufferPointer, at start: Int) -> ParsedTimestamp? {
        guard start + 19 <= line.count else { return nil }
        return TimestampFormat.automatic.parse(line, at: start)
            ?? slashStamp?.parse(line, at: start) ?? tomcatStamp?.parse(line, at: start)
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
}
