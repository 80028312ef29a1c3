import LogModel

/// What is known of the shapes of a run of rows, and of the labels that the rows come with otherwise.
/// Owned by one thread.
final class ShapeRows {
    private let stages: RowShape.Stages
    private let streams: [Labels]
    private let programs: FieldPrograms
    @exclusivity(unchecked) private var shapes: [RowShape] = []
    private var memos = CodeMemos()
    @exclusivity(unchecked) private(set) var sets: [Labels] = []
    private var setStreams: [UInt32] = []
    /// Names of labels that any row comes with; nil while not asked for.
    private var names: Set<String>?
    /// By the number of a shape's names: whether none of the rows comes with any of them.
    @exclusivity(unchecked) private var absent: [Bool?] = []
    /// By metadata set: the labels that rows come with; nil while not asked for.
    private var bases: [RowLabels?] = []
    /// By the number of a shape's names and metadata set: whether none of its labels, and none of the
    /// stream's, is named as a field, or as one that is missing.
    @exclusivity(unchecked) private var clean: [[Bool?]] = []

    /// `filters` are those right behind the parser.
    init(
        _ parser: CompiledStage, _ filters: [LabelFilterStage], streams: [Labels],
        programs: FieldPrograms
    ) {
        stages = RowShape.Stages(parser, filters)
        self.streams = streams
        self.programs = programs
    }

    func begin(metadata sets: [Labels], streams: [UInt32]) {
        self.sets = sets
        setStreams = streams
        names = nil
        absent.removeAll(keepingCapacity: true)
        shapes = []
        memos = CodeMemos()
        bases = Array(repeating: nil, count: sets.count)
        clean = []
    }

    /// `number` and `columns` are those of a shape that is offered to a reader.
    func wanted(
        of number: Int, columns: UnsafeBufferPointer<Int32>,
        make: () -> (FieldProgram, RowShape.Plan?)?
    ) -> WantedFields? {
        guard let entry = programs.entry(number, make: make) else { return nil }
        let shape = RowShape(entry, stages, memos, columns: columns)
        shapes.append(shape)
        var wanted = entry.wanted
        if entry.plan != nil, hasNoName(of: entry) {
            shape.isClean = true
            wanted.isNone = shape.dropsAll
            wanted.verdicts = entry.plan?.verdicts
        }
        return wanted
    }

    subscript(shape: Int) -> RowShape { shapes[shape] }

    /// True when no row comes with a label that is named as a field, or as one that is missing.
    private func hasNoName(of entry: FieldPrograms.Entry) -> Bool {
        while absent.count <= entry.names { absent.append(nil) }
        if let known = absent[entry.names] { return known }
        let names = namesOfRows()
        let isAbsent =
            !names.contains(RowLabels.error)
            && !entry.program.fields.contains { names.contains($0.name) }
            && !(entry.plan?.missing ?? []).contains { names.contains($0) }
        absent[entry.names] = isAbsent
        return isAbsent
    }

    /// True when no row comes with a label of these names.
    func lacks(_ wanted: [String]) -> Bool {
        let names = namesOfRows()
        return !wanted.contains { names.contains($0) }
    }

    private func namesOfRows() -> Set<String> {
        if let names { return names }
        var found: Set<String> = []
        /// Most label sets have the names of the one before.
        func note(_ list: [Labels], mayBeRenamed: Bool) {
            var before: [Label] = []
            for labels in list {
                let isSame = labels.pairs.elementsEqual(before) { $0.name == $1.name }
                if !isSame {
                    found.formUnion(labels.pairs.lazy.map(\.name))
                    // Metadata that is named as a label of its stream.
                    if mayBeRenamed {
                        found.formUnion(labels.pairs.lazy.map { $0.name + RowLabels.extracted })
                    }
                }
                before = labels.pairs
            }
        }
        note(sets, mayBeRenamed: true)
        note(streams, mayBeRenamed: false)
        names = found
        return found
    }

    func isClean(_ shape: RowShape, _ metadata: Int) -> Bool {
        if shape.isClean { return true }
        let entry = shape.entry
        while clean.count <= entry.names { clean.append(Array(repeating: nil, count: sets.count)) }
        if let known = clean[entry.names][metadata] { return known }
        let labels = base(metadata)
        let isClean =
            labels.error == nil && !entry.program.fields.contains { labels.hasBase($0.name) }
            && !(entry.plan?.missing ?? []).contains { labels.hasBase($0) }
        clean[entry.names][metadata] = isClean
        return isClean
    }

    private func stream(_ metadata: Int) -> Labels {
        streams[setStreams.isEmpty ? 0 : Int(setStreams[metadata])]
    }

    /// The labels that rows of a metadata set come with.
    func base(_ metadata: Int) -> RowLabels {
        if let known = bases[metadata] { return known }
        let labels = RowLabels(stream: stream(metadata), metadata: sets[metadata])
        bases[metadata] = labels
        return labels
    }
}

extension LogPipeline {
    /// The parser behind the filters of lines, the label filters right behind it, and how many stages
    /// that are; nil where the stage is no parser that can read columns.
    var parsing: (parser: CompiledStage, filters: [LabelFilterStage], rest: [CompiledStage])? {
        let stages = stages.dropFirst(leadingFilters.count)
        guard let parser = stages.first else { return nil }
        switch parser {
        case .logfmt, .pattern, .json, .regexp: break
        default: return nil
        }
        let rest = Array(stages.dropFirst())
        var filters: [LabelFilterStage] = []
        for stage in rest {
            guard case .labelFilter(let filter) = stage else { break }
            filters.append(filter)
        }
        return (parser, filters, rest)
    }
}
