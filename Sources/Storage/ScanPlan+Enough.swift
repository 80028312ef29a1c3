import LogModel
import Segment

// Reading no further than the first so many rows lie.
extension ScanPlan {
    /// Cuts off the times in which no row can lie that is among the first, when so many are enough. Rows are
    /// counted by slices that lie wholly inside the times and in no other run's of their stream, which might
    /// have the same rows: whatever else there is only comes on top. `alone` tells the streams of which
    /// nothing overlaps, `firsts` from when on each is wanted.
    mutating func cutTimes(_ runs: [SegmentRuns], alone: [Bool], _ firsts: [Int64]) {
        guard let enough = selection.enough, common.isEmpty, selection.parsed == nil,
            firsts.count <= Self.mostStreams
        else { return }
        let isBackward = selection.direction == .backward
        var reach = Reach(enough: enough, isBackward: isBackward)
        let others = Self.overlapping(runs, alone)
        let inOrder = runs.sorted {
            let (a, b) = ($0.segment.reader.summary, $1.segment.reader.summary)
            return isBackward ? a.last > b.last : a.first < b.first
        }
        for part in inOrder {
            let reader = part.segment.reader
            if reach.isBefore(isBackward ? reader.summary.last : reader.summary.first) { break }
            for place in part.places {
                let others = others[place.stream, default: []]
                for slice in reader.slices(ofStream: place.index)
                where slice.first >= max(first, firsts[place.stream]) && slice.last <= last
                    && !reach.isBefore(isBackward ? slice.first : slice.last)
                    && !others.contains(where: { $0.order != part.order && slice.meets($0.times) })
                { reach.take(slice) }
            }
        }
        guard let end = reach.end else { return }
        if isBackward { first = max(first, end) } else { last = min(last, end) }
        guard let trace = selection.trace else { return }
        for part in runs where !part.places.isEmpty {
            let isNeeded = part.places.contains {
                let summary = part.segment.reader.summary.streams[$0.index]
                return summary.last >= first && summary.first <= last
            }
            if !isNeeded { trace.note(part.segment.reader, .notNeeded) }
        }
    }

    /// The first rows of thousands of streams lie in all of their slices: to look for them costs more than it
    /// spares.
    private static let mostStreams = 1024

    private typealias RunTimes = (order: Int, times: ClosedRange<Int64>)

    /// The runs of each stream that is not alone.
    private static func overlapping(_ runs: [SegmentRuns], _ alone: [Bool]) -> [Int: [RunTimes]] {
        var lists: [Int: [RunTimes]] = [:]
        for part in runs {
            for place in part.places where !alone[place.stream] {
                let summary = part.segment.reader.summary.streams[place.index]
                lists[place.stream, default: []].append((part.order, summary.first...summary.last))
            }
        }
        return lists
    }

    /// The slices that lie first, as long as they are needed for enough rows.
    private struct Reach {
        let enough: Int
        let isBackward: Bool
        /// Where each ends, in the order of reading, and how many rows it has.
        private var taken: [(end: Int64, rows: Int)] = []
        private var rows = 0
        /// Where the last row lies that may be needed; nil while there are too few.
        private(set) var end: Int64?

        init(enough: Int, isBackward: Bool) {
            self.enough = enough
            self.isBackward = isBackward
        }

        /// True when all that is needed lies before a time.
        func isBefore(_ time: Int64) -> Bool {
            guard let end else { return false }
            return isBackward ? end > time : end < time
        }

        mutating func take(_ slice: Slice) {
            taken.append((isBackward ? slice.first : slice.last, slice.rows))
            rows += slice.rows
            // Rarely: each time half of what there is goes.
            if rows / 2 >= enough || end == nil && rows >= enough { cut() }
        }

        private mutating func cut() {
            taken.sort { isBackward ? $0.end > $1.end : $0.end < $1.end }
            var found = 0
            for index in taken.indices {
                found += taken[index].rows
                guard found >= enough else { continue }
                end = taken[index].end
                taken.removeLast(taken.count - index - 1)
                break
            }
            rows = found
        }
    }
}
