import LogModel

/// Label sets of results, each once, by number.
extension LogPipeline {
    func id(
        of labels: RowLabels, _ metadataID: UInt32, _ known: inout StreamIDs,
        _ found: inout PipelineResult
    ) -> Int {
        // What stages have changed may be nothing that the result keeps.
        let isAsCome = !labels.isChanged || keepsWhatCame(labels)
        if isAsCome, let id = known.byMetadata[metadataID] { return id }
        let result = reduced(labels)
        let id = ids[result] ?? self.labels.count
        if id == self.labels.count {
            self.labels.append(result)
            ids[result] = id
            found.bytes += result.bytes
        }
        if isAsCome { known.byMetadata[metadataID] = id }
        return id
    }

    /// True when a grouping keeps only labels that the row came with.
    private func keepsWhatCame(_ labels: RowLabels) -> Bool {
        guard value != nil, let grouping, !grouping.without else { return false }
        return kept.allSatisfy { !labels.isTouched($0) }
    }

    /// Only the labels that the grouping keeps, in a metric query.
    private func reduced(_ labels: RowLabels) -> ResultLabels {
        guard let value else { return labels.result }
        if let grouping, !grouping.without {
            var pairs: [Label] = []
            for name in kept {
                if let text = labels[name], !text.isEmpty { pairs.append(Label(name, text)) }
            }
            return ResultLabels(stream: Labels(sorted: pairs))
        }
        let left = Set((grouping?.labels ?? []) + (value.consumedLabel.map { [$0] } ?? []))
        let merged = labels.result.merged
        return ResultLabels(stream: Labels(sorted: merged.pairs.filter { !left.contains($0.name) }))
    }
}
