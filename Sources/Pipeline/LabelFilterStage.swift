import Foundation
import LogModel
import LogQL
import Regexp

/// `| status >= 500 and host="a"`, compiled.
indirect enum LabelFilterStage {
    case string(Matcher, Regexp?)
    case number(String, LabelFilter.Comparison, Double)
    case duration(String, LabelFilter.Comparison, Double)
    case bytes(String, LabelFilter.Comparison, Double)
    case ip(String, negated: Bool, IPRange)
    case metadata(Matcher)
    case and(LabelFilterStage, LabelFilterStage)
    case or(LabelFilterStage, LabelFilterStage)

    init(_ filter: LabelFilter) throws(PipelineError) {
        switch filter {
        case .string(let matcher):
            switch matcher.op {
            case .equal, .notEqual: self = .string(matcher, nil)
            case .match, .notMatch:
                // Anchored, as the language's documentation says; here the dot takes no newline.
                do { self = .string(matcher, try Regexp("^(?:\(matcher.value))$")) } catch {
                    throw PipelineError("error parsing regexp: \(error.reason): `\(matcher.value)`")
                }
            }
        case .number(let name, let op, let value): self = .number(name, op, value)
        case .duration(let name, let op, let span): self = .duration(name, op, Double(span))
        case .bytes(let name, let op, let amount): self = .bytes(name, op, Double(amount))
        case .ip(let name, let negated, let pattern):
            self = .ip(name, negated: negated, try IPRange(pattern))
        case .metadata(let matcher): self = .metadata(matcher)
        case .and(let a, let b):
            self = .and(try LabelFilterStage(a), try LabelFilterStage(b))
        case .or(let a, let b): self = .or(try LabelFilterStage(a), try LabelFilterStage(b))
        }
    }

    /// Every label that the filter looks at.
    var names: [String] {
        switch self {
        case .string(let matcher, _): [matcher.name]
        case .number(let name, _, _), .duration(let name, _, _), .bytes(let name, _, _): [name]
        case .ip(let name, _, _): [name]
        case .metadata: []
        case .and(let a, let b), .or(let a, let b): a.names + b.names
        }
    }

    /// True when it asks for metadata whatever its name.
    var looksAtMetadata: Bool {
        switch self {
        case .metadata: true
        case .and(let a, let b), .or(let a, let b): a.looksAtMetadata || b.looksAtMetadata
        default: false
        }
    }

    /// False drops the row. A value that cannot be converted keeps it, with an error label.
    func passes(_ labels: inout RowLabels) -> Bool {
        switch self {
        case .and(let a, let b): return a.passes(&labels) && b.passes(&labels)
        case .or(let a, let b):
            let left = a.passes(&labels)
            let right = b.passes(&labels)
            return left || right
        case .metadata(let matcher):
            // A negative filter wants all values to differ.
            let isNegative = matcher.op == .notEqual || matcher.op == .notMatch
            return labels.metadata.pairs.contains { matcher.matches($0.value) != isNegative }
                != isNegative
        case .string(let matcher, let regexp):
            let value = labels[matcher.name] ?? ""
            guard let regexp else { return matcher.matches(value) }
            return regexp.matches(value) == (matcher.op == .match)
        case .number(let name, let op, let bound):
            return Self.compare(&labels, name, op, bound, NumberText.parse)
        case .duration(let name, let op, let bound):
            return Self.compare(&labels, name, op, bound) {
                DurationText.parseGo($0).map { Double($0) }
            }
        case .bytes(let name, let op, let bound):
            return Self.compare(&labels, name, op, bound) { ByteText.parse($0).map { Double($0) } }
        case .ip(let name, let negated, let range):
            if labels.error != nil { return true }
            guard let value = labels[name] else { return false }
            return range.contains(value) != negated
        }
    }

    private static func compare(
        _ labels: inout RowLabels, _ name: String, _ op: LabelFilter.Comparison, _ bound: Double,
        _ convert: (String) -> Double?
    ) -> Bool {
        guard let text = labels[name] else { return false }
        guard let value = convert(text) else {
            // An error that is there already stays.
            guard labels.error == nil else { return true }
            labels.fail("LabelFilterErr", "invalid value \(quoted(text)) of label \(name)")
            return true
        }
        return op.holds(value, bound)
    }
}
