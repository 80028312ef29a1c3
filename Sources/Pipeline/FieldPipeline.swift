import LogModel

/// Runs the stages of a metric query on values of holes: a parser whose fields lie in holes, and what
/// stands behind it. What a row comes to is remembered by the codes of its values.
///
/// Lines, which rows may also come as, go through the pipeline as ever. Owned by one thread.
package final class FieldPipeline: FieldReader {
    private let pipeline: LogPipeline
    private let parser: CompiledStage
    private let rest: [CompiledStage]
    /// Filters right behind the parser, and what follows them.
    private let filters: [LabelFilterStage]
    private let stream: Labels
    private let group: [String]
    private let programs: FieldPrograms

    @exclusivity(unchecked) package private(set) var result = PipelineResult()
    @exclusivity(unchecked) private var failure: PipelineError?
    @exclusivity(unchecked) private var shapes: [Shape] = []
    private var memos = CodeMemos()
    private var sets: [Labels] = []
    private var streamIDs = LogPipeline.StreamIDs()
    /// By metadata set: the labels that rows come with; nil while not asked for.
    private var bases: [RowLabels?] = []
    /// Rows that were looked at.
    @exclusivity(unchecked) package private(set) var rows = 0

    /// What is known of the rows of a shape.
    private final class Shape {
        let entry: FieldPrograms.Entry
        let quick: QuickShape?
        let hasScalars: Bool
        /// None of the rows has a label otherwise that is named as a field.
        var isClean = false

        init(_ entry: FieldPrograms.Entry, _ quick: QuickShape?) {
            self.entry = entry
            self.quick = quick
            hasScalars = !entry.program.scalars.isEmpty
        }
    }

    /// Where a unit has more metadata sets than this, rows are looked at one by one.
    private static let fewSets = 16

    /// By the number of a shape's names and metadata set: whether none of its labels, and none of the
    /// stream's, is named as a field, or as one that is missing.
    @exclusivity(unchecked) private var clean: [[Bool?]] = []
    /// By metadata set: whether none of its labels is one that rows are grouped by.
    @exclusivity(unchecked) private var isOutsideGroup: [Bool?] = []
    /// By the number of a shape's texts: what groups of the stream have in common.
    private var stems: [Int: Int] = [:]

    /// Nil for pipelines that must see every line: those that keep all labels, or need the line for
    /// more than one parser.
    ///
    /// `programs` are those of the same pipeline over other streams.
    package init?(_ pipeline: LogPipeline, stream: Labels, programs: FieldPrograms) {
        let stages = pipeline.stages.dropFirst(pipeline.leadingFilters.count)
        guard let parser = stages.first, let value = pipeline.value,
            let grouping = pipeline.grouping,
            !grouping.without, pipeline.leadingFilters.allSatisfy(\.condition.isExact),
            !stages.dropFirst().contains(where: \.needsLine)
        else { return nil }
        if case .bytes = value { return nil }
        switch parser {
        case .logfmt, .pattern, .json, .regexp: break
        default: return nil
        }
        self.pipeline = pipeline
        self.parser = parser
        self.stream = stream
        self.programs = programs
        rest = Array(stages.dropFirst())
        var filters: [LabelFilterStage] = []
        for case .labelFilter(let filter) in rest.prefix(while: {
            if case .labelFilter = $0 { true } else { false }
        }) { filters.append(filter) }
        self.filters = filters
        group = grouping.labels
    }

    /// Gives what was found since the last call.
    package func take() throws(PipelineError) -> PipelineResult {
        defer { result.removeAll() }
        if let failure { throw failure }
        return result
    }

    package func begin(metadata sets: [Labels]) {
        self.sets = sets
        shapes = []
        memos = CodeMemos()
        streamIDs = LogPipeline.StreamIDs()
        bases = Array(repeating: nil, count: sets.count)
        isOutsideGroup = Array(repeating: nil, count: sets.count)
        clean = []
    }

    private func makeEntry(_ shape: LineShape) -> (FieldProgram, QuickShape.Plan?)? {
        FieldProgram(parser, shape, pipeline.demand).map { program in
            (
                program,
                filters.count == rest.count
                    ? QuickShape.Plan(program, filters, group, pipeline.value, programs) : nil
            )
        }
    }

    package func wanted(of shape: ShapeOffer) -> WantedFields? {
        guard let entry = programs.entry(shape, make: makeEntry) else { return nil }
        let quick = entry.plan.map {
            QuickShape($0, entry.program, parser, filters, memos, columns: shape.columns)
        }
        let shape = Shape(entry, quick)
        shapes.append(shape)
        var wanted = entry.wanted
        if let quick, sets.count <= Self.fewSets, isClean(shapes.count - 1) {
            shape.isClean = true
            wanted.isNone = quick.dropsAll
        }
        return wanted
    }

    package func take(_ entries: Entries) {
        guard failure == nil else { return }
        rows += entries.count
        var next = 0
        do throws(PipelineError) {
            while next < entries.count {
                next = try pipeline.run(
                    stream: stream, entries: entries, from: next, into: &result)
            }
        } catch { failure = error }
    }

    package func take(
        shape: Int, timestamp: Int64, metadata: Int, _ values: UnsafeBufferPointer<FieldValue>
    ) -> FieldTaking {
        guard failure == nil else { return .taken }
        let known = shapes[shape]
        if known.hasScalars {
            for scalar in known.entry.program.scalars
            where !JSONShape.isScalar(values[scalar].bytes) { return .asLine }
        }
        rows += 1
        if let quick = known.quick, known.isClean || isClean(shape, metadata) {
            switch quick.outcome(values) {
            // Rows with other metadata may have a label of the field's name, which hides it.
            case .dropped: return known.isClean || isClean(shape) ? .unwanted : .taken
            case .passed(let code, let value):
                append(timestamp, id(shape, quick, metadata, code, values), value)
                return .taken
            case .unknown: break
            }
        }
        run(known.entry.program, timestamp, metadata, values)
        return .taken
    }

    /// True when no metadata of any row is named as a field.
    private func isClean(_ shape: Int) -> Bool {
        sets.indices.allSatisfy { isClean(shape, $0) }
    }

    private func id(
        _ shape: Int, _ quick: QuickShape, _ metadata: Int, _ code: Int,
        _ values: UnsafeBufferPointer<FieldValue>
    ) -> Int {
        if let known = quick.id(metadata, code) { return known }
        let id = newID(shape, quick, metadata, values)
        quick.note(id, metadata, code)
        return id
    }

    /// The label set of a group that this chunk has not had yet.
    private func newID(
        _ shape: Int, _ quick: QuickShape, _ metadata: Int,
        _ values: UnsafeBufferPointer<FieldValue>
    ) -> Int {
        let program = shapes[shape].entry.program
        if isOutsideGroup(metadata), let group = quick.groupText(values), !group.text.isEmpty {
            let stem =
                stems[quick.plan.groupTexts]
                ?? pipeline.stem(labels(program, metadata, values), differingIn: group.name)
            stems[quick.plan.groupTexts] = stem
            return pipeline.id(ofStem: stem, group.text, &result)
        }
        return pipeline.id(
            of: labels(program, metadata, values), UInt32(truncatingIfNeeded: metadata),
            &streamIDs, &result)
    }

    private func isOutsideGroup(_ metadata: Int) -> Bool {
        if let known = isOutsideGroup[metadata] { return known }
        let isOutside = sets[metadata].pairs.allSatisfy { !group.contains($0.name) }
        isOutsideGroup[metadata] = isOutside
        return isOutside
    }

    private func append(_ timestamp: Int64, _ id: Int, _ value: Double) {
        result.timestamps.append(timestamp)
        result.labelIDs.append(id)
        result.values.append(value)
        result.rows.append(result.rows.count)
    }

    private func base(_ metadata: Int) -> RowLabels {
        if let known = bases[metadata] { return known }
        let labels = RowLabels(stream: stream, metadata: sets[metadata])
        bases[metadata] = labels
        return labels
    }

    private func isClean(_ shape: Int, _ metadata: Int) -> Bool {
        let entry = shapes[shape].entry
        while clean.count <= entry.names { clean.append(Array(repeating: nil, count: sets.count)) }
        if let known = clean[entry.names][metadata] { return known }
        let labels = base(metadata)
        let isClean =
            labels.error == nil && !entry.program.fields.contains { labels.hasBase($0.name) }
            && !(entry.plan?.missing ?? []).contains { labels.hasBase($0) }
        clean[entry.names][metadata] = isClean
        return isClean
    }

    /// The labels of a row behind the parser.
    private func labels(
        _ program: FieldProgram, _ metadata: Int, _ values: UnsafeBufferPointer<FieldValue>
    ) -> RowLabels {
        var labels = base(metadata)
        for field in program.fields {
            guard let text = parser.text(of: field, values) else { continue }
            if field.skipsEmpty, text.isEmpty { continue }
            labels.extract(field.name, text)
            if pipeline.demand.isMet(by: labels) { break }
        }
        return labels
    }

    /// A row in full.
    private func run(
        _ program: FieldProgram, _ timestamp: Int64, _ metadata: Int,
        _ values: UnsafeBufferPointer<FieldValue>
    ) {
        var row = Row(
            timestamp: timestamp, newLine: nil, labels: labels(program, metadata, values))
        let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
        for stage in rest where !stage.run(&row, nothing, pipeline.demand) { return }
        guard let sample = pipeline.value?.of(&row.labels, lineBytes: 0) else { return }
        do throws(PipelineError) { try pipeline.check(row.labels) } catch {
            failure = error
            return
        }
        let id = pipeline.id(
            of: row.labels, UInt32(truncatingIfNeeded: metadata), &streamIDs, &result)
        append(timestamp, id, sample)
    }
}

extension CompiledStage {
    /// Nil when the row does not have the field.
    func text(
        of field: FieldProgram.Field, _ values: UnsafeBufferPointer<FieldValue>
    ) -> String? {
        if case .regexp(let stage) = self, let group = field.group {
            return field.source.bytes(values).withUnsafeBytes {
                stage.text(ofGroup: group, in: $0)
            }
        }
        if case .value(let place) = field.source {
            return text(of: values[place].bytes, isQuoted: field.isQuoted)
        }
        return field.source.bytes(values).withUnsafeBytes {
            text(of: $0, isQuoted: field.isQuoted)
        }
    }
}
