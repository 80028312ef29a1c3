import Bytes
import LogModel
import Synchronization

/// Reads one segment by ranges: directories on opening, pages when asked. Everything that comes out
/// of the object is checked before it is used: damage is an error, never a trap.
package final class SegmentReader: Sendable {
    package typealias Read = @Sendable (Range<Int>) throws -> [UInt8]

    package let summary: SegmentSummary
    package let attachment: [UInt8]
    private let read: Read
    private let frames: [Frame]
    private let slicesByStream: [[Slice]]
    private let rollup: [[MinuteCount]]
    /// The frame that was decoded last: slices of small streams lie side by side in one.
    private let recent = Mutex<(frame: Int, withLines: Bool, entries: Entries)?>(nil)

    package init(size: Int, read: @escaping Read) throws {
        self.read = read
        let object = try SegmentDirectory(size: size, read: read)
        summary = object.summary
        attachment = object.attachment
        frames = object.frames
        slicesByStream = object.slices
        rollup = object.rollup
    }

    package func slices(ofStream stream: Int) -> [Slice] { slicesByStream[stream] }

    /// The same, with what lies side by side in one frame as one slice: for whoever reads all of it.
    package func wideSlices(ofStream stream: Int) -> [Slice] {
        var wide: [Slice] = []
        for slice in slicesByStream[stream] {
            guard let last = wide.last, last.frame == slice.frame,
                last.firstRow + last.rows == slice.firstRow
            else {
                wide.append(slice)
                continue
            }
            wide[wide.count - 1].rows += slice.rows
            wide[wide.count - 1].bytes += slice.bytes
            wide[wide.count - 1].last = slice.last
        }
        return wide
    }

    /// Rows and bytes of a stream per minute, as counted by the writer.
    package func minutes(ofStream stream: Int) -> [MinuteCount] { rollup[stream] }

    /// Bytes that the directories take, roughly: what a cache of readers accounts.
    package var directoryBytes: Int {
        slicesByStream.reduce(0) { $0 + $1.count } * 56 + frames.count * 40
            + rollup.reduce(0) { $0 + $1.count } * 24 + summary.streams.count * 400
    }

    /// Appends the rows of a slice; without lines only timestamps, lengths and metadata are filled.
    /// With lines, rows that lack one of `literals` may be left out.
    package func load(
        _ slice: Slice, projection: Selection.Projection, holding literals: RequiredLiterals? = nil,
        into out: inout Entries
    ) throws {
        let withLines = projection == .lines
        if frames[slice.frame].isColumns {
            let rows = slice.firstRow..<slice.firstRow + slice.rows
            return try withChunk(slice.frame) { chunk in
                if withLines, let literals, !literals.isEmpty {
                    try chunk.load(rows, holding: literals, into: &out)
                } else {
                    try chunk.load(rows, withLines: withLines, into: &out)
                }
            }
        }
        let entries = try frame(slice.frame, withLines: withLines)
        guard slice.firstRow + slice.rows <= entries.count else {
            throw SegmentError.corrupt("slice beyond its frame", offset: frames[slice.frame].offset)
        }
        out.append(entries, rows: slice.firstRow..<slice.firstRow + slice.rows)
    }

    private func withChunk(_ frame: Int, _ body: (ColumnsChunk) throws -> Void) throws {
        let chunk =
            try ChunkPool.shared.take(ObjectIdentifier(self), frame: frame)
            ?? ColumnsChunk(frame, frames[frame], read: read)
        try body(chunk)
        ChunkPool.shared.put(ObjectIdentifier(self), chunk)
    }

    private func frame(_ index: Int, withLines: Bool) throws -> Entries {
        let kept = recent.withLock { kept -> Entries? in
            guard let kept, kept.frame == index, kept.withLines || !withLines else { return nil }
            return kept.entries
        }
        if let kept { return kept }
        let entries = try decode(frames[index], withLines: withLines)
        recent.withLock { $0 = (index, withLines, entries) }
        return entries
    }

    /// Lets go of what is decoded.
    package func forget() {
        recent.withLock { $0 = nil }
        ChunkPool.shared.forget(ObjectIdentifier(self))
    }

    deinit { ChunkPool.shared.forget(ObjectIdentifier(self)) }

    private func decode(_ frame: Frame, withLines: Bool) throws -> Entries {
        let head = frame.sizeT + frame.sizeM
        let bytes = try read(frame.offset..<frame.offset + head + (withLines ? frame.sizeL : 0))
        var entries = try FrameDecoder.head(bytes, frame)
        if withLines {
            entries.lineBytes = try Page.decode(
                bytes, head..<head + frame.sizeL, limit: SegmentFormat.maxPageBytes)
            guard entries.lineBytes.count == Int(entries.lineEnds.last ?? 0) else {
                throw SegmentError.corrupt("line bytes", offset: frame.offset)
            }
        }
        return entries
    }

    /// Reads every page and compares what is there with what the directories say.
    package func verify() throws {
        for frame in frames.indices where frames[frame].isColumns {
            try withChunk(frame) { try $0.verify() }
        }
        for (stream, summary) in summary.streams.enumerated() {
            var rows = 0
            var bytes = 0
            var previous = Int64.min
            for slice in slicesByStream[stream] {
                var entries = Entries()
                let isColumns = frames[slice.frame].isColumns
                try load(
                    slice, projection: isColumns ? .timestampsAndLengths : .lines, into: &entries)
                for at in entries.timestamps {
                    guard at >= previous else {
                        throw SegmentError.corrupt("timestamps out of order", offset: 0)
                    }
                    previous = at
                }
                guard entries.timestamps.first == slice.first, entries.timestamps.last == slice.last
                else { throw SegmentError.corrupt("slice times", offset: 0) }
                rows += entries.count
                bytes += Int(entries.lineEnds.last ?? 0)
            }
            guard rows == summary.rows, bytes == summary.bytes,
                rollup[stream].reduce(0, { $0 + $1.rows }) == rows
            else { throw SegmentError.corrupt("counts of \(summary.labels)", offset: 0) }
        }
        forget()
    }
}
