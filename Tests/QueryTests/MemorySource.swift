import LogModel

/// Entries in memory, cut into small units.
struct MemorySource: LogSource {
    var streams: [(labels: Labels, entries: Entries)]

    func plan(_ selection: Selection) throws -> [ScanUnit] {
        var units: [ScanUnit] = []
        for (labels, entries) in streams where selection.matchers.accept(labels) {
            for start in stride(from: 0, to: entries.count, by: 7) {
                var part = Entries()
                for row in start..<min(start + 7, entries.count)
                where entries.timestamps[row] >= selection.start.nanoseconds
                    && entries.timestamps[row] < selection.end.nanoseconds
                {
                    part.append(
                        timestamp: entries.timestamps[row], line: entries.line(row),
                        metadata: entries.metadata(row))
                }
                guard let first = part.timestamps.first, let last = part.timestamps.last else {
                    continue
                }
                let unit = part
                units.append(
                    ScanUnit(
                        streams: [labels], first: first, last: last, bytes: 0, minutes: nil,
                        load: { _, times in unit.within(times) }))
            }
        }
        return units.sorted {
            selection.direction == .backward ? $0.last > $1.last : $0.first < $1.first
        }
    }
}

extension Entries {
    fileprivate func within(_ times: ClosedRange<Int64>) -> Entries {
        var part = Entries()
        for row in 0..<count where times.contains(timestamps[row]) {
            part.append(timestamp: timestamps[row], line: line(row), metadata: metadata(row))
        }
        return part
    }
}
