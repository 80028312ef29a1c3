import LogModel
import LogQL

/// The windows of a range at all steps. Time is cut at every edge of every window, so that what
/// overlapping windows share is gathered once: stretch i is `(edges[i], edges[i + 1]]`.
struct RangeWindows: Sendable {
    /// By step.
    let windows: [Accumulator.Window]
    /// Ascending and unique.
    let edges: [Int64]
    /// First and last stretch of each window, the last excluded.
    private let bounds: [(low: Int, high: Int)]
    /// Of each stretch: whether a window holds it. With a range shorter than the step most have none.
    private let isCovered: [Bool]

    /// `range`, `offset`: nanoseconds. With an anchor all steps have one window.
    init(
        steps: [Int64], range: Int64, offset: Int64, at anchor: TimeAnchor?, _ request: QueryRequest
    ) {
        let windows = steps.map { step in
            let moment =
                switch anchor {
                case .none: step
                case .time(let time): time
                case .start: request.start.nanoseconds
                case .end: request.end.nanoseconds
                }
            let end = Timestamp(nanoseconds: moment).advanced(byNanoseconds: -offset)
            return Accumulator.Window(
                start: end.advanced(byNanoseconds: -range).nanoseconds, end: end.nanoseconds)
        }
        let edges = Set(windows.flatMap { [$0.start, $0.end] }).sorted()
        var index: [Int64: Int] = [:]
        for (i, edge) in edges.enumerated() { index[edge] = i }
        self.windows = windows
        self.edges = edges
        let bounds = windows.map { (low: index[$0.start] ?? 0, high: index[$0.end] ?? 0) }
        var change = [Int](repeating: 0, count: edges.count + 1)
        for bound in bounds {
            change[bound.low] += 1
            change[bound.high] -= 1
        }
        var open = 0
        isCovered = change.map {
            open += $0
            return open > 0
        }
        self.bounds = bounds
    }

    /// The stretch that holds a moment, or nil outside of all windows. `near` is where to look first.
    func stretch(of time: Int64, near: Int) -> Int? {
        if near + 1 < edges.count, edges[near] < time {
            if time <= edges[near + 1] { return isCovered[near] ? near : nil }
            // Times mostly ascend.
            if near + 2 < edges.count, time <= edges[near + 2] {
                return isCovered[near + 1] ? near + 1 : nil
            }
        }
        return span(of: time).stretch
    }

    /// The stretch that holds a moment, or nil outside of all windows, and the times of which that is true
    /// without a break.
    func span(of time: Int64) -> (stretch: Int?, times: ClosedRange<Int64>) {
        // By hand: what is generic is slow from another module.
        var (low, high) = (0, edges.count)
        while low < high {
            let middle = (low + high) / 2
            if edges[middle] < time { low = middle + 1 } else { high = middle }
        }
        let first = low == 0 ? .min : edges[low - 1] + 1
        let last = low == edges.count ? .max : edges[low]
        let isInside = low > 0 && low < edges.count && isCovered[low - 1]
        return (isInside ? low - 1 : nil, first...last)
    }

    /// Calls `body` with each step whose window holds samples and what they come to. `cells` are a
    /// series' accumulators by stretch, ascending.
    func forEachWindow(
        _ cells: [(stretch: Int, accumulator: Accumulator)], _ scan: Scan,
        _ body: (Int, Accumulator) throws(QueryError) -> Void
    ) throws(QueryError) {
        var sliding = SlidingMerge(cells)
        var merged = Accumulator()
        for step in windows.indices {
            if step % Self.stepsBetweenCheckpoints == 0 { try scan.checkpoint() }
            // Steps with an anchor share one window.
            if step == 0 || windows[step] != windows[step - 1] {
                merged = sliding.merge(stretches: bounds[step].low..<bounds[step].high)
            }
            if merged.count > 0 { try body(step, merged) }
        }
    }

    /// Looking at the clock costs as much as a small window.
    private static let stepsBetweenCheckpoints = 16
}

/// Merges the cells of windows whose ends never go back.
///
/// Short windows are merged cell by cell. In long ones that would be quadratic, so what lies before
/// a middle is kept as merged suffixes, and what lies behind it as one sum (the queue of two stacks):
/// a cell is merged twice, however many windows hold it.
private struct SlidingMerge {
    /// Windows of more cells than this slide.
    private static let fewCells = 64

    private let cells: [(stretch: Int, accumulator: Accumulator)]
    /// Cells of the window before.
    private var low = 0
    private var high = 0
    /// `suffixes[i]` is everything from cell `middle - 1 - i` to the middle.
    private var suffixes: [Accumulator] = []
    private var middle = 0
    /// Everything from the middle to `high`.
    private var tail = Accumulator()

    init(_ cells: [(stretch: Int, accumulator: Accumulator)]) { self.cells = cells }

    mutating func merge(stretches: Range<Int>) -> Accumulator {
        while low < cells.count, cells[low].stretch < stretches.lowerBound { low += 1 }
        let before = high
        high = max(high, low)
        while high < cells.count, cells[high].stretch < stretches.upperBound { high += 1 }
        guard high - low > Self.fewCells, cells[low].accumulator.isSmall else {
            // The next long window begins anew.
            middle = 0
            return cells[low..<high].reduce(into: Accumulator()) { $0.merge($1.accumulator) }
        }
        if low >= middle {
            restack()
        } else {
            for cell in cells[max(before, middle)..<high] { tail.merge(cell.accumulator) }
            suffixes.removeLast(max(0, suffixes.count - (middle - low)))
        }
        var merged = suffixes.last ?? Accumulator()
        merged.merge(tail)
        return merged
    }

    private mutating func restack() {
        middle = high
        suffixes = []
        tail = Accumulator()
        for cell in cells[low..<high].reversed() {
            var merged = cell.accumulator
            if let suffix = suffixes.last { merged.merge(suffix) }
            suffixes.append(merged)
        }
    }
}
