import LogModel
import Segment

// Reading no further than the first so many rows lie.
extension ScanPlan {
    /// The segments that a selection needs when so many rows are enough: those behind are left out, and their
    /// times cut off. Rows count of segments that lie wholly inside the times and share none with
    /// another: whatever else there is only comes on top.
    mutating func needed(
        of segments: [OpenSegment], _ list: StreamList, _ cut: RetentionCut
    ) -> [OpenSegment] {
        guard let enough = selection.enough, common.isEmpty, selection.parsed == nil,
            cut.latest <= last
        else { return segments }
        let isBackward = selection.direction == .backward
        let times = max(first, cut.latest)...last
        let inOrder = segments.sorted {
            let (a, b) = ($0.reader.summary, $1.reader.summary)
            return isBackward ? a.last > b.last : a.first < b.first
        }
        var rows = 0
        // Where the segments before one end.
        var reach = isBackward ? Int64.max : Int64.min
        for (place, segment) in inOrder.enumerated() {
            let summary = segment.reader.summary
            let next = place + 1 < inOrder.count ? inOrder[place + 1].reader.summary : nil
            let isAlone =
                isBackward
                ? summary.last < reach && next.map { $0.last < summary.first } ?? true
                : summary.first > reach && next.map { $0.first > summary.last } ?? true
            reach = isBackward ? min(reach, summary.first) : max(reach, summary.last)
            guard isAlone, times.contains(summary.first), times.contains(summary.last) else {
                continue
            }
            let numbers = list.numbers(in: segment)
            // Of slices: what the directory says of streams was held against nothing in early versions.
            for slice in segment.reader.allSlices where numbers[slice.stream] >= 0 {
                rows += slice.rows
            }
            guard rows >= enough else { continue }
            first = isBackward ? max(first, summary.first) : first
            last = isBackward ? last : min(last, summary.last)
            if let trace = selection.trace {
                for rest in inOrder[(place + 1)...]
                where !SegmentRuns(
                    segment: rest, order: 0, numbers: list.numbers(in: rest), within: times
                ).places.isEmpty { trace.note(rest.reader, .notNeeded) }
            }
            return segments.filter { $0.reader.summary.meets(first...last) }
        }
        return segments
    }

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
