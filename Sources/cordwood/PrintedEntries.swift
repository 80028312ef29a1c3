import LogModel

/// What `tail` has printed, to be known again when the same time is asked for once more. Equal
/// entries are counted: a query may make equal lines of different ones.
package struct PrintedEntries {
    /// An entry by its time and the hash of the rest: lines need not be kept, and two entries of one
    /// nanosecond do not share 64 bits by chance.
    private struct Key: Hashable {
        let timestamp: Int64
        let fingerprint: Int

        init(_ entry: PrintedEntry) {
            timestamp = entry.timestamp
            var hasher = Hasher()
            hasher.combine(entry.labels)
            entry.line.withUnsafeBytes { hasher.combine(bytes: $0) }
            fingerprint = hasher.finalize()
        }
    }

    /// Keys kept at most, some 60 MB: a tail may run for weeks beside a busy server.
    package static let most = 1_000_000

    private var printed: [Key: Int] = [:]
    /// In the answer that is being read.
    private var current: [Key: Int] = [:]
    /// Nothing before it is known any more, so nothing before it may be asked for.
    package private(set) var floor: Int64 = .min

    package init() {}

    /// An answer begins.
    package mutating func begin() { current.removeAll(keepingCapacity: true) }

    /// True when the entry has not been printed yet; from now on it has.
    package mutating func take(_ entry: PrintedEntry) -> Bool {
        let key = Key(entry)
        let count = current[key, default: 0] + 1
        current[key] = count
        guard count > printed[key, default: 0] else { return false }
        printed[key] = count
        return true
    }

    /// Forgets what is before a time. True when entries after it had to be forgotten too.
    package mutating func forget(before start: Int64) -> Bool {
        if start > floor { printed = printed.filter { $0.key.timestamp >= start } }
        floor = max(floor, start)
        guard printed.count > Self.most else { return false }
        let times = printed.keys.map(\.timestamp).sorted()
        floor = times[times.count / 2]
        printed = printed.filter { $0.key.timestamp >= floor }
        return true
    }
}
