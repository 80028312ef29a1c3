import Bytes
import LogModel
import Synchronization

/// Counts rows and bytes of each stream by minute and detected level while a segment is written.
struct RollupBuilder {
    /// Levels beyond these are counted together: senders choose the values, and a roll-up must stay
    /// small whatever they send.
    private static let mostLevels = 30

    private var streams: [[MinuteCount]] = []
    private var levels: [String] = []
    /// Places in the last stream's counts that belong to its last minute, by level.
    private var open: [String?: Int] = [:]
    private var openStart: Int64 = 0

    mutating func beginStream() {
        streams.append([])
        open = [:]
    }

    /// Counts rows of the stream that was begun last, ascending by time.
    mutating func count(_ entries: Entries, rows: Range<Int>) {
        let stream = streams.count - 1
        var end = Int64.min
        var set: UInt32 = 0
        var level: String? = ""
        var place: Int?
        for row in rows {
            let at = entries.timestamps[row]
            if at > end || row == rows.lowerBound {
                let start = minuteStart(at)
                end = start.addingReportingOverflow(Nanoseconds.minute).partialValue
                if end < start { end = .max }
                if start != openStart || streams[stream].isEmpty { open = [:] }
                openStart = start
                place = nil
            }
            let next = entries.metadataIDs.isEmpty ? 0 : entries.metadataIDs[row]
            if next != set {
                set = next
                level = known(entries.metadata(row)[detectedLevelName] ?? "")
                place = nil
            }
            let index = place ?? self.place(of: level, stream: stream)
            place = index
            streams[stream][index].rows += 1
            streams[stream][index].bytes += entries.lineRange(row).count
        }
    }

    private mutating func known(_ level: String) -> String? {
        if level.isEmpty || levels.contains(level) { return level }
        guard levels.count < Self.mostLevels else { return nil }
        levels.append(level)
        return level
    }

    private mutating func place(of level: String?, stream: Int) -> Int {
        if let index = open[level] { return index }
        let index = streams[stream].count
        streams[stream].append(MinuteCount(start: openStart, level: level, rows: 0, bytes: 0))
        open[level] = index
        return index
    }

    /// The section as format version 2 has it.
    func encode() -> [UInt8] {
        var out: [UInt8] = []
        out.appendVarint(UInt64(levels.count))
        for level in levels { out.appendString(level) }
        for stream in streams {
            out.appendVarint(UInt64(stream.count))
            var previous: Int64 = 0
            for count in stream {
                let number = count.start / Nanoseconds.minute
                out.appendZigzag(number - previous)
                out.appendVarint(UInt64(code(of: count.level)))
                out.appendVarint(UInt64(count.rows))
                out.appendVarint(UInt64(count.bytes))
                previous = number
            }
        }
        return out
    }

    /// 0 for levels that were not told apart, 1 for none, then the table.
    private func code(of level: String?) -> Int {
        guard let level else { return 0 }
        return level.isEmpty ? 1 : (levels.firstIndex(of: level) ?? -2) + 2
    }
}

/// A roll-up section of any version. Small streams have a count for nearly every line, so counts are
/// decoded when somebody asks for a stream's.
struct Rollup: Sendable {
    private let body: [UInt8]
    private let hasLevels: Bool
    private var levels: [String?] = [nil, ""]
    /// Where each stream's counts begin.
    private var starts: [Int] = []
    private let streams: [StreamSummary]

    /// Reads all of it once, so that nothing in it can be wrong later.
    init(_ body: [UInt8], version: UInt16, streams: [StreamSummary]) throws(BytesError) {
        self.body = body
        self.streams = streams
        hasLevels = version >= 2
        var reader = ByteReader(body)
        if hasLevels {
            for _ in 0..<(try reader.readCount(limit: reader.remaining)) {
                levels.append(try reader.readString())
            }
        }
        starts.reserveCapacity(streams.count)
        for stream in streams.indices {
            starts.append(reader.offset)
            try read(&reader, stream) { _, _, _, _ in }
        }
    }

