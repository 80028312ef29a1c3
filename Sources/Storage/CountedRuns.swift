import LogModel
import Segment

/// Streams of which counts per minute tell all that a selection asks for, many in one unit, each with its
/// runs in all segments.
struct CountedRuns {
    /// Streams of one unit.
    private static let most = 2048

    /// What a segment has of them.
    private struct Part {
        var segment: OpenSegment
        /// Of each stream its number in the segment, or -1.
        var indices: [Int32]
    }

    /// Numbers in the selection.
    let streams: [Int]
    private var parts: [Part] = []
    private(set) var times: ClosedRange<Int64>?
    private(set) var bytes = 0

    private init(_ streams: [Int]) { self.streams = streams }

    private mutating func add(_ segment: OpenSegment, _ indices: [Int32]) {
        guard indices.contains(where: { $0 >= 0 }) else { return }
        parts.append(Part(segment: segment, indices: indices))
        for index in indices where index >= 0 {
            let summary = segment.reader.summary.streams[Int(index)]
            times =
                min(
                    times?.lowerBound ?? .max, summary.first)...max(
                    times?.upperBound ?? .min, summary.last)
            bytes += summary.bytes
        }
    }

    /// Of some of the streams, by their places, the numbers in each segment that has any.
    func runs(of places: [Int]) -> [(reader: SegmentReader, streams: [Int])] {
        parts.compactMap { part in
            let streams = places.compactMap {
                part.indices[$0] < 0 ? nil : Int(part.indices[$0])
            }
            return streams.isEmpty ? nil : (part.segment.reader, streams)
        }
    }

    /// Names of metadata that entries may have; nil where a segment does not tell.
    var metadataNames: Set<String>? {
        parts.reduce(into: Set()) { names, part in
            guard let more = part.segment.reader.metadataNames else { return names = nil }
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
                    parts[index].segment,
                    Array(indices[first..<first + counted[unit].streams.count]))
            }
            parts[index].places.removeAll { ranks[$0.stream] >= 0 }
        }
        return counted
    }
}
