import LogModel

/// Samples by series and stretch of time: what one worker has gathered.
struct SampleTable: Sendable {
    private let kind: Accumulator.Kind
    private(set) var labels: [Labels] = []
    private var ids: [Labels: Int] = [:]
    private var cells: [Accumulator] = []
    /// Of each series: its first cell. Of many series one is all they have.
    private var firsts: [(stretch: Int, cell: Int)?] = []
    /// Of each series: its other cells by stretch.
    private var others: [[Int: Int]] = []
    /// Of each series: the cell that was used last. Rows ascend in time, so the next one mostly
    /// falls into the same.
    private var recent: [(stretch: Int, cell: Int)] = []
    /// Cells that were used lately, each at a slot that its series and stretch give: rows of many small
    /// streams begin anew with each stream.
    private var lately = [(series: Int, stretch: Int, cell: Int)](
        repeating: (-1, -1, -1), count: latelySlots)
    /// A power of two: an hour of minutes by level, about.
    private static let latelySlots = 256
    /// Memory that was added since it was last asked for, in bytes.
    private var grown = 0
    /// All memory that was asked for.
    private(set) var bytes = 0

    init(_ kind: Accumulator.Kind) { self.kind = kind }

    mutating func series(_ set: Labels) -> Int {
        let id = labels.count
        let known = Self.noted(&ids[set, default: id])
        if known != id { return known }
        labels.append(set)
        firsts.append(nil)
        others.append([:])
        recent.append((-1, -1))
        grown += 240 + set.pairs.reduce(0) { $0 + 32 + $1.name.utf8.count + $1.value.utf8.count }
        return id
    }

    /// A series' number; one that is asked for to be changed is looked up and noted in one go.
    private static func noted(_ id: inout Int) -> Int { id }

    private mutating func cell(_ series: Int, _ stretch: Int) -> Int {
        if recent[series].stretch == stretch { return recent[series].cell }
        let slot = (series &* 61 &+ stretch) & (Self.latelySlots - 1)
        let used = lately[slot]
        if used.series == series, used.stretch == stretch {
            recent[series] = (stretch, used.cell)
            return used.cell
        }
        let cell = place(series, stretch) ?? cells.count
        lately[slot] = (series, stretch, cell)
        if cell == cells.count {
            cells.append(Accumulator())
            if firsts[series] == nil {
                firsts[series] = (stretch, cell)
            } else {
                others[series][stretch] = cell
            }
            grown += MemoryLayout<Accumulator>.stride + 32
        }
        recent[series] = (stretch, cell)
        return cell
    }

    private func place(_ series: Int, _ stretch: Int) -> Int? {
        if let first = firsts[series], first.stretch == stretch { return first.cell }
        return others[series][stretch]
    }

    mutating func add(_ sample: Accumulator.Sample, series: Int, stretch: Int) {
        grown += cells[cell(series, stretch)].add(sample, kind)
    }

    mutating func add(count: Int, sum: Double, series: Int, stretch: Int) {
        cells[cell(series, stretch)].add(count: count, sum: sum)
    }

    /// Bytes that it has grown by since the last call, about.
    mutating func takeGrowth() -> Int {
        defer { grown = 0 }
        bytes += grown
        return grown
    }

    mutating func merge(_ other: SampleTable) {
        for (number, set) in other.labels.enumerated() {
            let id = series(set)
            for (stretch, place) in other.places(of: number) {
                cells[cell(id, stretch)].merge(other.cells[place])
            }
        }
    }

    /// A series' cells, ascending by stretch.
    private func places(of series: Int) -> [(stretch: Int, cell: Int)] {
        guard let first = firsts[series] else { return [] }
        if others[series].isEmpty { return [first] }
        return ([first] + others[series].map { ($0.key, $0.value) }).sorted {
            $0.stretch < $1.stretch
        }
    }

    /// A series' accumulators, ascending by stretch.
    func cells(of series: Int) -> [(stretch: Int, accumulator: Accumulator)] {
        places(of: series).map { ($0.stretch, cells[$0.cell]) }
    }
}
