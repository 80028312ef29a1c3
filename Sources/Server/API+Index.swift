import LogModel
import Query
import Storage
import Wire

/// Asking how much there is.
extension API {
    func indexStats(_ call: Call) async throws(WireError) -> Answer {
        let tenant = try tenancy.tenant(call.header(Tenancy.header))
        let parameters = try await call.parameters()
        let (start, end) = try span(parameters)
        let matchers = try Self.selector(parameters["query"])
        let stats = try await stored(call) {
            try store.indexStats(tenant: tenant, matchers: matchers, start: start, end: end)
        }
        return Answer(
            json: Array(
                """
                {"streams":\(stats.streams),"chunks":\(stats.chunks),\
                "bytes":\(stats.bytes),"entries":\(stats.entries)}
                """.utf8))
    }

    func volume(_ call: Call, isRange: Bool) async throws(WireError) -> Answer {
        let tenant = try tenancy.tenant(call.header(Tenancy.header))
        let parameters = try await call.parameters()
        let (start, end) = try span(parameters)
        var limit = try parameters.integer("limit", default: 100)
        guard limit >= 0 else { throw .badRequest("limit must be a positive value") }
        if limit == 0 { limit = 100 }
        let targets = parameters["targetLabels"].split(separator: ",").map(String.init)
        let byLabels: Bool
        switch parameters["aggregateBy"] {
        case "", "series": byLabels = false
        case "labels": byLabels = true
        default: throw .badRequest("invalid aggregation option")
        }
        let step = isRange ? try parameters.step(start: start, end: end) : nil
        if let step, (end.nanoseconds - start.nanoseconds) / step > limits.maxPointsPerSeries {
            throw .badRequest(limits.tooManyPoints)
        }
        let text = parameters["query"]
        let matchers = Self.isEverything(text) ? [] : try Self.selector(text)
        let count = limit
        let series = try await stored(call) {
            var volume = Volume(
                matchers: matchers, targets: targets, byLabels: byLabels, start: start, end: end,
                step: step)
            try volume.add(from: store, tenant: tenant)
            return volume.series(limit: count)
        }
        // As in Loki: without a second point anywhere it is a vector.
        let isMatrix = series.contains { $0.points.count > 1 }
        return Answer(
            json: ResultEncoding.encode(
                isMatrix ? .matrix(series) : .vector(series), QueryStats(), flags: []))
    }
}

/// Bytes of lines by label, over time: `/index/volume` and `/index/volume_range`.
private struct Volume {
    private let selection: [Matcher]
    private let names: [String]
    private let everyName: Bool
    private let byLabels: Bool
    private let start: Timestamp
    private let end: Timestamp
    private let step: Int64
    /// Bytes by bucket.
    private var bytes: [Labels: [Int: Int]] = [:]

    init(
        matchers: [Matcher], targets: [String], byLabels: Bool, start: Timestamp, end: Timestamp,
        step: Int64?
    ) {
        // A target that no matcher names must be there.
        let missing = targets.filter { name in !matchers.contains { $0.name == name } }
        selection = matchers + missing.compactMap { try? Matcher($0, .notEqual, "") }
        names = targets.isEmpty ? matchers.map(\.name) : targets
        everyName = targets.isEmpty && (matchers.isEmpty || byLabels)
        self.byLabels = byLabels
        self.start = start
        self.end = end
        self.step = step ?? max(1, end.nanoseconds - start.nanoseconds)
    }

    mutating func add(from source: some LogSource, tenant: String) throws {
        let units = try source.plan(
            Selection(
                tenant: tenant, matchers: selection, start: start,
                end: end.advanced(byNanoseconds: 1), projection: .minuteCounts))
        for unit in units {
            let keys = keys(unit.streams[0])
            if let minutes = try unit.minutes?(0) {
                for minute in minutes { add(minute.bytes, at: minute.start, keys) }
            } else {
                let entries = try unit.load(.timestampsAndLengths)
                for row in 0..<entries.count {
                    add(entries.lineRange(row).count, at: entries.timestamps[row], keys)
                }
            }
        }
    }

    private func bucket(_ time: Int64) -> Int {
        let last = max(0, end.nanoseconds - start.nanoseconds - 1) / step
        return Int(min(max(0, time - start.nanoseconds) / step, last))
    }

    private mutating func add(_ count: Int, at time: Int64, _ keys: [Labels]) {
        let bucket = bucket(time)
        for key in keys { bytes[key, default: [:]][bucket, default: 0] += count }
    }

    private func keys(_ labels: Labels) -> [Labels] {
        let pairs = everyName ? labels.pairs : labels.pairs.filter { names.contains($0.name) }
        // Loki names a label here by a metric with that label, empty.
        return byLabels
            ? pairs.map { Labels(sorted: [Label($0.name, "")]) } : [Labels(sorted: pairs)]
    }

    /// The largest first.
    func series(limit: Int) -> [Series] {
        var all = bytes.map { labels, buckets in
            Series(
                labels: labels,
                points: buckets.sorted { $0.key < $1.key }.map { index, count in
                    let close = start.advanced(byNanoseconds: (Int64(index) + 1) * step)
                    return Point(
                        milliseconds: min(close, end).nanoseconds / Nanoseconds.millisecond,
                        value: Double(count))
                })
        }
        all.sort { a, b in
            let (x, y) = (a.points.first?.value ?? 0, b.points.first?.value ?? 0)
            return x == y ? a.labels.description < b.labels.description : x > y
        }
        return Array(all.prefix(limit))
    }
}
