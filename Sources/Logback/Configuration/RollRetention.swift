/// When an application deletes its rolled files, as its configuration says. Whichever comes first
/// counts; nothing said: they stay.
///
/// Logback: *TimeBasedRollingPolicy* deletes files whose period is more than `maxHistory` periods ago,
/// and the oldest of those that hold more than `totalSizeCap` together; a fixed window keeps as many
/// files as it has indexes.
package struct RollRetention: Sendable, Equatable {
    /// Seconds from a file's last line on: not earlier.
    package var age: Double?
    /// Files that are kept beside the active one.
    package var files: Int?
    /// Bytes of all of them, as they lie on the disk.
    package var bytes: Int64?

    /// Nil when nothing is ever deleted.
    package init?(age: Double? = nil, files: Int? = nil, bytes: Int64? = nil) {
        guard age != nil || files != nil || bytes != nil else { return nil }
        (self.age, self.files, self.bytes) = (age, files, bytes)
    }

    /// Seconds from a file's last line to its deletion; nil where the rolls tell too little.
    ///
    /// `interval`: seconds from one roll to the next; `rollBytes`: bytes of a rolled file.
    package func lifetime(interval: Double?, rollBytes: Double?) -> Double? {
        var ends: [Double] = []
        if let age { ends.append(age) }
        if let files, let interval { ends.append(Double(files) * interval) }
        if let bytes, let interval, let rollBytes, rollBytes > 0 {
            ends.append(Double(bytes) / rollBytes * interval)
        }
        return ends.min()
    }
}

extension FileAppender {
    package var retention: RollRetention? {
        let history = maxHistory?.value ?? 0
        guard history > 0 else { return nil }
        if case .fixedWindow = policy.value { return RollRetention(files: history) }
        let cap = totalSizeCap.flatMap { Self.bytes($0.value) } ?? 0
        return RollRetention(
            age: (rolledNames?.value.period).map { Double(history) * Double($0.seconds) },
            bytes: cap > 0 ? cap : nil)
    }
}
