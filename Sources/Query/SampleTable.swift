import LogModel

/// Samples by series and stretch of time: what one worker has gathered.
struct SampleTable: Sendable {
    private let kind: Accumulator.Kind
    private(set) var labels: [Labels] = []
    private var ids: [Labels: Int] = [:]
    private var cells: [Accumulator] = []
    /// Of each series: its cells by stretch.
    private var places: [[Int: Int]] = []
    /// Of each series: the cell that was used last. Rows ascend in time, so the next one mostly
    /// falls into the same.
    private var recent: [(stretch: Int, cell: Int)] = []
    /// Memory that was added since it was last asked for, in bytes.
    private var grown = 0
    /// All memory that was asked for.
    private(set) var bytes = 0

    init(_ kind: Accumulator.Kind) { self.kind = kind }

    mutating func series(_ set: Labels) -> Int {
        if let known = ids[set] { return known }
        let id = labels.count
        ids[set] = id
        labels.append(set)
        places.append([:])
        recent.append((-1, -1))
        grown += 240 + set.pairs.reduce(0) { $0 + 32 + $1.name.utf8.count + $1.value.utf8.count }
        return id
    }

    private mutating func cell(_ series: Int, _ stretch: Int) -> Int {
        if recent[series].stretch == stretch { return recent[series].cell }
        let cell = places[series][stretch] ?? cells.count
        if cell == cells.count {
            cells.append(Accumulator())
            places[series][stretch] = cell
            grown += MemoryLayout<Accumulator>.stride + 32
        }
        recent[series] = (stretch, cell)
        return cell
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
        for (set, stretches) in zip(other.labels, other.places) {
            let id = series(set)
            for stretch in stretches.keys.sorted() {
                guard let place = stretches[stretch] else { continue }
                cells[cell(id, stretch)].merge(other.cells[place])
            }
        }
    }

    /// A series' accumulators, ascending by stretch.
    func cells(of series: Int) -> [(stretch: Int, accumulator: Accumulator)] {
        places[series].sorted { $0.key < $1.key }.map { ($0.key, cells[$0.value]) }
    }
}
