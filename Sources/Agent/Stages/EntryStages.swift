import LogModel
import LogQL
import Pipeline

/// The rules of one source, ready to run. Owned by the reading thread.
final class EntryStages {
    private let drop: [(why: String, pipeline: LogPipeline)]
    private let keep: [LogPipeline]
    private let sample: [String: Double]
    private let stages: LogPipeline?
    /// Labels of the stream that a stage takes away by name; others outlive `keep`.
    private let droppedNames: Set<String>
    private let redactions: [Redaction]
    private let taken: Set<String>
    private var result = PipelineResult()
    /// Label sets that a pipeline remembers until it forgets them all.
    private static let maxLabelSets = 10_000

    /// `taken`: labels whose values are taken from the text.
    init(_ rules: EntryRules, taken: Set<String> = []) {
        self.taken = taken
        drop = rules.drop.map { ("drop: " + $0.text, Self.compiled($0.stages)) }
        keep = rules.keep.map { Self.compiled($0.stages) }
        sample = rules.sample
        stages = rules.stages.isEmpty ? nil : Self.compiled(rules.stages)
        redactions = rules.redactions
        var names: Set<String> = []
        for case .drop(let list) in rules.stages.map(\.kind) { names.formUnion(list.map(\.name)) }
        for case .labelFormat(let list) in rules.stages.map(\.kind) {
            // A renamed label is not there under its old name.
            for case .label(let source) in list.map(\.value) { names.insert(source) }
        }
        droppedNames = names
    }

    private static func compiled(_ stages: [Stage]) -> LogPipeline {
        guard let pipeline = try? LogPipeline(stages: stages) else {
            preconditionFailure("stages are compiled once when the configuration is read")
        }
        return pipeline
    }

    /// Changes items in place; those that are not to be shipped lose their text. `levels`: of the
    /// items' headers, as long as they.
    func run(_ items: inout [Shipment.Item], levels: [String?]) {
        var left = Array(items.indices)
        for (why, pipeline) in drop {
            let passed = passing(pipeline, items, left)
            for index in left where passed.contains(index) { Self.drop(&items[index], why) }
            left.removeAll { passed.contains($0) }
        }
        if !keep.isEmpty {
            var passed: Set<Int> = []
            for pipeline in keep {
                passed.formUnion(passing(pipeline, items, left.filter { !passed.contains($0) }))
            }
            for index in left where !passed.contains(index) {
                Self.drop(&items[index], "keep: passes no filter")
            }
            left.removeAll { !passed.contains($0) }
        }
        if !sample.isEmpty {
            left.removeAll { index in
                guard let level = Self.level(of: items[index], levels[index]),
                    let rate = sample[level], !Self.isChosen(items[index], rate)
                else { return false }
                Self.drop(&items[index], "sample: \(level) \(rate)")
                return true
            }
        }
        if let stages { left = transform(stages, &items, left) }
        for index in left { for one in redactions { one.apply(to: &items[index], taken: taken) } }
    }

    private static func drop(_ item: inout Shipment.Item, _ why: String) {
        item.dropped = Dropped(why: why, bytes: item.to - item.from)
        item.text = []
        item.metadata = .empty
    }

    /// Calls `body` with runs of items that share their labels, as the pipelines take them.
    private func eachRun(
        _ items: [Shipment.Item], _ indices: [Int],
        _ body: (Labels, Entries, ArraySlice<Int>) -> Void
    ) {
        var start = 0
        while start < indices.count {
            let labels = items[indices[start]].labels
            var entries = Entries()
            var end = start
            while end < indices.count, items[indices[end]].labels == labels {
                let item = items[indices[end]]
                entries.append(
                    timestamp: item.timestamp, line: item.text, metadata: item.metadata)
                end += 1
            }
            body(labels, entries, indices[start..<end])
            start = end
        }
    }

    private func passing(
        _ pipeline: LogPipeline, _ items: [Shipment.Item], _ indices: [Int]
    ) -> Set<Int> {
        var passed: Set<Int> = []
        eachRun(items, indices) { labels, entries, run in
            evaluate(pipeline, labels, entries) {
                for row in result.rows { passed.insert(run[run.startIndex + row]) }
            }
        }
        return passed
    }

    /// Puts what comes out of the stages into the items; those that remain.
    private func transform(
        _ pipeline: LogPipeline, _ items: inout [Shipment.Item], _ indices: [Int]
    ) -> [Int] {
        var remaining: [Int] = []
        let given = items
        eachRun(given, indices) { labels, entries, run in
            evaluate(pipeline, labels, entries) {
                for (at, row) in result.rows.enumerated() {
                    let index = run[run.startIndex + row]
                    remaining.append(index)
                    put(pipeline.labels[result.labelIDs[at]], result.lines[at], &items[index])
                }
            }
        }
        let stay = Set(remaining)
        for index in indices where !stay.contains(index) { Self.drop(&items[index], "stages") }
        return remaining
    }

    /// Labels of the stream stay labels; whatever else there is becomes structured metadata. What
    /// begins with `__` is a pipeline's own.
    private func put(_ found: ResultLabels, _ line: [UInt8], _ item: inout Shipment.Item) {
        item.text = line
        var labels = found.stream.pairs
        let names = Set(labels.map(\.name))
        let elsewhere = found.metadata.pairs + found.parsed.pairs
        var metadata: [Label] = []
        for label in elsewhere where !label.name.hasPrefix("__") {
            // A label that a stage has set anew is still one of the stream.
            if item.labels[label.name] != nil {
                labels.append(label)
            } else {
                metadata.append(label)
            }
        }
        for label in item.labels.pairs
        where !names.contains(label.name) && !droppedNames.contains(label.name)
            && !labels.contains(where: { $0.name == label.name })
        {
            labels.append(label)
        }
        item.labels = labels.isEmpty ? item.labels : Labels(labels)
        item.metadata = metadata.isEmpty ? .empty : Labels(metadata)
    }

    /// A log query fails for no row.
    private func evaluate(
        _ pipeline: LogPipeline, _ labels: Labels, _ entries: Entries, _ body: () -> Void
    ) {
        if pipeline.labels.count > Self.maxLabelSets { pipeline.forgetLabels() }
        var next = 0
        while next < entries.count {
            result.removeAll()
            guard
                let after = try? pipeline.run(
                    streams: [labels], entries: entries, from: next, into: &result)
            else { return }
            body()
            next = after
        }
    }

    /// As headers write it, or as a field found it, in the words of `sample`.
    private static func level(of item: Shipment.Item, _ header: String?) -> String? {
        (header ?? item.metadata["level"] ?? item.labels["level"]).map(level)
    }

    static func level(_ text: String) -> String {
        let small = text.lowercased()
        return small == "warning" ? "warn" : small
    }

    /// By the content and the place of an entry, so that it is chosen again.
    private static func isChosen(_ item: Shipment.Item, _ rate: Double) -> Bool {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        func mix(_ byte: UInt8) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        for byte in item.text { mix(byte) }
        for shift in stride(from: 0, to: 64, by: 8) {
            mix(UInt8(truncatingIfNeeded: item.from >> Int64(shift)))
        }
        // The upper bits of this hash depend little on the last bytes.
        hash = (hash ^ hash >> 33) &* 0xff51_afd7_ed55_8ccd
        hash = (hash ^ hash >> 33) &* 0xc4ce_b9fe_1a85_ec53
        hash ^= hash >> 33
        return Double(hash >> 11) / Double(1 << 53) < rate
    }
}
