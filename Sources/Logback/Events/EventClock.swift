import LogModel

/// Gives each event of a source a time of its own. Stamps are coarser than nanoseconds, so events of
/// one stamp are counted in the digits that the stamp leaves free: order survives, and equal lines
/// stay apart. The time depends on the stamps and offsets of the file alone, hence a file that is read
/// again gives the same times.
///
/// `latest` is the whole state. It goes with the position of a source to the server and back, and on
/// to the next file when a file rolls in the middle of a millisecond.
///
///     stamp            + half its precision            + its precision
///     | lane 0, lane 1, …, lane 63 | events behind a later stamp |
package struct EventClock: Sendable {
    /// The latest time that was given; 0 before the first.
    package private(set) var latest: Int64
    private let lane: Int64
    private let number: Int64

    /// Files of one stream that are written at the same time count from different starts. As many
    /// as instances of an application that share a folder, with room to spare.
    package static let lanes: Int64 = 64
    /// A stamp that is finer than this leaves no room to count in: its twins go on behind it, at most
    /// so many nanoseconds.
    private static let fineSlack: Int64 = 1000
    /// Files with the same lines must not step back onto the same nanosecond: a prime, so that sources
    /// stay apart whatever the length of a line.
    private static let stagger: Int64 = 7919

    /// As many events as are read at one moment, in nanoseconds: further back the clock of the reader
    /// was set.
    private static let readingSlack = 60 * Nanoseconds.second

    /// `number`: of the source, one for each; lanes are used again.
    package init(latest: Int64, lane: Int64, number: Int64? = nil) {
        self.latest = latest
        self.lane = lane % Self.lanes
        self.number = number ?? self.lane
    }

    /// For an event of a source that tells no times: that of reading, or the next, however many events
    /// are read at one moment.
    mutating func time(readAt now: Int64, offset: Int64) -> Int64 {
        let stamp = now - now % Nanoseconds.millisecond
        if latest != 0, stamp <= latest, stamp > latest &- Self.readingSlack {
            latest &+= 1
            return latest
        }
        return time(stamp: stamp, precision: Nanoseconds.millisecond, offset: offset)
    }

    /// `stamp` and its `precision` in nanoseconds; `offset`: where the event stands in the file.
    mutating func time(stamp: Int64, precision: Int64, offset: Int64) -> Int64 {
        let half = precision / 2
        // Latest times may come from a server: whatever they are, sums must not trap.
        if latest == 0 || stamp > latest {
            latest = stamp &+ lane &* (half / Self.lanes)
            return latest
        }
        if stamp > latest &- max(precision, Self.fineSlack) {
            latest &+= 1
            return latest
        }
        // Threads write a few milliseconds out of turn, and clocks are set back. How many events had
        // this stamp is forgotten by now; the offset rises with them and is never twice the same.
        guard half > 0 else { return stamp }
        return stamp &+ half &+ (offset &+ number &* Self.stagger) % half
    }
}
