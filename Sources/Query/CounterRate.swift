/// The rate of a counter that may have been reset.
enum CounterRate {
    /// Prometheus' extrapolated rate: the increase that was seen, stretched to the window's edges
    /// where the samples reach near enough, but not below zero. Nil for fewer than two samples.
    /// `samples` ascend.
    static func of(_ samples: [Accumulator.Sample], _ window: Accumulator.Window) -> Double? {
        guard samples.count >= 2, let first = samples.first, let last = samples.last,
            last.time > first.time
        else { return nil }
        var increase = last.value - first.value
        for (before, after) in zip(samples, samples.dropFirst()) where after.value < before.value {
            increase += before.value
        }
        let sampled = Double(last.time - first.time) / 1e9
        let average = sampled / Double(samples.count - 1)
        var toStart = Double(first.time - window.start) / 1e9
        let toEnd = Double(window.end - last.time) / 1e9
        if increase > 0, first.value >= 0 {
            toStart = min(toStart, sampled * first.value / increase)
        }
        let near = average * 1.1
        let stretched =
            sampled + (toStart < near ? toStart : average / 2)
            + (toEnd < near ? toEnd : average / 2)
        return increase * stretched / sampled / window.seconds
    }
}
