import LogModel
import LogQL
import Regexp

/// The rows of a shape in a run, and what they come to by the codes of their values, where that is enough:
/// filters that look at one value, a group that one value names, and a number that one value is.
final class RowShape {
    enum Outcome {
        case dropped
        /// The code that names the group, and the sample.
        case passed(code: Int, Double)
        /// The row must be run in full.
        case unknown
    }

    /// The parser, and the filters behind it, of all shapes.
    final class Stages {
        fileprivate let parser: CompiledStage
        fileprivate let filters: [LabelFilterStage]
        fileprivate let regexp: Regexp?
        @exclusivity(unchecked) fileprivate var scratch: [UInt8] = []

        init(_ parser: CompiledStage, _ filters: [LabelFilterStage]) {
            self.parser = parser
            self.filters = filters
            if case .regexp(let stage) = parser { regexp = stage.regexp } else { regexp = nil }
        }
    }

    /// What a sample is made of: a count takes nothing.
    fileprivate struct Sampled {
        var place: Int?
        var field: FieldProgram.Field?
        /// A number for what of the field is the same in every line.
        var texts = 0
        var conversion = Unwrap.Conversion.none
        /// The name that no field has.
        var missing: String?

        /// Nil when more than one value must be looked at.
        init?(_ value: SampleValue?, _ program: FieldProgram, _ programs: FieldPrograms) {
            switch value {
            case .count: break
            case .unwrap(let label, let conversion, let filters) where filters.isEmpty:
                guard program.hasAtMostOne(label) else { return nil }
                guard let field = program.onlyField(label) else {
                    missing = label
                    break
                }
                guard let place = field.source.place else { return nil }
                self.place = place
                self.field = field
                texts = programs.number(ofTexts: program.texts(of: [label]))
                self.conversion = conversion
            default: return nil
            }
        }
    }

    /// What the rows of a shape ask for, in all chunks that have it.
    final class Plan {
        /// Places of values: nil where none is looked at.
        let filtered: Int?
        let grouped: Int?
        /// Numbers for what those fields of filters and groups are that have the same text in every
        /// line.
        fileprivate let filterTexts: Int
        let groupTexts: Int
        /// The holes that filters, groups and samples look at.
        fileprivate let holes: (filtered: Int?, grouped: Int?, sampled: Int?)
        /// A number for what drops rows, where it is nothing but the value that filters look at.
        var verdicts: Int? { sampled.missing == nil ? filterTexts : nil }
        /// Names that no field has: a row may have them otherwise, by its stream or its metadata.
        let missing: [String]
        fileprivate let program: FieldProgram
        fileprivate let sampled: Sampled
        /// The field that all filters look at, and what they ask of its bytes.
        fileprivate let filterField: FieldProgram.Field?
        fileprivate let quickFilter: QuickFilter?
        /// The field whose value names the group.
        fileprivate let groupField: FieldProgram.Field?

        /// Nil when more must be looked at.
        init?(
            _ program: FieldProgram, _ filters: [LabelFilterStage], _ group: [String],
            _ value: SampleValue?, _ programs: FieldPrograms
        ) {
            let names = filters.flatMap(\.names)
            guard names.allSatisfy({ program.hasAtMostOne($0) }),
                !filters.contains(where: \.looksAtMetadata),
                let filtered = program.place(of: names), let grouped = program.place(of: group),
                let sampled = Sampled(value, program, programs)
            else { return nil }
            self.program = program
            self.filtered = filtered
            self.grouped = grouped
            self.sampled = sampled
            missing =
                names.filter { program.onlyField($0) == nil }
                + (sampled.missing.map { [$0] } ?? [])
            let isOne = names.allSatisfy { $0 == names[0] }
            filterField = isOne ? names.first.flatMap { program.onlyField($0) } : nil
            quickFilter = isOne && !names.isEmpty ? QuickFilter(filters) : nil
            holes = (
                filtered.map { program.holes[$0] }, grouped.map { program.holes[$0] },
                sampled.place.map { program.holes[$0] }
            )
            filterTexts = programs.number(ofTexts: program.texts(of: names))
            groupTexts = programs.number(ofTexts: program.texts(of: group))
            groupField = grouped.flatMap { place in
                group.compactMap { program.onlyField($0) }.first { $0.source.place == place }
            }
        }

        /// Nil for what is no number, or none of the usual form.
        fileprivate func sample(_ bytes: UnsafeRawBufferPointer?) -> Double? {
            guard let bytes, !bytes.isEmpty else { return nil }
            if sampled.conversion == .none, let number = QuickNumber.decimal(bytes) {
                return number
            }
            return SampleValue.convert(String(decoding: bytes, as: UTF8.self), sampled.conversion)
        }
    }

