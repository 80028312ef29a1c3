import Bytes
import LogModel

/// `| regexp "(?P<ms>\\d+)ms" | ms != ""`: lines without a match give no label, and rows without the
/// label do not pass, so what every match contains can be searched for first.
struct WantedMatch {
    private let literal: ByteSearch
    /// Labels of which one is wanted of every row, and comes from the match alone.
    private let names: Set<String>

    /// Nil unless the stages behind the filters of lines are such.
    init?(_ stages: [CompiledStage]) {
        let rest = stages.drop { if case .lineFilter = $0 { true } else { false } }
        guard case .regexp(let stage)? = rest.first, let literal = stage.required else {
            return nil
        }
        var wanted: Set<String> = []
        for case .labelFilter(let filter) in rest.dropFirst().prefix(while: {
            if case .labelFilter = $0 { true } else { false }
        }) { wanted.formUnion(filter.wanted) }
        // Metadata that is named as a label of the stream comes with that suffix.
        names = wanted.intersection(stage.names).filter { !$0.hasSuffix(RowLabels.extracted) }
        guard !names.isEmpty else { return nil }
        self.literal = literal
    }

    /// What to search for; nil when a row may have come with one of the labels.
    func search(_ streams: [Labels], _ entries: Entries) -> ByteSearch? {
        let isMissing = names.contains { name in
            streams.allSatisfy { $0[name] == nil }
                && entries.metadataSets.allSatisfy { $0[name] == nil }
        }
        return isMissing ? literal : nil
    }
}

extension LabelFilterStage {
    /// Labels without which no row passes.
    fileprivate var wanted: Set<String> {
        switch self {
        case .string(let matcher, nil): matcher.matches("") ? [] : [matcher.name]
        case .string(let matcher, let regexp?):
            regexp.matches("") == (matcher.op == .match) ? [] : [matcher.name]
        case .number(let name, _, _), .duration(let name, _, _), .bytes(let name, _, _): [name]
        case .ip, .metadata: []
        case .and(let a, let b): a.wanted.union(b.wanted)
        case .or(let a, let b): a.wanted.intersection(b.wanted)
        }
    }
}
