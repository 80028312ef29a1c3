/// The slices of a segment: as they lie in it, and by stream. Small streams that are read by time have
/// one in each of several frames.
struct SliceTable: Sendable {
    /// By frame and row.
    private(set) var all: [Slice] = []
    /// Of each frame its first, and the end of all.
    private var frameStarts: [Int32] = []
    /// Places in `all` by stream; empty where `all` has that order too.
    private var places: [Int32] = []
    /// Of each stream its first place, and the end of all.
    private var starts: [Int32] = []
    private var rises: [Bool] = []

    mutating func append(_ slice: Slice) { all.append(slice) }

    mutating func append(_ slices: [Slice]) { all += slices }

    /// Called once, when all are there.
    mutating func finish(streams: Int, frames: Int) {
        // Writers leave them so.
        let isSorted = zip(all, all.dropFirst()).allSatisfy {
            ($0.frame, $0.firstRow) <= ($1.frame, $1.firstRow)
        }
        if !isSorted {
            let order = all.indices.sorted {
                (all[$0].frame, all[$0].firstRow, $0) < (all[$1].frame, all[$1].firstRow, $1)
            }
            all = order.map { all[$0] }
        }
        frameStarts = Self.starts(frames, all.lazy.map(\.frame))
        starts = Self.starts(streams, all.lazy.map(\.stream))
        if !zip(all, all.dropFirst()).allSatisfy({ $0.stream <= $1.stream }) {
            var next = starts
            places = Array(repeating: 0, count: all.count)
            for place in all.indices {
                places[Int(next[all[place].stream])] = Int32(place)
                next[all[place].stream] += 1
            }
        }
        rises = (0..<streams).map { stream in
            let slices = self[stream]
            return zip(slices, slices.dropFirst()).allSatisfy {
                $0.last < $1.first || $1.follows($0) && $0.last == $1.first
            }
        }
    }

    /// Where each of the groups that some sorted or unsorted numbers name begins.
    private static func starts(_ count: Int, _ numbers: some Sequence<Int>) -> [Int32] {
        var starts = [Int32](repeating: 0, count: count + 1)
        for number in numbers { starts[number + 1] += 1 }
        for number in 0..<count { starts[number + 1] += starts[number] }
        return starts
    }

    subscript(stream: Int) -> StreamSlices {
        StreamSlices(
            all: all, places: places, range: Int(starts[stream])..<Int(starts[stream + 1]))
    }

    /// In the order of their rows.
    func ofFrame(_ frame: Int) -> ArraySlice<Slice> {
        all[Int(frameStarts[frame])..<Int(frameStarts[frame + 1])]
    }

    /// True when no two slices of a stream share a time, but for those that lie side by side.
    func rises(_ stream: Int) -> Bool { rises[stream] }

    /// Bytes of memory, about.
    var memory: Int {
        // Whoever reads whole frames keeps the stream of each slice, too.
        all.count * (MemoryLayout<Slice>.stride + 8) + (places.count + starts.count) * 4
            + frameStarts.count * 4 + rises.count
    }
}

/// The slices of one stream, in the order of the segment.
package struct StreamSlices: RandomAccessCollection, Sendable {
    fileprivate let all: [Slice]
    fileprivate let places: [Int32]
    fileprivate let range: Range<Int>

    package var startIndex: Int { range.lowerBound }
    package var endIndex: Int { range.upperBound }
    package subscript(index: Int) -> Slice { all[places.isEmpty ? index : Int(places[index])] }
}
