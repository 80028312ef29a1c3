import LogModel
import LogQL

/// What rows of a shape come to by the codes of their values, where that is enough: filters that look at
/// one value, a group that one value names, and a number that one value is.
final class QuickShape {
    enum Outcome {
        case dropped
        /// The code that names the group, and the sample.
        case passed(code: Int, Double)
        /// The row must be run in full.
        case unknown
    }

    /// Places of values: nil where none is looked at.
    struct Plan {
        var filtered: Int?
        var grouped: Int?
        var sampled: Int?
        var conversion = Unwrap.Conversion.none
        /// Numbers for what those fields of filters and groups are that have the same text in every
        /// line.
        fileprivate var filterTexts: Int
        var groupTexts: Int
        /// The field whose value names the group.
        fileprivate var groupField: FieldProgram.Field?

        /// Nil when more must be looked at.
        init?(
            _ program: FieldProgram, _ filters: [LabelFilterStage], _ group: [String],
            _ value: SampleValue?, _ programs: FieldPrograms
        ) {
            let names = filters.flatMap(\.names)
            // Other labels of a row, its metadata, may differ.
            guard names.allSatisfy({ program.onlyField($0) != nil }),
                !filters.contains(where: \.looksAtMetadata),
                let filtered = program.place(of: names), let grouped = program.place(of: group)
            else { return nil }
            self.filtered = filtered
            self.grouped = grouped
            switch value {
            case .count: break
            case .unwrap(let label, let conversion, let filters) where filters.isEmpty:
                guard let place = program.onlyField(label)?.source.place else { return nil }
                sampled = place
                self.conversion = conversion
            default: return nil
            }
            filterTexts = programs.number(ofTexts: program.texts(of: names))
            groupTexts = programs.number(ofTexts: program.texts(of: group))
            groupField = grouped.flatMap { place in
                group.compactMap { program.onlyField($0) }.first { $0.source.place == place }
            }
        }
    }

    private let parser: CompiledStage
    private let program: FieldProgram
    private let filters: [LabelFilterStage]
    let plan: Plan
    private let memos: (filter: CodeMemo, group: CodeMemo, sample: CodeMemo)

    /// `columns`: the column of each hole.
    init(
        _ plan: Plan, _ program: FieldProgram, _ parser: CompiledStage,
        _ filters: [LabelFilterStage], _ known: CodeMemos, columns: UnsafeBufferPointer<Int32>
    ) {
        self.plan = plan
        self.program = program
        self.parser = parser
        self.filters = filters
        func column(_ place: Int?) -> Int { place.map { Int(columns[program.holes[$0]]) } ?? -1 }
        memos = (
            known.memo(.filter, plan.filterTexts, column(plan.filtered)),
            known.memo(.group, plan.groupTexts, column(plan.grouped)),
            known.memo(.sample, 0, column(plan.sampled))
        )
    }

    func outcome(_ values: UnsafeBufferPointer<FieldValue>) -> Outcome {
        switch verdict(values) {
        case .drop: return .dropped
        case .unknown, .unasked: return .unknown
        case .pass: break
        }
        var code = 0
        if let grouped = plan.grouped {
            code = values[grouped].code
            // A group by empty text is a group without the label.
            guard code >= 0, !values[grouped].bytes.isEmpty else { return .unknown }
        }
        guard let sampled = plan.sampled else { return .passed(code: code, 1) }
        let number = values[sampled]
        let known = number.code >= 0 ? memos.sample.sample(number.code) : nil
        guard let sample = known ?? sample(number.bytes) else { return .unknown }
        if known == nil, number.code >= 0 { memos.sample.note(number.code, sample: sample) }
        return .passed(code: code, sample)
    }

    private func verdict(_ values: UnsafeBufferPointer<FieldValue>) -> CodeMemo.Verdict {
        if filters.isEmpty { return .pass }
        let code = plan.filtered.map { values[$0].code } ?? 0
        guard code >= 0 else { return .unknown }
        let known = memos.filter.verdict(code)
        if known != .unasked { return known }
        var labels = RowLabels(stream: .empty, metadata: .empty)
        for field in program.fields {
            let text = parser.text(of: field, values)
            if !field.skipsEmpty || !text.isEmpty { labels.extract(field.name, text) }
        }
        let passes = filters.allSatisfy { $0.passes(&labels) }
        // A value that cannot be read leaves an error, which what follows must see.
        let verdict: CodeMemo.Verdict =
            labels.error != nil ? .unknown : passes ? .pass : .drop
        memos.filter.note(code, verdict: verdict)
        return verdict
    }

    private func sample(_ bytes: UnsafeRawBufferPointer) -> Double? {
        if plan.conversion == .none, let number = Self.decimal(bytes) { return number }
        guard !bytes.isEmpty else { return nil }
        return SampleValue.convert(String(decoding: bytes, as: UTF8.self), plan.conversion)
    }

    /// Digits with a point between them, few enough that one division gives the nearest number (Clinger,
    /// "How to Read Floating Point Numbers Accurately", 1990).
    private static func decimal(_ bytes: UnsafeRawBufferPointer) -> Double? {
        guard bytes.count <= 16, let first = bytes.first, isDigit(first), let last = bytes.last,
            isDigit(last)
        else { return nil }
        var number: Int64 = 0
        var scale = 1.0
        var isBehindPoint = false
        for byte in bytes {
            if byte == UInt8(ascii: "."), !isBehindPoint {
                isBehindPoint = true
                continue
            }
            guard isDigit(byte) else { return nil }
            number = number * 10 + Int64(byte - 48)
            if isBehindPoint { scale *= 10 }
        }
        return number < 1 << 53 ? Double(number) / scale : nil
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte &- 48 < 10 }

    /// What names the group of a row; nil when none of its values does.
    func groupText(_ values: UnsafeBufferPointer<FieldValue>) -> (name: String, text: String)? {
        plan.groupField.map { ($0.name, parser.text(of: $0, values)) }
    }

    /// The label set of a group, as the pipeline numbers it.
    func id(_ metadata: Int, _ code: Int) -> Int? { memos.group.id(metadata << 32 | code) }

    func note(_ id: Int, _ metadata: Int, _ code: Int) {
        memos.group.note(metadata << 32 | code, id: id)
    }
}

extension FieldProgram {
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
            if case .text(let bytes) = field.source { return [1] + bytes }
            return [2]
        }
    }
}

/// What codes of one column's values come to. Codes are small numbers, without gaps.
final class CodeMemo {
    enum Verdict: UInt8 { case unasked, pass, drop, unknown }

    @exclusivity(unchecked) private var verdicts: [Verdict] = []
    @exclusivity(unchecked) private var samples: [Double] = []
    @exclusivity(unchecked) private var ids: [Int32] = []
    /// Of groups that other metadata names too.
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
    enum Use: UInt8 { case filter, group, sample }

    private struct Key: Hashable {
        var use: Use
        var texts: Int
        var column: Int
    }

    private var memos: [Key: CodeMemo] = [:]

    /// `texts` is a number of `FieldPrograms`, `column` is -1 where no value is looked at.
    func memo(_ use: Use, _ texts: Int, _ column: Int) -> CodeMemo {
        let key = Key(use: use, texts: texts, column: column)
        if let known = memos[key] { return known }
        let memo = CodeMemo()
        memos[key] = memo
        return memo
    }
}
