import LogModel
import Segment

/// Runs of small streams that lie side by side in one frame, and overlap nothing else of their streams:
/// read one by one, thousands of them would cost more than what is in them.
struct JoinedRuns {
    /// Of fewer streams than this each is read by itself.
    static let fewStreams = 64

    let segment: OpenSegment
    private let order: Int
    /// Of each stream of the segment its number in the selection.
    let numbers: [Int32]
    private(set) var streams: [Labels]
    /// Of each stream its only one; they ascend.
    private(set) var slices: ArraySlice<Slice>
    private(set) var times: ClosedRange<Int64>
    /// Of lines.
    private(set) var bytes: Int

    /// Ascends with segments and frames.
    var place: UInt64 { slices[slices.startIndex].place(inSegment: order) }
    var frame: Int { slices[slices.startIndex].frame }

    private init(_ part: SegmentRuns, _ frame: SharedFrame) {
        segment = part.segment
        order = part.order
        numbers = part.numbers
        streams = frame.streams
        slices = frame.slices
        times = frame.times
        bytes = frame.bytes
    }

    /// The part of a frame that some of its streams have within some times; nil where that is nothing.
    private init?(
        _ part: SegmentRuns, _ frame: SharedFrame, of isWanted: [Bool],
        within times: ClosedRange<Int64>
    ) {
        segment = part.segment
        order = part.order
        numbers = part.numbers
        var slices: [Slice] = []
        slices.reserveCapacity(frame.slices.count)
        streams = []
        streams.reserveCapacity(frame.slices.count)
        var (low, high, bytes) = (Int64.max, Int64.min, 0)
        for (slice, labels) in zip(frame.slices, frame.streams)
        where isWanted[slice.stream] && slice.meets(times) {
            slices.append(slice)
            streams.append(labels)
            (low, high, bytes) = (min(low, slice.first), max(high, slice.last), bytes + slice.bytes)
        }
        guard !slices.isEmpty else { return nil }
        self.slices = slices[...]
        self.times = low...high
        self.bytes = bytes
    }

    /// `room`: how many slices there may come, about.
    private init(_ part: SegmentRuns, _ slice: Slice, room: Int) {
        segment = part.segment
        order = part.order
        numbers = part.numbers
        streams = []
        streams.reserveCapacity(room)
        streams.append(segment.reader.summary.streams[slice.stream].labels)
        slices = []
        slices.reserveCapacity(room)
        slices.append(slice)
        times = slice.first...slice.last
        bytes = slice.bytes
    }

    private mutating func add(_ slice: Slice) {
        streams.append(segment.reader.summary.streams[slice.stream].labels)
        slices.append(slice)
        times = min(times.lowerBound, slice.first)...max(times.upperBound, slice.last)
        bytes += slice.bytes
    }

    private func isBehind(_ slice: Slice) -> Bool {
        let last = slices[slices.endIndex - 1]
        return last.firstRow + last.rows <= slice.firstRow
    }

    /// Takes the runs that can be joined from those of a selection, as far as they lie in its `times`.
    /// `alone`: the streams that overlap nothing. `mayHold`: whether a frame need be looked at.
    static func take(
        from parts: inout [SegmentRuns], alone: [Bool], times: ClosedRange<Int64>,
        mayHold: (OpenSegment, Int) throws -> Bool
    ) rethrows -> [JoinedRuns] {
        var joined: [JoinedRuns] = []
        for index in parts.indices {
            let part = parts[index]
            let reader = part.segment.reader
            var isJoined = [Bool](repeating: false, count: reader.summary.streams.count)
            var left: [SegmentRuns.Place] = []
            for place in part.places {
                if alone[place.stream], reader.rises(stream: place.index),
                    reader.summary.streams[place.index].bytes <= SharedFrame.smallStream
                {
                    isJoined[place.index] = true
                } else {
                    left.append(place)
                }
            }
            guard left.count < part.places.count else { continue }
            parts[index].places = left
            let areAll = left.isEmpty && part.places.count == isJoined.count
            let shared = part.segment.shared.all
            for frame in 0..<reader.frameCount
            where try shared[frame]?.times.overlaps(times) ?? true && mayHold(part.segment, frame) {
                if let shared = shared[frame] {
                    let areInTime = shared.times.clamped(to: times) == shared.times
                    let run =
                        areAll && areInTime
                        ? JoinedRuns(part, shared)
                        : JoinedRuns(part, shared, of: isJoined, within: times)
                    if let run { joined.append(run) }
                    continue
                }
                let isThere = reader.slices(ofFrame: frame).contains {
                    isJoined[$0.stream] && $0.meets(times)
                }
                guard isThere else { continue }
                joined += runs(part, reader.wideSlices(ofFrame: frame), isJoined, times)
            }
        }
        return joined
    }

    /// Mostly one: of each stream one slice, in the order of the rows.
    private static func runs(
        _ part: SegmentRuns, _ slices: [Slice], _ isJoined: [Bool], _ times: ClosedRange<Int64>
    ) -> [JoinedRuns] {
        var joined: [JoinedRuns] = []
        // Not in the list: it would be copied with each slice.
        var open: JoinedRuns?
        var seen: Set<Int> = []
        var isRising = true
        // For the first, which mostly is the only one.
        var room = slices.count { isJoined[$0.stream] && $0.meets(times) }
        for slice in slices where isJoined[slice.stream] && slice.meets(times) {
            // Writers put streams in the order of their numbers, but for those that come late.
            if isRising, let open, open.slices[open.slices.endIndex - 1].stream >= slice.stream {
                isRising = false
                seen = Set(open.slices.map(\.stream))
            }
            if open?.isBehind(slice) ?? false, isRising || !seen.contains(slice.stream) {
                open?.add(slice)
                if !isRising { seen.insert(slice.stream) }
            } else {
                if let open { joined.append(open) }
                open = JoinedRuns(part, slice, room: room)
                room = 1
                (seen, isRising) = ([], true)
            }
        }
        if let open { joined.append(open) }
        return joined
    }
}

extension [SegmentRuns] {
    /// Of each stream whether its runs overlap nothing, as far as can be told, and nothing of them is cut off
    /// by retention: `firsts` are the first times that are wanted, of a selection that begins at `start`.
    func alone(_ firsts: [Int64], start: Int64) -> [Bool] {
        var isAlone = [Bool](repeating: true, count: firsts.count)
        var ends = [Int64](repeating: .min, count: firsts.count)
        let inTime = sorted {
            $0.segment.reader.summary.first < $1.segment.reader.summary.first
        }
        for part in inTime {
            part.segment.reader.summary.streams.withUnsafeBufferPointer { summaries in
                for place in part.places {
                    let (first, last) = (summaries[place.index].first, summaries[place.index].last)
                    let stream = place.stream
                    if first <= ends[stream] || firsts[stream] > start && firsts[stream] > first {
                        isAlone[stream] = false
                    }
                    ends[stream] = Swift.max(ends[stream], last)
                }
            }
        }
        return isAlone
    }
}
