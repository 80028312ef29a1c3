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
    /// The stream that was counted last, and places in its counts that belong to its last minute, by level.
    private var openStream = -1
    private var open: [String?: Int] = [:]
    private var openStart: Int64 = 0

    mutating func beginStream() { streams.append([]) }

    /// Goes on with a stream that was begun.
    private mutating func turn(to stream: Int) {
        guard stream != openStream else { return }
        openStream = stream
        open = [:]
        guard let start = streams[stream].last?.start else { return }
        openStart = start
        for (place, count) in streams[stream].enumerated().reversed() {
            guard count.start == start else { return }
            open[count.level] = place
        }
    }

    /// Counts rows of a stream that was begun; those of one stream ascend by time.
    mutating func count(_ entries: Entries, rows: Range<Int>, of stream: Int) {
        turn(to: stream)
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
    private var hasUntold = false
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
            try check(&reader, stream)
        }
    }

    /// Minutes and levels that are added up for many streams at a time: those of a month without levels.
    private static let mostSums = 64 * 1024

    /// Of fewer streams than this each is visited: sums have room for every minute and level.
    static let manyStreams = 32

    /// Rows and bytes of streams by minute. `minutes`: numbers of those that the segment should have.
    func minutes(ofStreams streams: [Int], within minutes: ClosedRange<Int64>) -> MinuteRun {
        if streams.count >= Self.manyStreams, let sums = sums(of: streams, within: minutes) {
            var list: [(start: Int64, level: Int, rows: Int, bytes: Int)] = []
            for (place, sum) in sums.enumerated() where sum.rows > 0 {
                let minute = minutes.lowerBound + Int64(place / levels.count)
                list.append(
                    (minute &* Nanoseconds.minute, place % levels.count, sum.rows, sum.bytes))
            }
            return run { [list] count in
                for sum in list { count(sum.start, sum.level, sum.rows, sum.bytes) }
            }
        }
        return run { count in
            for stream in streams {
                forEach(stream) { count($0 &* Nanoseconds.minute, $1, $2, $3) }
            }
        }
    }

    private func run(_ visit: @escaping @Sendable (MinuteRun.Body) -> Void) -> MinuteRun {
        MinuteRun(levels: levels, hasUntold: hasUntold, visit: visit)
    }

    /// Sums of streams by minute and level. Nil when there may be too many, or some lie elsewhere.
    private func sums(
        of streams: [Int], within minutes: ClosedRange<Int64>
    ) -> [(rows: Int, bytes: Int)]? {
        let (span, overflow) = minutes.upperBound.subtractingReportingOverflow(minutes.lowerBound)
        guard !overflow, span < Self.mostSums / levels.count else { return nil }
        var sums = [(rows: Int, bytes: Int)](
            repeating: (0, 0), count: Int(span + 1) * levels.count)
        var areInside = true
        sums.withUnsafeMutableBufferPointer { sums in
            for stream in streams {
                forEach(stream) { minute, level, rows, bytes in
                    let place = Int(minute &- minutes.lowerBound) &* levels.count &+ level
                    guard minute >= minutes.lowerBound, minute <= minutes.upperBound else {
                        areInside = false
                        return
                    }
                    sums[place].rows &+= rows
                    sums[place].bytes &+= bytes
                }
            }
        }
        return areInside ? sums : nil
    }

    /// Calls `count` with the number of the minute, level, rows and bytes. Every byte was looked at when the
    /// roll-up was decoded: nothing need be checked again.
    @inline(__always)
    private func forEach(_ stream: Int, _ count: (Int64, Int, Int, Int) -> Void) {
        body.withUnsafeBufferPointer { body in
            guard var next = body.baseAddress.map({ $0 + starts[stream] }) else { return }
            var number: Int64 = 0
            for _ in 0..<Self.varint(&next) {
                let step = Self.varint(&next)
                number &+= Int64(bitPattern: step >> 1) ^ -Int64(bitPattern: step & 1)
                let level = hasLevels ? Int(truncatingIfNeeded: Self.varint(&next)) : 0
                let rows = Int(truncatingIfNeeded: Self.varint(&next))
                count(number, level, rows, Int(truncatingIfNeeded: Self.varint(&next)))
            }
        }
    }

    @inline(__always)
    private static func varint(_ next: inout UnsafePointer<UInt8>) -> UInt64 {
        var byte = next.pointee
        next += 1
        if byte < 0x80 { return UInt64(byte) }
        var value = UInt64(byte & 0x7f)
        var shift: UInt64 = 7
        repeat {
            byte = next.pointee
            next += 1
            value |= UInt64(byte & 0x7f) << shift
            shift += 7
        } while byte >= 0x80
        return value
    }

    private mutating func check(_ reader: inout ByteReader, _ stream: Int) throws(BytesError) {
        // What is left to count: so no sum over minutes exceeds the stream's own, or Int.
        var rows = streams[stream].rows
        var bytes = streams[stream].bytes
        for _ in 0..<(try reader.readCount(limit: reader.remaining)) {
            _ = try reader.readZigzag()
            let level = hasLevels ? try reader.readCount(limit: levels.count - 1) : 0
            if levels[level] == nil { hasUntold = true }
            rows -= try reader.readCount(limit: rows)
            bytes -= try reader.readCount(limit: bytes)
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

    func minutes(
        ofStreams streams: [Int], within minutes: ClosedRange<Int64>
    ) throws -> MinuteRun {
        do {
            return try decoded().minutes(ofStreams: streams, within: minutes)
        } catch let error as BytesError {
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
