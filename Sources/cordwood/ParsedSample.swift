import Agent
import Foundation
import LogModel
import Logback

/// The last entries of the newest plain file, as the agent would read them.
struct ParsedSample {
    /// Read from the end of the file: dozens of entries, and a trace among them.
    private static let tailBytes = 256 * 1024

    /// As much of the beginning as tells an encoding and a container's records.
    private static let headBytes = 4 * 1024
    /// What every character of every encoding may begin at.
    private static let alignment: Int64 = 4
    /// Of an entry's first line.
    private static let shownBytes = 160

    private let files: FoundFiles
    private let group: SourceGroup

    /// `group`: how the agent reads the files.
    init(_ files: FoundFiles, _ group: SourceGroup) {
        self.files = files
        self.group = group
    }

    func text(_ count: Int) -> String {
        guard count > 0, let file = files.files.last(where: { !$0.isPacked }) else { return "" }
        guard let handle = FileHandle(forReadingAtPath: file.path) else { return "" }
        defer { try? handle.close() }
        let start =
            max(0, file.sizeBytes - Int64(Self.tailBytes)) / Self.alignment * Self.alignment
        guard let head = try? handle.read(upToCount: Self.headBytes),
            (try? handle.seek(toOffset: UInt64(start))) != nil,
            let data = try? handle.read(upToCount: Self.tailBytes + Int(Self.alignment))
        else { return "" }
        var events = events(
            of: Array(data), from: start, of: file, head: Array(head))
        // The first line of the piece is the end of one.
        if start > 0, !events.isEmpty { events.removeFirst() }
        let known = events.count { event in
            let line = event.text.prefix { $0 != 0x0a }
            return Array(line).withUnsafeBytes {
                group.layout.header(of: $0, wantsLevel: true) != nil
            }
        }
        var out =
            "  \(FigureText.count(events.count, "entry").replacing("entrys", with: "entries")) at the end of "
            + "\(file.path), \(FigureText.grouped(known)) of them begin as the layout says\n"
        if known == 0, !events.isEmpty {
            out +=
                "  ! none does: another layout wrote them, or names of months and days in a language "
                + "other than English or Korean; such entries have no level, and traces are cut\n"
        }
        if !group.rules.isEmpty {
            out += "  as they are read: what the source drops, changes or hides is still there\n"
        }
        for event in events.suffix(count) { out += line(event) }
        return out
    }

    private func events(
        of bytes: [UInt8], from offset: Int64, of file: FoundFiles.File, head: [UInt8]
    ) -> [FileEvent] {
        let now = Int64(Date().timeIntervalSince1970) * Nanoseconds.second
        let encoding = TextEncoding.of(head: head, configured: group.encoding)
        let envelope = group.format.envelope(path: file.path, head: head)
        func read(from start: Int64?) -> (events: [FileEvent], stamps: DatelessStamps) {
            var assembler = EventAssembler(
                layout: group.layout, zone: group.zone, offset: offset, events: 0,
                encoding: encoding, envelope: envelope, startsLine: offset == 0)
            if let start { assembler.begin(at: start) }
            let events = assembler.add(bytes, now: now) + assembler.finish(now: now)
            return (events, assembler.dateless)
        }
        let found = read(from: nil)
        let written = Int64(file.modified) * Nanoseconds.second
        guard let start = found.stamps.start(modified: written, lastDay: nil, zone: group.zone)
        else {
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
        let fields = event.text.withUnsafeBytes { group.layout.fields(of: $0) }
        let named = fields.map { "\($0.name)=\(FigureText.safe($0.value))" }
        let first = event.text.prefix { $0 != 0x0a }
        let more = event.text.count { $0 == 0x0a }
        var shown = min(Self.shownBytes, first.count)
        while shown > 0, shown < first.count, first[shown] & 0xc0 == 0x80 { shown -= 1 }
        let text = FigureText.safe(String(decoding: first.prefix(shown), as: UTF8.self))
        return "    \(stamp) \(event.level ?? "-") \(named.joined(separator: " "))\n      | \(text)"
            + (more > 0 ? " (and \(FigureText.count(more, "line")) more)" : "") + "\n"
    }
}
