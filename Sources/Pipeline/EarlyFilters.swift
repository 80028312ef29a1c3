import LogModel

/// A parser and the label filters right behind it: most rows end at the filters, and those need few
/// of the labels that the parser would find.
struct EarlyFilters {
    /// Place of the parser among the stages.
    let first: Int
    private let parser: CompiledStage
    private let filters: [LabelFilterStage]
    private let demand: ParserDemand

    init?(_ stages: [CompiledStage]) {
        guard
            let first = stages.firstIndex(where: {
                if case .lineFilter = $0 { false } else { true }
            })
        else { return nil }
        switch stages[first] {
        case .json, .logfmt, .pattern: parser = stages[first]
        default: return nil
        }
        var filters: [LabelFilterStage] = []
        for stage in stages[(first + 1)...] {
            guard case .labelFilter(let filter) = stage else { break }
            filters.append(filter)
        }
        guard !filters.isEmpty else { return nil }
        self.first = first
        self.filters = filters
        // Lines are read to their end all the same: filters must see errors as they are.
        demand = ParserDemand(Set(filters.flatMap(\.names)), stops: false)
    }

    func pass(_ row: Row, _ line: UnsafeRawBufferPointer) -> Bool {
        var row = row
        _ = parser.run(&row, line, demand)
        return filters.allSatisfy { $0.passes(&row.labels) }
    }
}
