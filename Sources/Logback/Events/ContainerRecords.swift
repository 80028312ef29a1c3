import Bytes
import LogModel

/// How a container runtime wraps the lines of an application, one record a line:
///
///     docker  {"log":"text\n","stream":"stdout","time":"2026-11-21T10:00:00.123456789Z"}
///     cri     2026-11-21T10:00:00.123456789Z stdout F text
///
/// A long line comes in pieces: Docker leaves out the `\n`, CRI writes P for F.
package enum ContainerEnvelope: Sendable {
    case docker, cri

    /// The envelope that the first line of a file shows.
    package static func guess(head: [UInt8]) -> ContainerEnvelope? {
        let line = Array(head.prefix { $0 != 0x0a })
        return line.withUnsafeBytes { line in
            if ContainerRecord(cri: line) != nil { return .cri }
            guard line.starts(with: Array("{\"log\":\"".utf8)) else { return nil }
            // The first bytes of a file may end within its first record.
            let isCut = line.count == head.count
            return isCut || ContainerRecord(docker: line) != nil ? .docker : nil
        }
    }
}

/// One record, unwrapped.
struct ContainerRecord {
    var text: [UInt8]
    /// More of the same line follows in the stream's next record.
    var isPartial: Bool
    /// `stdout` or `stderr`.
    var stream: String
    var stamp: ParsedTimestamp?

    init?(docker line: UnsafeRawBufferPointer) {
        var reader = JSONReader(line, maxNesting: Limits.maxNesting)
        guard (try? reader.next()) == .objectStart else { return nil }
        var text: [UInt8]?
        stream = ""
        while case .key(let key, _)? = try? reader.next() {
            let name = line[key]
            guard let range = try? reader.skipValue(), range.count >= 2,
                line[range.lowerBound] == UInt8(ascii: "\"") || name.elementsEqual("attrs".utf8)
            else { return nil }
            let inner = range.dropFirst().dropLast()
            if name.elementsEqual("log".utf8) {
                var out: [UInt8] = []
                guard (try? reader.unescape(inner, into: &out)) != nil else { return nil }
                text = out
            } else if name.elementsEqual("stream".utf8) {
                stream = String(decoding: line[inner], as: UTF8.self)
            } else if name.elementsEqual("time".utf8) {
                stamp = LayoutRule.isoStamp(UnsafeRawBufferPointer(rebasing: line[inner]), at: 0)
            }
        }
        guard var text, stamp != nil else { return nil }
        isPartial = text.last != 0x0a
        if !isPartial { text.removeLast() }
        if !isPartial, text.last == 0x0d { text.removeLast() }
        self.text = text
    }

    init?(cri line: UnsafeRawBufferPointer) {
        let space = UInt8(ascii: " ")
        guard let first = line.firstIndex(of: space), let stamp = LayoutRule.isoStamp(line, at: 0),
            stamp.hasZone, stamp.end == first
        else { return nil }
        guard let second = line[(first + 1)...].firstIndex(of: space) else { return nil }
        stream = String(decoding: line[(first + 1)..<second], as: UTF8.self)
        guard stream == "stdout" || stream == "stderr" else { return nil }
        let end = line[(second + 1)...].firstIndex(of: space) ?? line.count
        // The first of the tags, which colons separate.
        let tag = line[(second + 1)..<end].prefix { $0 != UInt8(ascii: ":") }
        guard tag.elementsEqual("F".utf8) || tag.elementsEqual("P".utf8) else { return nil }
        isPartial = tag.elementsEqual("P".utf8)
        self.stamp = stamp
        text = [UInt8](line[min(end + 1, line.count)...])
    }
}

/// Puts the pieces of lines together again.
///
/// While a stream is within a line, the lines of the other stream wait behind it: lines are handed out in the
/// order of their first bytes.
struct RecordJoiner {
    /// A line of the application, with the bytes of the file that it stands for.
    struct Joined {
        var line: LineSplitter.Line
        var stamp: ParsedTimestamp?
        var stream: String?
    }

    private let envelope: ContainerEnvelope
    private let maxLineBytes: Int
    /// The first is within its line; others may be, or wait behind it.
    private var waiting: [Joined] = []
    /// The streams that are within a line, with the second at which its last piece was written.
    private var partial: [String: Int64] = [:]
    private var waitingBytes = 0
    /// Streams whose line was handed out in pieces, because it is too long, with the second of its last one.
    private var continued: [String: Int64] = [:]

    init(_ envelope: ContainerEnvelope, maxLineBytes: Int) {
        self.envelope = envelope
        self.maxLineBytes = maxLineBytes
    }

    mutating func add(_ line: LineSplitter.Line) -> [Joined] {
        let record =
            line.startsLine
            ? line.text.withUnsafeBytes {
                envelope == .docker ? ContainerRecord(docker: $0) : ContainerRecord(cri: $0)
            } : nil
        guard let record else {
            // Damaged, or cut: kept as it is.
            waiting.append(Joined(line: line, stamp: nil, stream: nil))
            return partial.isEmpty ? release() : boundedRelease(line.text.count)
        }
        var done = releaseBefore(record)
        let stream = record.stream
        if let at = placeOfPieces(stream) {
            waiting[at].line.text += record.text
            waiting[at].line.to = line.to
        } else {
            var inner = line
            inner.text = record.text
            inner.startsLine = continued[stream] == nil
            waiting.append(Joined(line: inner, stamp: record.stamp, stream: stream))
        }
        let second = record.stamp?.seconds ?? 0
        partial[stream] = record.isPartial ? second : nil
        if continued[stream] != nil { continued[stream] = record.isPartial ? second : nil }
        done += partial.isEmpty ? release() : boundedRelease(record.text.count)
        return done
    }

    /// Where the line stands that a stream is within.
    private func placeOfPieces(_ stream: String) -> Int? {
        partial[stream] == nil ? nil : waiting.lastIndex { $0.stream == stream }
    }

    /// The pieces of a line are written at once: what follows so many seconds behind the last of them is no
    /// piece of it, and need not wait for its end. The last words of a process may have none.
    private static let mostSeconds: Int64 = 30

    /// What must not wait any longer now that this record has come.
    private mutating func releaseBefore(_ record: ContainerRecord) -> [Joined] {
        if let since = continued[record.stream], isLate(record, behind: since) {
            continued[record.stream] = nil
        }
        if let at = placeOfPieces(record.stream),
            waiting[at].line.text.count + record.text.count > maxLineBytes
        {
            return releasePieces()
        }
        return partial.values.contains { isLate(record, behind: $0) } ? release() : []
    }

    private func isLate(_ record: ContainerRecord, behind second: Int64) -> Bool {
        guard let now = record.stamp?.seconds else { return false }
        return now.subtractingReportingOverflow(second).partialValue > Self.mostSeconds
    }

    /// What waits, with lines that go on behind it.
    private mutating func releasePieces() -> [Joined] {
        continued.merge(partial) { $1 }
        return release()
    }

    /// What waits when the file ends, or nothing has come for long: the last line of a process may have no end.
    mutating func finish() -> [Joined] { release() }

    /// What a record takes beside its text, about.
    private static let recordBytes = 64

    private mutating func boundedRelease(_ bytes: Int) -> [Joined] {
        waitingBytes += bytes + Self.recordBytes
        guard waitingBytes > maxLineBytes else { return [] }
        return releasePieces()
    }

    private mutating func release() -> [Joined] {
        defer {
            waiting = []
            waitingBytes = 0
            partial = [:]
        }
        return waiting
    }

    var isEmpty: Bool { waiting.isEmpty }
}
