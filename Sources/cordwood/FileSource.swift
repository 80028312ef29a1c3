import Bytes
import Foundation
import LogModel
import Logback

/// Plain and gzip files as a source of entries: one stream a file, labelled by its name, cut into
/// units of a few MiB, so that memory does not follow the size of the files.
final class FileSource: LogSource {
    private struct LogFile: Sendable {
        let path: String
        let labels: Labels
        /// Where each unit begins: bytes and events before it, and the times in it.
        let units: [Unit]
    }

    private struct Unit: Sendable {
        var offset: Int64
        var events: Int64
        var bytes: Int
        var first: Int64
        var last: Int64
    }

    /// Text of one unit, in bytes.
    private static let unitBytes = 4 * 1024 * 1024
    private let files: [LogFile]

    /// Reads all files once, to learn where their times lie.
    init(patterns: [String]) throws {
        var paths: [String] = []
        for pattern in patterns {
            var found = glob_t()
            defer { globfree(&found) }
            guard glob(pattern, GLOB_NOSORT, nil, &found) == 0 else {
                throw Failure("--file \(pattern): no such file")
            }
            for i in 0..<Int(found.gl_pathc) {
                if let path = found.gl_pathv[i] { paths.append(String(cString: path)) }
            }
        }
        files = try Set(paths).sorted().map { try Self.scan($0) }
    }

    /// The time of everything, end exclusive.
    func bounds() -> (start: Int64, end: Int64) {
        let units = files.flatMap(\.units)
        let last = units.map(\.last).max() ?? 0
        return (units.map(\.first).min() ?? 0, last == .max ? last : last + 1)
    }

    private static func scan(_ path: String) throws -> LogFile {
        var units: [Unit] = []
        var open: Unit?
        try forEachEvent(path, from: 0, events: 0) { event in
            var unit =
                open
                ?? Unit(
                    offset: event.from, events: event.events - 1, bytes: 0, first: event.timestamp,
                    last: event.timestamp)
            unit.bytes += event.text.count
            unit.first = min(unit.first, event.timestamp)
            unit.last = max(unit.last, event.timestamp)
            open = unit
            if unit.bytes >= unitBytes {
                units.append(unit)
                open = nil
            }
            return true
        }
        if let open { units.append(open) }
        return LogFile(path: path, labels: Labels([Label("filename", path)]), units: joined(units))
    }

    /// Units whose times overlap, as threads write them, become one: units of a stream never overlap.
    private static func joined(_ units: [Unit]) -> [Unit] {
        var out: [Unit] = []
        for unit in units {
            if var last = out.last, unit.first <= last.last {
                last.bytes += unit.bytes
                last.first = min(last.first, unit.first)
                last.last = max(last.last, unit.last)
                out[out.count - 1] = last
            } else {
                out.append(unit)
            }
        }
        return out
    }

    func plan(_ selection: Selection) throws -> [ScanUnit] {
        let low = selection.start.nanoseconds
        let high = selection.end.nanoseconds - 1
        var units: [ScanUnit] = []
        for file in files where selection.matchers.accept(file.labels) {
            for unit in file.units where unit.last >= low && unit.first <= high {
                units.append(
                    ScanUnit(
                        labels: file.labels, first: max(low, unit.first),
                        last: min(high, unit.last),
                        bytes: unit.bytes, minutes: nil,
                        load: { _ in try Self.load(file.path, unit, low...high) }))
            }
        }
        return units.sorted {
            selection.direction == .backward ? $0.last > $1.last : $0.first < $1.first
        }
    }

    private static func load(
        _ path: String, _ unit: Unit, _ range: ClosedRange<Int64>
    ) throws -> Entries {
        var rows: [FileEvent] = []
        var bytes = 0
        try forEachEvent(path, from: unit.offset, events: unit.events) { event in
            if range.contains(event.timestamp) { rows.append(event) }
            bytes += event.text.count
            return bytes < unit.bytes
        }
        let order = rows.indices.sorted {
            rows[$0].timestamp == rows[$1].timestamp
                ? $0 < $1 : rows[$0].timestamp < rows[$1].timestamp
        }
        var entries = Entries()
        for i in order {
            let level = rows[i].level.map { Labels([Label("level", $0)]) } ?? .empty
            entries.append(timestamp: rows[i].timestamp, line: rows[i].text, metadata: level)
        }
        return entries
    }

    /// Calls `body` for each event from an offset of the unpacked text, until it says stop.
    private static func forEachEvent(
        _ path: String, from: Int64, events: Int64, _ body: (FileEvent) -> Bool
    ) throws {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure("\(path): \(String(cString: strerror(errno)))") }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw Failure("\(path): not a file")
        }
        let now = Int64(status.st_mtim.tv_sec) * Nanoseconds.second
        var assembler = EventAssembler(
            layout: .automatic, zone: .local, offset: from, events: events)
        var block = [UInt8](repeating: 0, count: 64 * 1024)
        let isPacked = try Self.isGzip(descriptor)
        var unpacker = GzipStream()
        var skip = isPacked ? from : 0
        var at = isPacked ? 0 : from
        while true {
            let count = pread(descriptor, &block, block.count, off_t(at))
            guard count > 0 else { break }
            at += Int64(count)
            var text = Array(block[..<count])
            if isPacked {
                var out: [UInt8] = []
                do { try text.withUnsafeBytes { try unpacker.inflate($0, into: &out) } } catch {
                    throw Failure("\(path): damaged gzip data")
                }
                let dropped = min(skip, Int64(out.count))
                out.removeFirst(Int(dropped))
                skip -= dropped
                text = out
            }
            for event in assembler.add(text, now: now) where !body(event) { return }
        }
        for event in assembler.finish(now: now) where !body(event) { return }
    }

    private static func isGzip(_ descriptor: Int32) throws -> Bool {
        var magic: [UInt8] = [0, 0]
        return pread(descriptor, &magic, 2, 0) == 2 && magic == [0x1f, 0x8b]
    }
}
