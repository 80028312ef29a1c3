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
    private let streams: [Labels]
    private let group: [String]
    private let programs: FieldPrograms

    @exclusivity(unchecked) package private(set) var result = PipelineResult()
    @exclusivity(unchecked) private var failure: PipelineError?
    private let shapes: ShapeRows
    private var streamIDs = LogPipeline.StreamIDs()
    /// Rows that were looked at.
    @exclusivity(unchecked) package private(set) var rows = 0

    /// By metadata set: whether none of its labels is one that rows are grouped by.
    @exclusivity(unchecked) private var isOutsideGroup: [Bool?] = []
    /// What rows of a metadata set are grouped by that they come with, as a number; nil while not asked
    /// for.
    @exclusivity(unchecked) private var classes: [Int?] = []
    private var classNumbers: [[String?]: Int] = [:]
    /// Whether no row comes with a label that rows are grouped by; nil while not asked for.
    private var areAllOutside: Bool?

    private struct StemPlace: Hashable {
        /// Number of a shape's texts.
        var texts: Int
        var ofClass: Int
    }
    /// What groups have in common.
    private var stems: [StemPlace: Int] = [:]
    /// Most groups have what the one before had.
    @exclusivity(unchecked) private var recentStem: (place: StemPlace, stem: Int)?

    /// Nil for pipelines that must see every line: those that keep all labels, or need the line for
    /// more than one parser.
    ///
    /// `programs` are those of the same pipeline over other streams.
    package init?(_ pipeline: LogPipeline, streams: [Labels], programs: FieldPrograms) {
        guard let (parser, filters, rest) = pipeline.parsing, let value = pipeline.value,
            let grouping = pipeline.grouping,
            !grouping.without, pipeline.leadingFilters.allSatisfy(\.condition.isExact),
            !rest.contains(where: \.needsLine)
        else { return nil }
        if case .bytes = value { return nil }
        self.pipeline = pipeline
        self.parser = parser
        self.rest = rest
        self.filters = filters
        self.streams = streams
        self.programs = programs
        shapes = ShapeRows(parser, filters, streams: streams, programs: programs)
        group = grouping.labels
    }

    /// Gives what was found since the last call.
    package func take() throws(PipelineError) -> PipelineResult {
        defer { result.removeAll() }
        if let failure { throw failure }
        return result
    }

    package func begin(metadata sets: [Labels], streams: [UInt32]) {
        shapes.begin(metadata: sets, streams: streams)
        streamIDs = LogPipeline.StreamIDs()
        isOutsideGroup = Array(repeating: nil, count: sets.count)
        classes = isOutsideGroup.map { _ in nil }
        areAllOutside = nil
    }

    package func wanted(
        of number: Int, columns: UnsafeBufferPointer<Int32>, _ shape: () -> LineShape
    ) -> WantedFields? {
        shapes.wanted(of: number, columns: columns) {
            FieldProgram(parser, shape(), pipeline.demand).map { program in
                let plan =
                    filters.count == rest.count
                    ? RowShape.Plan(program, filters, group, pipeline.value, programs) : nil
                return (program, plan)
            }
        }
    }

    package func take(_ entries: Entries) {
        guard failure == nil else { return }
        rows += entries.count
        var next = 0
        do throws(PipelineError) {
            while next < entries.count {
                next = try pipeline.run(
                    streams: streams, entries: entries, from: next, into: &result)
            }
        } catch { failure = error }
    }

    package func take(
        shape: Int, timestamp: Int64, metadata: Int, _ values: UnsafeBufferPointer<FieldValue>
    ) -> FieldTaking {
        guard failure == nil else { return .taken }
        let shape = shapes[shape]
        guard shape.isUsual(values) else { return .asLine }
        rows += 1
        if shapes.isClean(shape, metadata) {
            switch shape.outcome(values) {
            // Rows with other metadata may have a label of the field's name, which hides it.
            case .dropped: return shape.isClean ? .unwanted : .taken
            case .passed(let code, let value):
                append(timestamp, id(shape, metadata, code, values), value)
                return .taken
            case .unknown: break
            }
        }
        run(shape.entry.program, timestamp, metadata, values)
        return .taken
    }

    private func id(
        _ shape: RowShape, _ metadata: Int, _ code: Int, _ values: UnsafeBufferPointer<FieldValue>
    ) -> Int {
        let place = groupClass(metadata)
        if let known = shape.id(place, code) { return known }
        let id = newID(shape, metadata, values)
        shape.note(id, place, code)
        return id
    }

    /// The label set of a group that this chunk has not had yet.
    private func newID(
        _ shape: RowShape, _ metadata: Int, _ values: UnsafeBufferPointer<FieldValue>
    ) -> Int {
        if let plan = shape.entry.plan, isOutsideGroup(metadata) {
            let place = StemPlace(texts: plan.groupTexts, ofClass: groupClass(metadata))
            let id = shape.withGroup(values) { name, text in
                text.isEmpty
                    ? nil
                    : pipeline.id(
                        ofStem: stem(place, name, shape.entry, metadata, values), text, &result)
            }
            if let id { return id }
        }
        return pipeline.id(
            of: labels(shape.entry.program, metadata, values),
            UInt32(truncatingIfNeeded: metadata), &streamIDs, &result)
    }

    private func stem(
        _ place: StemPlace, _ name: String, _ entry: FieldPrograms.Entry, _ metadata: Int,
        _ values: UnsafeBufferPointer<FieldValue>
    ) -> Int {
        if let recentStem, recentStem.place == place { return recentStem.stem }
        let stem =
            stems[place]
            ?? pipeline.stem(labels(entry.program, metadata, values), differingIn: name)
        stems[place] = stem
        recentStem = (place, stem)
        return stem
    }

    /// Rows of one class have the same labels that they are grouped by, as far as no parser finds them.
    private func groupClass(_ metadata: Int) -> Int {
        if let known = classes[metadata] { return known }
        let areAllOutside = self.areAllOutside ?? shapes.lacks(group)
        self.areAllOutside = areAllOutside
        let base = areAllOutside ? nil : shapes.base(metadata)
        let texts = group.map { base?[$0] }
        let place = classNumbers[texts] ?? classNumbers.count
        classNumbers[texts] = place
        classes[metadata] = place
        return place
    }

    private func isOutsideGroup(_ metadata: Int) -> Bool {
        if let known = isOutsideGroup[metadata] { return known }
        let isOutside = shapes.sets[metadata].pairs.allSatisfy { !group.contains($0.name) }
        isOutsideGroup[metadata] = isOutside
        return isOutside
    }

    private func append(_ timestamp: Int64, _ id: Int, _ value: Double) {
        result.timestamps.append(timestamp)
        result.labelIDs.append(id)
        result.values.append(value)
        result.rows.append(result.rows.count)
    }

    /// The labels of a row behind the parser.
    private func labels(
        _ program: FieldProgram, _ metadata: Int, _ values: UnsafeBufferPointer<FieldValue>
    ) -> RowLabels {
        var labels = shapes.base(metadata)
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
