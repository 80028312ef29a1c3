import LogModel
import LogQL

/// Adds up what minutes say by series and stretch of time, before a table takes it: thousands of small
/// streams have many counts and few series.
struct MinuteTally {
    /// Numbers that are kept before they go to the table: what a core's cache holds.
    private static let most = 32_768

    /// What the series of some streams have in common.
    struct Base: Hashable {
        var labels: Labels
        /// Whether each level is a series of its own.
        var byLevel: Bool
    }

    /// Whether minutes tell all labels of these names: one that a stream lacks may be in the metadata, of
    /// which minutes know the level.
    static func areTold(_ unit: ScanUnit, names: [String]) -> Bool {
        let untold = names.filter { name in
            name != detectedLevelName
                && unit.metadataNames.map { $0.contains(name) } ?? true
        }
        return untold.isEmpty
            || unit.streams.allSatisfy { stream in untold.allSatisfy { stream[$0] != nil } }
    }

    /// The series of a unit's streams, with the places of these, in the order of the first ones. Nil where
    /// minutes do not tell enough.
    static func groups(
        _ unit: ScanUnit, names: [String], _ grouping: Grouping?
    ) -> [(base: Base, places: [Int])]? {
        guard areTold(unit, names: names) else { return nil }
        let hasLevel = names.contains(detectedLevelName)
        var groups: [(base: Base, places: [Int])] = []
        var known: [Base: Int] = [:]
        for (place, stream) in unit.streams.enumerated() {
            let base = Base(
                labels: grouping.map { stream.keeping($0.labels) } ?? stream,
                byLevel: hasLevel && stream[detectedLevelName] == nil)
            if let group = known[base] {
                groups[group].places.append(place)
            } else {
                known[base] = groups.count
                groups.append((base, [place]))
            }
        }
        return groups
    }

    /// Whether bytes are summed up, or rows.
    var ofBytes = false
    private let windows: RangeWindows
    private let stretches: Int
    /// Of the table: the series of each slot, and the other way round.
    private var series: [Int] = []
    private var slots: [Int: Int] = [:]
    /// `stretches` of each slot.
    private var rows: [Int] = []
    private var amounts: [Int] = []
    private var sum = (rows: 0, bytes: 0)

    init(_ windows: RangeWindows) {
        self.windows = windows
        stretches = max(1, windows.edges.count - 1)
    }

    var isFull: Bool { rows.count >= Self.most }

    mutating func add(_ run: MinuteRun, _ base: Base, to table: inout SampleTable) {
        let byLevel = base.byLevel
        // Of each level of the run its slot, once it is known.
        var slotOf = [Int](repeating: -1, count: byLevel ? run.levels.count : 1)
        var near = 0
        var (allRows, allBytes) = (0, 0)
        let ofBytes = ofBytes
        run.forEach { start, level, rows, bytes in
            allRows += rows
            allBytes += bytes
            let end = start.addingReportingOverflow(Nanoseconds.minute)
            guard
                let stretch = windows.stretch(
                    of: end.overflow ? .max : end.partialValue, near: near)
            else { return }
            near = stretch
            let level = byLevel ? level : 0
            if slotOf[level] < 0 {
                let name = byLevel ? run.levels[level] ?? "" : ""
                slotOf[level] = slot(
                    of: name.isEmpty ? base.labels : base.labels.setting(detectedLevelName, name),
                    &table)
            }
            let place = slotOf[level] * stretches + stretch
            self.rows[place] += rows
            amounts[place] += ofBytes ? bytes : rows
        }
        sum.rows += allRows
        sum.bytes += allBytes
    }

    private mutating func slot(of labels: Labels, _ table: inout SampleTable) -> Int {
        let id = table.series(labels)
        if let known = slots[id] { return known }
        slots[id] = series.count
        series.append(id)
        rows += repeatElement(0, count: stretches)
        amounts += repeatElement(0, count: stretches)
        return series.count - 1
    }

    /// All rows and bytes that were added since this was asked last.
    mutating func takeSum() -> (rows: Int, bytes: Int) {
        defer { sum = (0, 0) }
        return sum
    }

    /// Puts everything into the table.
    mutating func flush(to table: inout SampleTable) {
        for (slot, id) in series.enumerated() {
            for stretch in 0..<stretches where rows[slot * stretches + stretch] > 0 {
                let place = slot * stretches + stretch
                table.add(
                    count: rows[place], sum: Double(amounts[place]), series: id, stretch: stretch)
            }
        }
        series.removeAll(keepingCapacity: true)
        slots.removeAll(keepingCapacity: true)
        rows.removeAll(keepingCapacity: true)
        amounts.removeAll(keepingCapacity: true)
    }
}
