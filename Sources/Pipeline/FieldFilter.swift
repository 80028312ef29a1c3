import LogModel

/// Leaves out rows that label filters behind a parser drop, as far as the values of holes tell; the
/// others come as lines, for the whole pipeline. Owned by one thread.
package final class FieldFilter: FieldReader {
    private let parser: CompiledStage
    private let filters: [LabelFilterStage]
    private let demand: ParserDemand
    private let programs: FieldPrograms
    private let shapes: ShapeRows
    /// What is left.
    @exclusivity(unchecked) package private(set) var entries = Entries()

    /// Nil for pipelines without such filters.
    ///
    /// `programs` are those of filters of the same pipeline over other streams.
    package init?(_ pipeline: LogPipeline, streams: [Labels], programs: FieldPrograms) {
        guard let (parser, filters, _) = pipeline.parsing, !filters.isEmpty else { return nil }
        self.parser = parser
        self.filters = filters
        self.programs = programs
        // Lines are read to their end all the same: filters must see errors as they are.
        demand = ParserDemand(Set(filters.flatMap(\.names)), stops: false)
        shapes = ShapeRows(parser, filters, streams: streams, programs: programs)
    }

    package func begin(metadata sets: [Labels], streams: [UInt32]) {
        shapes.begin(metadata: sets, streams: streams)
    }

    package func wanted(
        of number: Int, columns: UnsafeBufferPointer<Int32>, _ shape: () -> LineShape
    ) -> WantedFields? {
        shapes.wanted(of: number, columns: columns) {
            guard let program = FieldProgram(parser, shape(), demand),
                let plan = RowShape.Plan(program, filters, [], .count, programs)
            else { return nil }
            return (program, plan)
        }
    }

    package func take(
        shape: Int, timestamp: Int64, metadata: Int, _ values: UnsafeBufferPointer<FieldValue>
    ) -> FieldTaking {
        let shape = shapes[shape]
        guard shape.isUsual(values), shapes.isClean(shape, metadata),
            case .dropped = shape.outcome(values)
        else { return .asLine }
        return shape.isClean ? .unwanted : .taken
    }

    package func take(_ entries: Entries) {
        self.entries.append(entries, rows: 0..<entries.count)
    }
}
