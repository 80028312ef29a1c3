import Foundation
import LogQL
import Pipeline

/// What becomes of the entries of a source before they are shipped, in this order: rules drop and
/// keep whole entries, some levels are sampled, LogQL's stages work on what is left, and what must
/// not leave the machine is blotted out at the end.
///
/// The same entry always meets the same fate: an entry that is read again after a crash becomes
/// what it was.
package struct EntryRules: Sendable {
    /// A pipeline that entries pass or do not pass; it changes none.
    struct Filter: Sendable {
        let text: String
        let stages: [Stage]
    }

    /// An entry that passes any of these goes.
    var drop: [Filter] = []
    /// An entry that passes none of these goes, when there are any.
    var keep: [Filter] = []
    /// The share of entries that stay, by level in small letters.
    var sample: [String: Double] = [:]
    var stages: [Stage] = []
    var redactions: [Redaction] = []

    package init() {}

    package var isEmpty: Bool {
        drop.isEmpty && keep.isEmpty && sample.isEmpty && stages.isEmpty && redactions.isEmpty
    }
}

/// An entry that is not shipped, or several in a row: their bytes are covered all the same.
struct Dropped: Sendable, Equatable {
    /// The rule.
    var why: String
    var entries: Int64 = 1
    var bytes: Int64
}

extension YAMLSection {
    /// `stages:` as one pipeline.
    func stages() throws(AgentError) -> [Stage] {
        var stages: [Stage] = []
        for item in try list() { stages += try item.pipeline() }
        return stages
    }

    /// `keep:` and `drop:`.
    func filters() throws(AgentError) -> [EntryRules.Filter] {
        var filters: [EntryRules.Filter] = []
        for item in try list() {
            let text = try item.text()
            let stages = try item.pipeline()
            guard stages.contains(where: \.isFilter) else {
                throw item.wrong("\(text): no filter in it, so that every entry passes")
            }
            filters.append(EntryRules.Filter(text: text, stages: stages))
        }
        return filters
    }

    /// `sample: { debug: 0.1 }`.
    func sampling() throws(AgentError) -> [String: Double] {
        var rates: [String: Double] = [:]
        try each { (key, value) throws(AgentError) in
            rates[EntryStages.level(key)] = try value.number(0...1)
        }
        return rates
    }

    private func pipeline() throws(AgentError) -> [Stage] {
        let text = try text()
        let selector = "{agent=\"agent\"} "
        let stages: [Stage]
        do throws(SyntaxError) {
            guard case .log(let log) = try LogQLParser.parse(selector + text),
                log.alternatives.isEmpty
            else { throw SyntaxError("stages only, as | json or |= \"text\"") }
            stages = log.stages
        } catch {
            let column = error.position.map { "column \($0.column - selector.utf8.count): " } ?? ""
            throw wrong("\(text): \(column)\(Self.words(of: error))")
        }
        for stage in stages where stage.readsClock {
            throw wrong(
                "\(text): now is another time when an entry is read again; use __timestamp__")
        }
        do { _ = try LogPipeline(stages: stages) } catch {
            throw wrong("\(text): \(error.message)")
        }
        return stages
    }

    /// Without the place, which is one in a longer text.
    private static func words(of error: SyntaxError) -> String {
        guard error.position != nil, error.message.hasPrefix("parse error at line"),
            let end = error.message.range(of: ": ")
        else { return error.message }
        return String(error.message[end.upperBound...])
    }
}

extension Stage {
    fileprivate var isFilter: Bool {
        switch kind {
        case .lineFilter, .labelFilter: true
        default: false
        }
    }

    /// True when a template asks for the time of day.
    fileprivate var readsClock: Bool {
        switch kind {
        case .lineFormat(let text): Self.readsClock(text)
        case .labelFormat(let list):
            list.contains {
                if case .template(let text) = $0.value { Self.readsClock(text) } else { false }
            }
        default: false
        }
    }

    private static func readsClock(_ template: String) -> Bool {
        template.components(separatedBy: "{{").dropFirst().contains { piece in
            let action = piece.components(separatedBy: "}}")[0]
            let words = action.split {
                !$0.isLetter && !$0.isNumber && $0 != "_" && $0 != "."
            }
            return words.contains("now")
        }
    }
}
