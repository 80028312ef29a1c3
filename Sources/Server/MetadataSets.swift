import LogModel

/// The structured metadata of one stream of a push: names normalised, sizes judged, levels added.
/// Works on sets, of which there are few, and never on rows.
package struct MetadataSets {
    /// As `Entries.metadataSets`: entry 0 is the empty set.
    private(set) var sets: [Labels]
    /// Why the rows of a set cannot be stored; nil for a good set.
    private(set) var refusals: [String?]
    private let jsonDepth: Int

    init(_ given: [Labels], stream: Labels, limits: Limits) {
        sets = given
        refusals = Array(repeating: nil, count: given.count)
        jsonDepth = limits.logLevelFromJSONMaxDepth
        for i in given.indices.dropFirst() {
            do { sets[i] = try Self.normalised(given[i], stream: stream) } catch {
                sets[i] = .empty
                refusals[i] = error.text
                continue
            }
            refusals[i] = Self.refusal(of: sets[i], stream: stream, limits: limits)
        }
    }

    private struct InvalidName: Error { let text: String }

    /// A name that is also a label of the stream gets `_extracted` behind it: queries look names up
    /// without saying where, and the label comes first.
    private static func normalised(
        _ set: Labels, stream: Labels
    ) throws(InvalidName) -> Labels {
        var changed = false
        var pairs: [Label] = []
        for label in set.pairs {
            var name = normalised(name: label.name)
            guard name.utf8.contains(where: { $0 != UInt8(ascii: "_") }) else {
                throw InvalidName(
                    text: "normalization for label name \(quoted(label.name)) resulted in invalid "
                        + "name \(quoted(name))")
            }
            if stream[name] != nil { name += "_extracted" }
            let value =
                label.value.unicodeScalars.contains("\u{FFFD}")
                ? String(label.value.map { $0 == "\u{FFFD}" ? " " : $0 }) : label.value
            if name != label.name || value != label.value { changed = true }
            pairs.append(Label(name, value))
        }
        return changed ? Labels(pairs) : set
    }

    /// Anything but letters, digits and `_` becomes `_`, several in a row one; a leading digit gets
    /// `key_` before it. Names such as `__error__` are reserved and stay.
    package static func normalised(name: String) -> String {
        var out: [UInt8] = []
        for scalar in name.unicodeScalars {
            let isPlain =
                scalar.isASCII
                && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar))
            if isPlain {
                out.append(UInt8(scalar.value))
            } else if out.last != UInt8(ascii: "_") {
                out.append(UInt8(ascii: "_"))
            }
        }
        if name.hasPrefix("__"), name.hasSuffix("__"), name.utf8.count > 4 { return name }
        let text = String(decoding: out, as: UTF8.self)
        return text.first.map { ("0"..."9").contains($0) } == true ? "key_" + text : text
    }

    private static func refusal(of set: Labels, stream: Labels, limits: Limits) -> String? {
        guard limits.allowStructuredMetadata else {
            return "stream '\(stream)' includes structured metadata, but this feature is "
                + "disallowed. Please see `limits_config.allow_structured_metadata` or contact your "
                + "Loki administrator to enable it"
        }
        let counted = set.pairs.filter { $0.name != LevelDetection.name }
        let size = counted.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count }
        if limits.maxStructuredMetadataSize > 0, size > limits.maxStructuredMetadataSize {
            return "stream '\(stream)' has structured metadata too large: '\(size)' bytes, limit: "
                + "'\(limits.maxStructuredMetadataSize)' bytes. Please see "
                + "`limits_config.max_structured_metadata_size` or contact your Loki administrator "
                + "to increase it"
        }
        let most = limits.maxStructuredMetadataEntriesCount
        if most > 0, counted.count > most {
            return
                "stream '\(stream)' has too many structured metadata labels: '\(counted.count)', "
                + "limit: '\(most)'. Please see "
                + "`limits_config.max_structured_metadata_entries_count` or contact your Loki "
                + "administrator to increase it"
        }
        return nil
    }

    /// Gives every row its `detected_level`.
    func addLevels(to entries: inout Entries, stream: Labels) {
        let ofStream = LevelDetection.named(stream.pairs)
        let ofSets = sets.map { level(of: $0, stream: ofStream) }
        let isKnown = ofSets.map { $0 != nil }
        let detection = LevelDetection(jsonDepth: jsonDepth)
        let levels = DetectedLevel.allCases.count
        // New sets by old set and level found in the line; the last column is for known levels.
        let none = UInt32.max
        var ids = [UInt32](repeating: none, count: sets.count * (levels + 1))
        var newSets: [Labels] = [.empty]
        var newIDs: [UInt32] = []
        newIDs.reserveCapacity(entries.count)
        let oldIDs = entries.metadataIDs
        let ends = entries.lineEnds
        entries.lineBytes.withUnsafeBytes { lines in
            var start = 0
            for (row, end) in ends.enumerated() {
                let set = oldIDs.isEmpty ? 0 : Int(oldIDs[row])
                var column = levels
                if !isKnown[set] {
                    let line = UnsafeRawBufferPointer(rebasing: lines[start..<Int(end)])
                    column = detection.level(ofLine: line).rawValue
                }
                start = Int(end)
                let key = set * (levels + 1) + column
                if ids[key] == none {
                    let text = ofSets[set] ?? DetectedLevel(rawValue: column)?.text ?? "unknown"
                    ids[key] = UInt32(newSets.count)
                    newSets.append(Self.with(level: text, sets[set]))
                }
                newIDs.append(ids[key])
            }
        }
        entries.metadataSets = newSets
        entries.metadataIDs = newIDs
    }

    /// The level that is known without looking at the line.
    private func level(of set: Labels, stream: String?) -> String? {
        if let given = set[LevelDetection.name] { return LevelDetection.normalised(given) }
        if let level = stream ?? LevelDetection.named(set.pairs) { return level }
        return set["severity_number"].flatMap(LevelDetection.severity)?.text
    }

    private static func with(level: String, _ set: Labels) -> Labels {
        Labels(
            set.pairs.filter { $0.name != LevelDetection.name } + [
                Label(LevelDetection.name, level)
            ])
    }
}
