import LogModel
import Segment

/// Runs of small streams that lie side by side in one frame, and overlap nothing else of their streams:
/// read one by one, thousands of them would cost more than what is in them.
struct JoinedRuns {
    /// Of fewer streams than this each is read by itself.
    static let fewStreams = 64

    let segment: OpenSegment
    private let order: Int
    /// Numbers in the selection.
    private(set) var streams: [Int] = []
    /// Of each stream its only one; they ascend.
    private(set) var slices: [Slice] = []
    private(set) var times: ClosedRange<Int64>

    /// Ascends with segments and frames.
    var place: UInt64 { slices[0].place(inSegment: order) }

    private init(_ segment: OpenSegment, _ order: Int, _ stream: Int, _ slice: Slice) {
        self.segment = segment
        self.order = order
        streams = [stream]
        slices = [slice]
        times = slice.first...slice.last
    }

    private mutating func add(_ stream: Int, _ slice: Slice) {
        streams.append(stream)
        slices.append(slice)
        times = min(times.lowerBound, slice.first)...max(times.upperBound, slice.last)
    }

    private func isBehind(_ slice: Slice) -> Bool {
        slices.last.map { $0.frame == slice.frame && $0.firstRow + $0.rows <= slice.firstRow }
            ?? true
    }

    /// Takes the runs that can be joined from those of a selection that begins at `start`. `firsts`: of
    /// each stream the first time that is wanted, later where retention has cut it.
    static func take(
        from parts: inout [SegmentRuns], start: Int64, _ firsts: [Int64]
    ) -> [JoinedRuns] {
        let overlaps = overlapping(parts, firsts.count)
        var joined: [JoinedRuns] = []
        for index in parts.indices {
            let part = parts[index]
            let reader = part.segment.reader
            var left: [SegmentRuns.Place] = []
            var open: JoinedRuns?
            var taken: [SegmentRuns.Place] = []
            func close() {
                if taken.count > 1, let open { joined.append(open) } else { left += taken }
                (open, taken) = (nil, [])
            }
            for place in part.places {
                guard !overlaps[place.stream],
                    let slice = reader.onlySlice(ofStream: place.index),
                    firsts[place.stream] == start || firsts[place.stream] <= slice.first
                else {
                    left.append(place)
                    continue
                }
                if open?.isBehind(slice) ?? false {
                    open?.add(place.stream, slice)
                } else {
                    close()
                    open = JoinedRuns(part.segment, part.order, place.stream, slice)
                }
                taken.append(place)
            }
            close()
            parts[index].places = left
        }
        return joined
    }

    /// Of each stream whether its runs overlap, or may: they are looked at in the order of the segments.
    private static func overlapping(_ parts: [SegmentRuns], _ count: Int) -> [Bool] {
        var overlaps = [Bool](repeating: false, count: count)
        var ends = [Int64](repeating: .min, count: count)
        let inTime = parts.sorted {
            $0.segment.reader.summary.first < $1.segment.reader.summary.first
        }
        for part in inTime {
            let summaries = part.segment.reader.summary.streams
            for place in part.places {
                let (first, last) = (summaries[place.index].first, summaries[place.index].last)
                if first <= ends[place.stream] { overlaps[place.stream] = true }
                ends[place.stream] = max(ends[place.stream], last)
            }
        }
        return overlaps
    }
}
