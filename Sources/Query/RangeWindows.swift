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
        bounds = windows.map { (index[$0.start] ?? 0, index[$0.end] ?? 0) }
    }

    /// The stretch that holds a moment, or nil outside of all. `near` is where to look first.
    func stretch(of time: Int64, near: Int) -> Int? {
        if near + 1 < edges.count, edges[near] < time, time <= edges[near + 1] { return near }
        let at = edges.partition { $0 < time }
        return at == 0 || at == edges.count ? nil : at - 1
    }

    /// Calls `body` with each step whose window holds samples and what they come to. `cells` are a
    /// series' accumulators by stretch, ascending.
    func forEachWindow(
        _ cells: [(stretch: Int, accumulator: Accumulator)], _ body: (Int, Accumulator) -> Void
    ) {
        var merged = Accumulator()
        for step in windows.indices {
            // Steps with an anchor share one window.
            if step == 0 || windows[step] != windows[step - 1] {
                let (low, high) = bounds[step]
                merged = Accumulator()
                var at = cells.partition { $0.stretch < low }
                while at < cells.count, cells[at].stretch < high {
                    merged.merge(cells[at].accumulator)
                    at += 1
                }
            }
            if merged.count > 0 { body(step, merged) }
        }
    }
}
