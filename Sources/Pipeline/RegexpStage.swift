import Bytes
import LogModel
import LogQL
import Regexp

/// `| regexp "(?P<name>…)"`: unanchored; no match, no labels.
struct RegexpStage {
    let regexp: Regexp
    /// What every match contains.
    let required: ByteSearch?
    private let groups: [(Int, String)]
    /// Nil for patterns that only lines can be matched with.
    private let sequence: RegexpSequence?

    init(_ pattern: String) throws(PipelineError) {
        do { regexp = try Regexp(pattern) } catch {
            throw PipelineError(
                "invalid regexp parser: error parsing regexp: \(error.reason): `\(pattern)`")
        }
        groups = regexp.groupNames.enumerated().compactMap { index, name in
            name.map { (index, sanitized($0)) }
        }
        if groups.isEmpty {
            throw PipelineError(
                "invalid regexp parser: at least one named capture must be supplied")
        }
        var seen: Set<String> = []
        for (_, name) in groups where !seen.insert(name).inserted {
            throw PipelineError("invalid regexp parser: duplicate extracted label name '\(name)'")
        }
        required = regexp.requiredLiteral.map { ByteSearch($0) }
        sequence = RegexpSequence(pattern)
    }

    /// What a match finds in the lines of a shape; nil when only lines can tell.
    func fields(in shape: LineShape, _ demand: ParserDemand) -> ShapeFields? {
        guard let sequence else {
            // No line matches that lacks what every match contains.
            let isRuledOut = required.map {
                RegexpReach(RegexpSequence(literal: $0.needle).elements, shape).window() == nil
            }
            return isRuledOut == true ? ShapeFields() : nil
        }
        var search = RegexpShape(sequence, shape)
        switch search.search() {
        case .none: return ShapeFields()
        case .match(let found):
            return ShapeFields(
                fields: groups.compactMap { number, name in
                    guard demand.wants(name), let units = found[number] else { return nil }
                    return ShapeField(name: name, value: units)
                })
        case .unsure:
            guard let window = search.window else { return ShapeFields() }
            let holes = shape.units[window].count { $0.hole != nil }
            guard holes <= Self.mostHoles else { return nil }
            return ShapeFields(
                fields: groups.compactMap { number, name in
                    guard demand.wants(name) else { return nil }
                    return ShapeField(name: name, value: window, group: number)
                })
        }
    }

    /// Where a match reaches over more values than this, lines are as cheap.
    private static let mostHoles = 8

    /// A group of the first match in a text; nil when nothing matches.
    func text(ofGroup group: Int, in text: UnsafeRawBufferPointer) -> String? {
        regexp.range(ofGroup: group, in: text).map { String(decoding: text[$0], as: UTF8.self) }
    }

    var names: [String] { groups.map(\.1) }

    func run(_ line: UnsafeRawBufferPointer, _ labels: inout RowLabels, _ demand: ParserDemand) {
        if let required, !required.occurs(in: line) { return }
        guard let captures = regexp.captures(in: line) else { return }
        for (group, name) in groups where group < captures.count && demand.wants(name) {
            let value = captures[group].map { String(decoding: line[$0], as: UTF8.self) } ?? ""
            labels.extract(name, value)
        }
    }
}
