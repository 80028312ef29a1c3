import Bytes
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
        // Rows of a log query that no stage has touched share no more than their stream and metadata.
        let isItsOwn = isAsCome && value == nil
        let id = isItsOwn ? newID(of: labels.result, &found) : id(of: reduced(labels), &found)
        if isAsCome { known.byMetadata[metadataID] = id }
        return id
    }

    /// What groups have in common that differ in the text of one label alone.
    struct Stem: Hashable {
        var rest: Labels
        var name: String
    }

    /// The groups of a stem that were met, by that text.
    final class StemGroups {
        let stem: Stem
        fileprivate let texts = ByteTable()
        /// By the number of a text.
        @exclusivity(unchecked) fileprivate var ids: [Int] = []

        init(_ stem: Stem) { self.stem = stem }
    }

    /// A number for groups that differ from that of a row in the text of one label alone.
    func stem(_ labels: RowLabels, differingIn name: String) -> Int {
        let rest = Labels(sorted: reduced(labels).stream.pairs.filter { $0.name != name })
        let stem = Stem(rest: rest, name: name)
        if let known = stemIDs[stem] { return known }
        stems.append(StemGroups(stem))
        stemIDs[stem] = stems.count - 1
        return stems.count - 1
    }

    /// The number of the label set of such a group. `text` is not empty.
    func id(
        ofStem stem: Int, _ text: UnsafeRawBufferPointer, _ found: inout PipelineResult
    ) -> Int {
        let groups = stems[stem]
        if let number = groups.texts.number(of: text) { return groups.ids[number] }
        let label = Label(groups.stem.name, String(decoding: text, as: UTF8.self))
        // Not looked up: that a row of another way has the same labels under another number is rare,
        // and whoever takes them finds that out.
        let id = newID(of: ResultLabels(stream: Labels(groups.stem.rest.pairs + [label])), &found)
        groups.texts.insert(text)
        groups.ids.append(id)
        return id
    }

    private func id(of result: ResultLabels, _ found: inout PipelineResult) -> Int {
        if let known = ids[result] { return known }
        let id = newID(of: result, &found)
        ids[result] = id
        return id
    }

    private func newID(of result: ResultLabels, _ found: inout PipelineResult) -> Int {
        labels.append(result)
        found.bytes += result.bytes
        return labels.count - 1
    }

    /// True when a grouping keeps only labels that the row came with.
    private func keepsWhatCame(_ labels: RowLabels) -> Bool {
        guard value != nil, let grouping, !grouping.without else { return false }
        return kept.allSatisfy { !labels.isTouched($0) }
    }

    /// Nil where a row's group is more than the texts that it came with under some names.
    var groupsByTexts: GroupsByTexts? {
        guard value != nil, let grouping, !grouping.without else { return nil }
        let arePlain = kept.allSatisfy { name in
            !name.hasSuffix(RowLabels.extracted) && name != RowLabels.error
                && name != RowLabels.errorDetails
        }
        return arePlain ? GroupsByTexts(kept) : nil
    }

    /// The groups that were noted last, found by the texts of the labels that a grouping keeps, of rows that
    /// no stage has touched: neighbours mostly go into the same few. A stream's own label hides metadata
    /// of its name.
    struct GroupsByTexts {
        private let names: [String]
        private var known: [(texts: [String], id: Int)] = []
        /// Of the row that was asked for last.
        private var texts: [String] = []
        private static let most = 8

        fileprivate init(_ names: [String]) { self.names = names }

        mutating func id(_ stream: Labels, _ metadata: Labels) -> Int? {
            texts.removeAll(keepingCapacity: true)
            for name in names { texts.append(stream[name] ?? metadata[name] ?? "") }
            return known.first { one in
                texts.indices.allSatisfy { texts[$0].hasSameBytes(as: one.texts[$0]) }
            }?.id
        }

        /// The group of that row.
        mutating func note(_ id: Int) {
            if known.count == Self.most { known.removeLast() }
            known.insert((texts, id), at: 0)
        }
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