    let entry: FieldPrograms.Entry
    /// None of the rows has a label otherwise that is named as a field.
    @exclusivity(unchecked) var isClean = false
    private let stages: Stages
    private let hasScalars: Bool
    private let filterMemo: CodeMemo
    private let groupMemo: CodeMemo
    private let sampleMemo: CodeMemo

    /// `columns`: the column of each hole.
    init(
        _ entry: FieldPrograms.Entry, _ stages: Stages, _ known: CodeMemos,
        columns: UnsafeBufferPointer<Int32>
    ) {
        self.entry = entry
        self.stages = stages
        hasScalars = !entry.program.scalars.isEmpty
        guard let plan = entry.plan else {
            (filterMemo, groupMemo, sampleMemo) = (known.unused, known.unused, known.unused)
            return
        }
        func column(_ hole: Int?) -> Int { hole.map { Int(columns[$0]) } ?? -1 }
        filterMemo = known.memo(.filter, plan.filterTexts, column(plan.holes.filtered))
        groupMemo = known.memo(.group, plan.groupTexts, column(plan.holes.grouped))
        sampleMemo = known.memo(.sample, plan.sampled.texts, column(plan.holes.sampled))
    }

    /// False for a row whose values send the parser another way.
    func isUsual(_ values: UnsafeBufferPointer<FieldValue>) -> Bool {
        guard hasScalars else { return true }
        return entry.program.scalars.allSatisfy { JSONShape.isScalar(values[$0].bytes) }
    }

    /// True when no value is looked at, and every row is dropped.
    var dropsAll: Bool {
        guard entry.program.holes.isEmpty else { return false }
        if case .dropped = outcome(UnsafeBufferPointer(start: nil, count: 0)) { return true }
        return false
    }

    func outcome(_ values: UnsafeBufferPointer<FieldValue>) -> Outcome {
        guard let plan = entry.plan else { return .unknown }
        var found: Double?
        switch verdict(plan, values, &found) {
        case .drop: return .dropped
        case .unknown, .unasked: return .unknown
        case .pass: break
        }
        if plan.sampled.missing != nil { return .dropped }
        var code = 0
        if let grouped = plan.grouped {
            code = values[grouped].code
            // A group by empty text is a group without the label.
            guard code >= 0, !values[grouped].bytes.isEmpty else { return .unknown }
        }
        guard let sampled = plan.sampled.place, let field = plan.sampled.field else {
            return .passed(code: code, 1)
        }
        let number = values[sampled].code
        let known = found ?? (number >= 0 ? sampleMemo.sample(number) : nil)
        guard let sample = known ?? withText(of: field, values, { plan.sample($0) }) else {
            return .unknown
        }
        if known == nil, number >= 0 { sampleMemo.note(number, sample: sample) }
        return .passed(code: code, sample)
    }

    /// Gives the sample, too, where it is the value that was looked at.
    private func verdict(
        _ plan: Plan, _ values: UnsafeBufferPointer<FieldValue>, _ found: inout Double?
    ) -> CodeMemo.Verdict {
        if stages.filters.isEmpty { return .pass }
        let code = plan.filtered.map { values[$0].code } ?? 0
        guard code >= 0 else {
            guard let filter = plan.quickFilter, let field = plan.filterField else {
                return .unknown
            }
            let isSample = field.name == plan.sampled.field?.name
            return withText(of: field, values) { bytes in
                let verdict = filter.verdict(bytes)
                if verdict == .pass, isSample { found = plan.sample(bytes) }
                return verdict
            }
        }
        let known = filterMemo.verdict(code)
        if known != .unasked { return known }
        var labels = RowLabels(stream: .empty, metadata: .empty)
        for field in plan.program.fields {
            guard let text = stages.parser.text(of: field, values) else { continue }
            if !field.skipsEmpty || !text.isEmpty { labels.extract(field.name, text) }
        }
        let passes = stages.filters.allSatisfy { $0.passes(&labels) }
        // A value that cannot be read leaves an error, which what follows must see.
        let verdict: CodeMemo.Verdict =
            labels.error != nil ? .unknown : passes ? .pass : .drop
        filterMemo.note(code, verdict: verdict)
        return verdict
    }

    /// The bytes of a field, as good as the call; nil when the row does not have it.
    @inline(__always)
    private func withText<Result>(
        of field: FieldProgram.Field, _ values: UnsafeBufferPointer<FieldValue>,
        _ body: (UnsafeRawBufferPointer?) -> Result
    ) -> Result {
        if field.isPlain, let place = field.source.place { return body(values[place].bytes) }
        stages.scratch.removeAll(keepingCapacity: true)
        field.source.append(values, to: &stages.scratch)
        return stages.scratch.withUnsafeBytes { text in
            guard let group = field.group, let regexp = stages.regexp else { return body(text) }
            let range = regexp.range(ofGroup: group, in: text)
            return body(range.map { UnsafeRawBufferPointer(rebasing: text[$0]) })
        }
    }

