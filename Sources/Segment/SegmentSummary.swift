import Bytes
import LogModel

/// Why a segment could not be written or read.
package enum SegmentError: Error, Sendable {
    case corrupt(String, offset: Int)
    case unsupported(String)
    case lineTooLong(Int)
}

extension SegmentError {
    static func of(_ error: BytesError, in what: String) -> SegmentError {
        switch error {
        case .truncated(let offset): .corrupt("\(what) is cut short", offset: offset)
        case .invalid(let detail, let offset): .corrupt("\(what): \(detail)", offset: offset)
        case .tooLarge(let limit): .corrupt("\(what) exceeds \(limit) bytes", offset: 0)
        }
    }

    /// The error of a part as one of the whole object, in which the part begins at `start`.
    func moved(by start: Int, of what: String) -> SegmentError {
        guard case .corrupt(let detail, let offset) = self else { return self }
        return .corrupt("\(what): \(detail)", offset: start + offset)
    }
}

/// What a segment knows of one of its streams.
package struct StreamSummary: Sendable {
    package var labels: Labels
    /// Of the labels: equal sets have equal ones, and different ones mostly different ones.
    package var fingerprint: UInt64
    /// Nanoseconds, both inclusive.
    package var first: Int64
    package var last: Int64
    package var rows: Int
    /// Bytes of line text.
    package var bytes: Int
}

package struct SegmentSummary: Sendable {
    package var tenant: String
    package var level: Int
    package var first: Int64
    package var last: Int64
    package var rows: Int
    package var bytes: Int
    package var storedBytes: Int
    package var streams: [StreamSummary]
    /// Known of a segment that was just written.
    package var chunks = ChunkCounts()
}

/// Chunks that might have become columns: those that did, and those that pay more as text.
package struct ChunkCounts: Sendable {
    package var columns = 0
    package var text = 0

    package static func += (a: inout ChunkCounts, b: ChunkCounts) {
        a.columns += b.columns
        a.text += b.text
    }

    package init() {}
}

/// Pages of one frame, side by side in the object.
struct Frame: Sendable {
    var offset: Int
    var sizeT: Int
    var sizeM: Int
    var sizeL: Int
    var rows: Int
    /// COLUMNS: the size of the header page, with which the lines begin; 0 for lines as text.
    var sizeHeader = 0
    var isColumns: Bool { sizeHeader > 0 }
    /// COLUMNS: pages T and M are as text has them, with the length of each line.
    var hasLengths = false
}

/// A run of one stream's rows inside one frame: the smallest piece that can be asked for.
package struct Slice: Sendable {
    package var stream: Int
    package var frame: Int
    package var firstRow: Int
    package var rows: Int
    package var first: Int64
    package var last: Int64
    /// Bytes of line text.
    package var bytes: Int

    package init(
        stream: Int, frame: Int, firstRow: Int, rows: Int, first: Int64, last: Int64, bytes: Int
    ) {
        self.stream = stream
        self.frame = frame
        self.firstRow = firstRow
        self.rows = rows
        self.first = first
        self.last = last
        self.bytes = bytes
    }
}
