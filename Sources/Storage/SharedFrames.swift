import LogModel
import Segment
import Synchronization

/// A frame of small streams, each of which has one place in it: who wants all of them reads it as a whole.
struct SharedFrame: Sendable {
    /// In the order of their rows.
    let slices: ArraySlice<Slice>
    /// The stream of each slice.
    let streams: [Labels]
    let times: ClosedRange<Int64>
    /// Bytes of lines.
    let bytes: Int

    /// Bytes of lines that a segment may have of a stream: larger ones have frames of their own, mostly.
    static let smallStream = 1024 * 1024

    /// Nil where a stream has several places, or is large, or has a time in several frames.
    init?(_ reader: SegmentReader, _ frame: Int) {
        let all = reader.slices(ofFrame: frame)
        let wide = reader.wideSlices(ofFrame: frame)
        // What need not be kept twice is not.
        slices = wide.count == all.count ? all : wide[...]
        guard let first = slices.first else { return nil }
        var (low, high, bytes) = (first.first, first.last, 0)
        for slice in slices {
            guard reader.rises(stream: slice.stream),
                reader.summary.streams[slice.stream].bytes <= Self.smallStream
            else { return nil }
            (low, high, bytes) = (min(low, slice.first), max(high, slice.last), bytes + slice.bytes)
        }
        let areBehind = zip(slices, slices.dropFirst()).allSatisfy {
            $0.firstRow + $0.rows <= $1.firstRow
        }
        guard areBehind, Set(slices.map(\.stream)).count == slices.count else { return nil }
        streams = slices.map { reader.summary.streams[$0.stream].labels }
        times = low...high
        self.bytes = bytes
    }
}

/// Those of one segment, found when they are first asked for.
final class SharedFrames: Sendable {
    private let reader: SegmentReader
    private let found = Mutex<[SharedFrame?]?>(nil)

    init(_ reader: SegmentReader) { self.reader = reader }

    /// By frame.
    var all: [SharedFrame?] {
        found.withLock { found in
            if let found { return found }
            let frames = (0..<reader.frameCount).map { SharedFrame(reader, $0) }
            found = frames
            return frames
        }
    }
}
