import Foundation
import LogModel
import Logback

/// The last entries of the newest plain file, as the agent would ship them.
struct ParsedSample {
    /// Read from the end of the file: dozens of entries, and a trace among them.
    private static let tailBytes = 256 * 1024

    private let files: FoundFiles
    private let layout: LayoutRule
    private let zone: ZoneRule

    init(_ files: FoundFiles, _ layout: LayoutRule, zone: String?) {
        self.files = files
        self.layout = layout
        self.zone = zone.flatMap { ZoneRule($0) } ?? .local
    }

    func text(_ count: Int) -> String {
        guard count > 0, let file = files.files.last(where: { !$0.isPacked }) else { return "" }
        guard let handle = FileHandle(forReadingAtPath: file.path) else { return "" }
        defer { try? handle.close() }
        let start = max(0, file.sizeBytes - Int64(Self.tailBytes))
        guard (try? handle.seek(toOffset: UInt64(start))) != nil,
            let data = try? handle.read(upToCount: Self.tailBytes)
        else { return "" }
        var bytes = Array(data)
        // The first line of the piece is the end of one.
        if start > 0, let newline = bytes.firstIndex(of: 0x0a) {
            bytes.removeFirst(newline + 1)
        }
        let events = events(of: bytes, modified: file.modified)
        let known = events.count { event in
            let line = event.text.prefix { $0 != 0x0a }
            return Array(line).withUnsafeBytes {
                layout.header(of: $0, wantsLevel: true) != nil
            }
        }
        var out =
            "  \(FigureText.count(events.count, "entry").replacing("entrys", with: "entries")) at the end of "
            + "\(file.path), \(FigureText.grouped(known)) of them begin as the layout says\n"
        for event in events.suffix(count) { out += line(event) }
        return out
    }

    private func events(of bytes: [UInt8], modified: Double) -> [FileEvent] {
        let now = Int64(Date().timeIntervalSince1970) * Nanoseconds.second
        func read(from start: Int64?) -> (events: [FileEvent], stamps: DatelessStamps) {
            var assembler = EventAssembler(layout: layout, zone: zone, offset: 0, events: 0)
            if let start { assembler.begin(at: start) }
            let events = assembler.add(bytes, now: now) + assembler.finish(now: now)
            return (events, assembler.dateless)
        }
        let found = read(from: nil)
        let written = Int64(modified) * Nanoseconds.second
        guard let start = found.stamps.start(modified: written, lastDay: nil, zone: zone) else {
            return found.events
        }
        return read(from: start).events
    }

    private func line(_ event: FileEvent) -> String {
        let time = CivilTime(event.timestamp)
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let stamp =
            "\(time.year)-\(two(time.month))-\(two(time.day))T\(two(time.hour)):"
            + "\(two(time.minute)):\(two(time.second))."
            + String(String(1_000_000_000 + time.nanosecond).dropFirst().prefix(3)) + "Z"
        let fields = event.text.withUnsafeBytes { layout.fields(of: $0) }
        let named = fields.map { "\($0.name)=\(FigureText.safe($0.value))" }
        let first = event.text.prefix { $0 != 0x0a }
        let more = event.text.count { $0 == 0x0a }
        let text = FigureText.safe(String(decoding: first.prefix(160), as: UTF8.self))
        return "    \(stamp) \(event.level ?? "-") \(named.joined(separator: " "))\n      | \(text)"
            + (more > 0 ? " (and \(FigureText.count(more, "line")) more)" : "") + "\n"
    }
}
