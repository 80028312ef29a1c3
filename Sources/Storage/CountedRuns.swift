import LogModel
import Segment

/// Streams of which counts per minute tell all that a selection asks for, many in one unit, each with its
/// runs in all segments.
struct CountedRuns {
    /// Streams of one unit.
    private static let most = 2048

    /// What a segment has of them. Segments are told by their places in the list that a plan is made of,
    /// so that what is kept for the next plan keeps none of them open.
    private struct Part {
        var segment: Int
        /// Of each stream its number in the segment, or -1.
        var indices: [Int32]
        /// Those that are there.
        var streams: [Int]
    }

    /// Numbers in the selection.
    let streams: [Int]
    private var parts: [Part] = []
    private(set) var times: ClosedRange<Int64>?
    private(set) var bytes = 0

    private init(_ streams: [Int]) { self.streams = streams }

    private mutating func add(_ run: SegmentRuns, _ indices: [Int32]) {
        let there = indices.filter { $0 >= 0 }.map { Int($0) }
        guard !there.isEmpty else { return }
        parts.append(Part(segment: run.order, indices: indices, streams: there))
        for index in there {
            let summary = run.segment.reader.summary.streams[index]
            times =
                min(
                    times?.lowerBound ?? .max, summary.first)...max(
                    times?.upperBound ?? .min, summary.last)
            bytes += summary.bytes
        }
    }

    /// Of some of the streams, by their places, the numbers in each of the segments that has any.
    func runs(
        of places: [Int], in segments: [OpenSegment]
    ) -> [(reader: SegmentReader, streams: [Int])] {
        let areAll = places.count == streams.count
        return parts.compactMap { part in
            let streams =
                areAll
                ? part.streams
                : places.compactMap { part.indices[$0] < 0 ? nil : Int(part.indices[$0]) }
            return streams.isEmpty ? nil : (segments[part.segment].reader, streams)
        }
    }

    /// Names of metadata that entries may have; nil where a segment does not tell.
    func metadataNames(in segments: [OpenSegment]) -> Set<String>? {
        parts.reduce(into: Set()) { names, part in
            guard let more = segments[part.segment].reader.metadataNames else { return names = nil }
            names?.formUnion(more)
        }
    }

    /// Takes the streams all of whose runs are countable from those of a selection. `alone`: the streams
    /// that overlap nothing.
    static func take(
        from parts: inout [SegmentRuns], alone: [Bool],
        isCountable: (ClosedRange<Int64>) -> Bool
    ) -> [CountedRuns] {
        var isCounted = alone
        var isThere = [Bool](repeating: false, count: alone.count)
        for part in parts {
            let summaries = part.segment.reader.summary.streams
            for place in part.places {
                isThere[place.stream] = true
                if !isCountable(summaries[place.index].first...summaries[place.index].last) {
                    isCounted[place.stream] = false
                }
            }
        }
        let streams = alone.indices.filter { isCounted[$0] && isThere[$0] }
        var counted = stride(from: 0, to: streams.count, by: most).map {
            CountedRuns(Array(streams[$0..<min($0 + most, streams.count)]))
        }
        var ranks = [Int](repeating: -1, count: alone.count)
        for (rank, stream) in streams.enumerated() { ranks[stream] = rank }
        for index in parts.indices {
            var indices = [Int32](repeating: -1, count: streams.count)
            for place in parts[index].places where ranks[place.stream] >= 0 {
                indices[ranks[place.stream]] = Int32(place.index)
            }
            for unit in counted.indices {
                let first = unit * most
                counted[unit].add(
                    parts[index], Array(indices[first..<first + counted[unit].streams.count]))
            }
            parts[index].places.removeAll { ranks[$0.stream] >= 0 }
        }
        return counted
    }
}