    /// Rows and bytes of a stream by minute.
    func minutes(ofStream stream: Int) throws(BytesError) -> [MinuteCount] {
        var reader = ByteReader(body, range: starts[stream]..<body.count)
        var counts: [MinuteCount] = []
        try read(&reader, stream) { start, level, rows, bytes in
            counts.append(
                MinuteCount(start: start, level: levels[level], rows: rows, bytes: bytes))
        }
        return counts
    }

    private func read(
        _ reader: inout ByteReader, _ stream: Int, _ body: (Int64, Int, Int, Int) -> Void
    ) throws(BytesError) {
        // What is left to count: so no sum over minutes exceeds the stream's own, or Int.
        var rows = streams[stream].rows
        var bytes = streams[stream].bytes
        var number: Int64 = 0
        for _ in 0..<(try reader.readCount(limit: reader.remaining)) {
            number = number &+ (try reader.readZigzag())
            let level = hasLevels ? try reader.readCount(limit: levels.count - 1) : 0
            let counted = try reader.readCount(limit: rows)
            let size = try reader.readCount(limit: bytes)
            rows -= counted
            bytes -= size
            let start = number.multipliedReportingOverflow(by: Nanoseconds.minute).partialValue
            body(start, level, counted, size)
        }
    }
}

/// The roll-up section as it lies in its page, until somebody asks for minutes.
final class RollupPage: Sendable {
    private enum State: Sendable {
        case page([UInt8])
        case decoded(Rollup)
    }

    private let offset: Int
    private let version: UInt16
    private let streams: [StreamSummary]
    private let state: Mutex<State>
    /// Bytes of memory once it is decoded, about.
    let memory: Int

    /// `offset`: where the page lies in the object.
    init(
        _ page: [UInt8], at offset: Int, version: UInt16, streams: [StreamSummary]
    ) throws(SegmentError) {
        self.offset = offset
        self.version = version
        self.streams = streams
        state = Mutex(.page(page))
        let size = try Self.located(offset) { () throws(SegmentError) in
            try Page.rawSize(page, 0..<page.count, limit: SegmentFormat.maxSectionBytes)
        }
        memory = size + streams.count * 8
    }

    private static func located<Result>(
        _ offset: Int, _ body: () throws(SegmentError) -> Result
    ) throws(SegmentError) -> Result {
        do throws(SegmentError) { return try body() } catch {
            throw error.moved(by: offset, of: "section rollup")
        }
    }

    func minutes(ofStream stream: Int) throws -> [MinuteCount] {
        do { return try decoded().minutes(ofStream: stream) } catch let error as BytesError {
            throw SegmentError.of(error, in: "section rollup")
        }
    }

    private func decoded() throws -> Rollup {
        try state.withLock { state in
            switch state {
            case .decoded(let rollup): return rollup
            case .page(let page):
                let body = try Self.located(offset) { () throws(SegmentError) in
                    try Page.decode(
                        page, 0..<page.count, limit: SegmentFormat.maxSectionBytes)
                }
                let rollup = try Rollup(body, version: version, streams: streams)
                state = .decoded(rollup)
                return rollup
            }
        }
    }
}

/// The start of the minute that a timestamp is counted in. A minute is open on the left and closed
/// on the right, as the windows of LogQL are, so that windows can be answered from minutes.
package func minuteStart(_ timestamp: Int64) -> Int64 {
    var minute = timestamp / Nanoseconds.minute
    if timestamp % Nanoseconds.minute <= 0 { minute -= 1 }
    let (start, overflow) = minute.multipliedReportingOverflow(by: Nanoseconds.minute)
    // The first minute of all begins before Int64 does: it is counted with the next one.
    return overflow ? (minute + 1) * Nanoseconds.minute : start
}
