import LogModel
import Segment

/// One stream's part of one segment.
struct StreamRun {
    let segment: OpenSegment
    /// Number in the segment.
    let stream: Int
    /// Place in the order of arrival, which decides between entries of equal time.
    let order: Int
    var summary: StreamSummary { segment.reader.summary.streams[stream] }
}

extension Slice {
    /// True when a row of it may have one of some times.
    func meets(_ times: ClosedRange<Int64>) -> Bool {
        last >= times.lowerBound && first <= times.upperBound
    }

    /// Ascends with segments, whose place in the order of arrival is given, and with what lies in them.
    func place(inSegment order: Int) -> UInt64 {
        UInt64(truncatingIfNeeded: order) << 48 | UInt64(truncatingIfNeeded: frame) << 24
            | UInt64(truncatingIfNeeded: firstRow)
    }
}

extension SegmentSummary {
    /// True when a row of it may have one of some times.
    func meets(_ times: ClosedRange<Int64>) -> Bool {
        last >= times.lowerBound && first <= times.upperBound
    }
}

/// The streams of a selection that one segment has.
struct SegmentRuns {
    struct Place {
        /// Number in the selection.
        var stream: Int
        /// Number in the segment.
        var index: Int
    }

    let segment: OpenSegment
    /// Place in the order of arrival.
    let order: Int
    /// Of each stream of the segment its number in the selection, or -1.
    let numbers: [Int32]
    var places: [Place]

    /// Those that have anything inside some times.
    init(
        segment: OpenSegment, order: Int, numbers: [Int32], within times: ClosedRange<Int64>
    ) {
        self.segment = segment
        self.order = order
        self.numbers = numbers
        var places: [Place] = []
        segment.reader.summary.streams.withUnsafeBufferPointer { summaries in
            for index in summaries.indices
            where numbers[index] >= 0 && summaries[index].last >= times.lowerBound
                && summaries[index].first <= times.upperBound
            {
                places.append(Place(stream: Int(numbers[index]), index: index))
            }
        }
        self.places = places
    }

    func run(_ place: Place) -> StreamRun {
        StreamRun(segment: segment, stream: place.index, order: order)
    }
}

/// Finds streams by what a segment says of its own.
struct StreamNumbers {
    private let streams: [Labels]
    /// The last stream with a fingerprint, and for each stream the one before it with the same.
    private var last: [UInt64: Int] = [:]
    private var before: [Int] = []

    init(_ streams: [Labels]) {
        self.streams = streams
        last.reserveCapacity(streams.count)
        before.reserveCapacity(streams.count)
        for (number, labels) in streams.enumerated() {
            before.append(last.updateValue(number, forKey: labels.fingerprint) ?? -1)
        }
    }

    func number(of summary: StreamSummary) -> Int? {
        var number = last[summary.fingerprint] ?? -1
        while number >= 0, streams[number] != summary.labels { number = before[number] }
        return number >= 0 ? number : nil
    }
}
