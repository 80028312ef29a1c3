import LogModel
import Wire

/// Judges a decoded push stream by stream and entry by entry, in Loki's order and with Loki's
/// texts. What is valid is kept, what is not is told: a push can be both stored and refused.
package struct PushValidation {
    /// The name of the label that Loki adds when a stream has none that names its service.
    static let serviceName = "service_name"

    let limits: Limits
    let now: Timestamp
    package private(set) var batches: [Batch] = []
    package private(set) var errors = GroupedErrors()
    package private(set) var lines = 0
    package private(set) var bytes = 0

    package init(limits: Limits, now: Timestamp) {
        self.limits = limits
        self.now = now
    }

    package mutating func add(_ stream: PushRequest.Stream) {
        guard !stream.labels.isEmpty else {
            return errors.add("error at least one label pair is required per stream")
        }
        let pairs = withServiceName(stream.labels)
        if let refusal = refusal(of: pairs) { return errors.add(refusal) }
        let labels = Labels(sorted: pairs)
        var entries = stream.entries
        if limits.maxLineSizeTruncate, limits.maxLineSize > 0 {
            entries.truncateLines(to: limits.maxLineSize)
        }
        var sets = MetadataSets(entries.metadataSets, stream: labels, limits: limits)
        keepValid(&entries, &sets, labels)
        guard !entries.isEmpty else { return }
        if limits.incrementDuplicateTimestamp { entries.spreadEqualTimestamps() }
        if limits.discoverLogLevels { sets.addLevels(to: &entries, stream: labels) }
        lines += entries.count
        bytes += entries.lineBytes.count
        batches.append(Batch(labels: labels, entries: entries))
    }

    private func withServiceName(_ labels: [Label]) -> [Label] {
        guard !limits.discoverServiceName.isEmpty,
            !labels.contains(where: { $0.name == Self.serviceName })
        else { return labels }
        var service = "unknown_service"
        for name in limits.discoverServiceName {
            if let label = labels.first(where: { $0.name == name }) {
                service = label.value
                break
            }
        }
        return (labels + [Label(Self.serviceName, service)]).sorted()
    }

    private func refusal(of labels: [Label]) -> String? {
        func stream() -> String { LabelText.print(labels) }
        let counted = labels.count { $0.name != Self.serviceName }
        if limits.maxLabelNamesPerSeries > 0, counted > limits.maxLabelNamesPerSeries {
            return "entry for stream '\(stream())' has \(counted) label names; "
                + "limit \(limits.maxLabelNamesPerSeries)"
        }
        var last = ""
        for label in labels {
            if limits.maxLabelNameLength > 0, label.name.utf8.count > limits.maxLabelNameLength {
                return "stream '\(stream())' has label name too long: '\(label.name)'"
            }
            if limits.maxLabelValueLength > 0, label.value.utf8.count > limits.maxLabelValueLength {
                return "stream '\(stream())' has label value too long: '\(label.value)'"
            }
            if label.name == last {
                return "stream '\(stream())' has duplicate label name: '\(label.name)'"
            }
            last = label.name
        }
        return nil
    }

    /// Drops the rows that are not valid and makes all rows use the sets' new ids.
    private mutating func keepValid(
        _ entries: inout Entries, _ sets: inout MetadataSets, _ labels: Labels
    ) {
        let rules = EntryRules(limits: limits, now: now)
        var refused: [Int] = []
        for row in 0..<entries.count {
            let length = entries.lineRange(row).count
            let set = entries.metadataIDs.isEmpty ? 0 : Int(entries.metadataIDs[row])
            if rules.accept(entries.timestamps[row], length: length), sets.refusals[set] == nil {
                continue
            }
            refused.append(row)
            errors.add(
                rules.refusal(entries.timestamps[row], length: length, stream: labels)
                    ?? sets.refusals[set] ?? "")
        }
        if !refused.isEmpty { entries.remove(rows: refused) }
        entries.metadataSets = sets.sets
    }
}

/// What holds for one entry by itself.
private struct EntryRules {
    let oldest: Int64
    let newest: Int64
    let longest: Int
    let hasOldest: Bool

    init(limits: Limits, now: Timestamp) {
        hasOldest = limits.rejectOldSamples
        oldest =
            now.advanced(
                byNanoseconds: -Int64(limits.rejectOldSamplesMaxAgeSeconds) * Nanoseconds.second
            ).nanoseconds
        newest =
            now.advanced(
                byNanoseconds: Int64(limits.creationGracePeriodSeconds) * Nanoseconds.second
            ).nanoseconds
        longest = limits.maxLineSize > 0 ? limits.maxLineSize : Int.max
    }

    func accept(_ timestamp: Int64, length: Int) -> Bool {
        timestamp <= newest && length <= longest && (!hasOldest || timestamp >= oldest)
    }

    func refusal(_ timestamp: Int64, length: Int, stream: Labels) -> String? {
        let time = CivilTime(timestamp - timestamp % Nanoseconds.second).rfc3339
        if hasOldest, timestamp < oldest {
            let acceptable = CivilTime(oldest - oldest % Nanoseconds.second).rfc3339
            return "entry for stream '\(stream)' has timestamp too old: \(time), "
                + "oldest acceptable timestamp is: \(acceptable)"
        }
        if timestamp > newest {
            return "entry for stream '\(stream)' has timestamp too new: \(time)"
        }
        if length > longest {
            return "max entry size '\(longest)' bytes exceeded for stream '\(stream)' "
                + "while adding an entry with length '\(length)' bytes"
        }
        return nil
    }
}

extension Entries {
    /// Cuts longer lines to a size, not inside a UTF-8 sequence.
    mutating func truncateLines(to size: Int) {
        guard (0..<count).contains(where: { lineRange($0).count > size }) else { return }
        var cut: [UInt8] = []
        cut.reserveCapacity(lineBytes.count)
        var ends: [UInt32] = []
        ends.reserveCapacity(count)
        for row in 0..<count {
            var range = lineRange(row)
            if range.count > size {
                var end = range.lowerBound + size
                while end > range.lowerBound, lineBytes[end] & 0xC0 == 0x80 { end -= 1 }
                range = range.lowerBound..<end
            }
            cut.append(contentsOf: lineBytes[range])
            ends.append(UInt32(cut.count))
        }
        lineBytes = cut
        lineEnds = ends
    }

    /// Removes rows given in ascending order.
    mutating func remove(rows: [Int]) {
        var kept = Entries()
        kept.metadataSets = metadataSets
        var next = rows[...]
        for row in 0..<count {
            if next.first == row {
                next.removeFirst()
                continue
            }
            kept.timestamps.append(timestamps[row])
            kept.lineBytes.append(contentsOf: line(row))
            kept.lineEnds.append(UInt32(kept.lineBytes.count))
            if !metadataIDs.isEmpty { kept.metadataIDs.append(metadataIDs[row]) }
        }
        self = kept
    }

    /// Moves a row that has the time of the row before it, and another line, one nanosecond on.
    mutating func spreadEqualTimestamps() {
        guard count > 1 else { return }
        var original = timestamps[0]
        for row in 1..<count {
            let time = timestamps[row]
            if time == original, time < .max, line(row) != line(row - 1) {
                timestamps[row] = timestamps[row - 1] &+ 1
            }
            original = time
        }
    }
}
