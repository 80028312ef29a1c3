import LogModel

extension EntriesMerge {
    /// Joins ascending runs, with lines or without; nil when two of them share a timestamp, so that
    /// lines must tell whether an entry is there twice.
    package static func interleaved(_ runs: [Entries]) -> Entries? {
        var next = [Int](repeating: 0, count: runs.count)
        var out = Entries()
        while true {
            var first: (run: Int, time: Int64)?
            var limit: Int64?
            for run in runs.indices where next[run] < runs[run].count {
                let time = runs[run].timestamps[next[run]]
                guard let known = first else {
                    first = (run, time)
                    continue
                }
                if time == known.time { return nil }
                limit = min(limit ?? .max, max(time, known.time))
                if time < known.time { first = (run, time) }
            }
            guard let first else { return out }
            let rest = runs[first.run].timestamps[next[first.run]...]
            let end = limit.map { limit in rest.partition { $0 < limit } } ?? rest.endIndex
            if end < rest.endIndex, rest[end] == limit { return nil }
            out.append(runs[first.run], rows: next[first.run]..<end)
            next[first.run] = end
        }
    }
}