    /// The label whose value names the group of a row, and that value's bytes, as good as the call;
    /// nil when none does.
    func withGroup<Result>(
        _ values: UnsafeBufferPointer<FieldValue>,
        _ body: (_ name: String, _ text: UnsafeRawBufferPointer) -> Result?
    ) -> Result? {
        guard let field = entry.plan?.groupField else { return nil }
        if field.isPlain, !field.isQuoted, let place = field.source.place {
            return body(field.name, values[place].bytes)
        }
        guard var text = stages.parser.text(of: field, values) else { return nil }
        return text.withUTF8 { body(field.name, UnsafeRawBufferPointer($0)) }
    }

    /// The label set of a group, as the pipeline numbers it. Rows of one `groupClass` come with the same
    /// labels that they are grouped by.
    func id(_ groupClass: Int, _ code: Int) -> Int? { groupMemo.id(groupClass << 32 | code) }

    func note(_ id: Int, _ groupClass: Int, _ code: Int) {
        groupMemo.note(groupClass << 32 | code, id: id)
    }
}

extension FieldProgram {
    fileprivate func hasAtMostOne(_ name: String) -> Bool {
        fields.count { $0.name == name } <= 1
    }

    /// The place of the one value that fields of some names have; nil inside when none has, nil when
    /// it takes more than one. Names that no field has are labels of the stream or missing: either way
    /// one row is as all.
    fileprivate func place(of names: [String]) -> Int?? {
        var place: Int?
        for name in names where fields.contains(where: { $0.name == name }) {
            guard let field = onlyField(name) else { return nil }
            if case .text = field.source { continue }
            guard let found = field.source.place, place == nil || place == found else { return nil }
            place = found
        }
        return .some(place)
    }

    /// What those fields are that have the same text in every line.
    fileprivate func texts(of names: [String]) -> [[UInt8]] {
        names.map { name in
            guard let field = fields.first(where: { $0.name == name }) else { return [0] }
            let group = UInt8(truncatingIfNeeded: field.group.map { $0 + 1 } ?? 0)
            return [group, field.isQuoted ? 1 : 0] + field.source.form
        }
    }
}

/// What codes of one column's values come to. Codes are small numbers, without gaps.
final class CodeMemo {
    enum Verdict: UInt8 { case unasked, pass, drop, unknown }

    @exclusivity(unchecked) private var verdicts: [Verdict] = []
    @exclusivity(unchecked) private var samples: [Double] = []
    @exclusivity(unchecked) private var ids: [Int32] = []
    /// Of groups that the labels of rows name too.
    private var others: [Int: Int] = [:]

    func verdict(_ code: Int) -> Verdict { code < verdicts.count ? verdicts[code] : .unasked }

    func note(_ code: Int, verdict: Verdict) {
        Self.grow(&verdicts, to: code, with: .unasked)
        verdicts[code] = verdict
    }

    func sample(_ code: Int) -> Double? {
        code < samples.count && !samples[code].isNaN ? samples[code] : nil
    }

    func note(_ code: Int, sample: Double) {
        Self.grow(&samples, to: code, with: .nan)
        samples[code] = sample
    }

    func id(_ key: Int) -> Int? {
        if key >= 1 << 32 { return others[key] }
        return key < ids.count && ids[key] >= 0 ? Int(ids[key]) : nil
    }

    func note(_ key: Int, id: Int) {
        guard key < 1 << 32 else {
            others[key] = id
            return
        }
        Self.grow(&ids, to: key, with: -1)
        ids[key] = Int32(truncatingIfNeeded: id)
    }

    private static func grow<T>(_ list: inout [T], to code: Int, with value: T) {
        guard code >= list.count else { return }
        list += repeatElement(value, count: max(code + 1, list.count * 2) - list.count)
    }
}

/// The memos of a run of rows, which shapes share that ask the same of the same column.
final class CodeMemos {
    /// Of shapes that ask nothing.
    let unused = CodeMemo()
    enum Use: UInt8 { case filter, group, sample }

    /// By the number of a column + 1.
    @exclusivity(unchecked) private var memos: [[(use: Use, texts: Int, memo: CodeMemo)]] = []

    /// `texts` is a number of `FieldPrograms`, `column` is -1 where no value is looked at.
    func memo(_ use: Use, _ texts: Int, _ column: Int) -> CodeMemo {
        while memos.count <= column + 1 { memos.append([]) }
        for known in memos[column + 1] where known.use == use && known.texts == texts {
            return known.memo
        }
        let memo = CodeMemo()
        memos[column + 1].append((use, texts, memo))
        return memo
    }
}
