/// Entries of one minute and one detected level, counted when the segment was written. A minute is
/// `(start, start + 60 s]`, as the windows of LogQL are.
package struct MinuteCount: Sendable, Equatable {
    /// Nanoseconds; a multiple of a minute.
    package var start: Int64
    /// Value of `detected_level`, "" without one, nil where levels were not told apart.
    package var level: String?
    package var rows: Int
    package var bytes: Int

    package init(start: Int64, level: String?, rows: Int, bytes: Int) {
        self.start = start
        self.level = level
        self.rows = rows
        self.bytes = bytes
    }
}

/// What was counted of one stream in one place, or of several together, by minute and level. Of one stream
/// minutes ascend.
package struct MinuteRun: Sendable {
    /// `level` is a place in `levels`.
    package typealias Body = (_ start: Int64, _ level: Int, _ rows: Int, _ bytes: Int) -> Void

    /// Values of `detected_level`, "" for none, nil where levels were not told apart.
    package let levels: [String?]
    /// Whether any count may be of levels that were not told apart.
    package let hasUntold: Bool
    private let visit: @Sendable (Body) -> Void

    package init(levels: [String?], hasUntold: Bool, visit: @escaping @Sendable (Body) -> Void) {
        self.levels = levels
        self.hasUntold = hasUntold
        self.visit = visit
    }

    package func forEach(_ body: Body) { visit(body) }

    package var counts: [MinuteCount] {
        var counts: [MinuteCount] = []
        forEach { start, level, rows, bytes in
            counts.append(
                MinuteCount(start: start, level: levels[level], rows: rows, bytes: bytes))
        }
        return counts
    }
}

/// What was counted of the streams of a unit.
package struct UnitMinutes: Sendable {
    private let read: @Sendable ([Int]) throws -> [MinuteRun]?

    /// `read` gives the runs of streams by their places in the unit.
    package init(_ read: @escaping @Sendable ([Int]) throws -> [MinuteRun]?) { self.read = read }

    /// Runs that together have the counts of some streams, by their places in the unit: in each run may be
    /// those of several. Nil where counts do not add up, because an entry may be in two of them.
    package func runs(of places: [Int]) throws -> [MinuteRun]? { try read(places) }

    /// All of one stream as a list.
    package func callAsFunction(_ place: Int) throws -> [MinuteCount]? {
        try runs(of: [place])?.flatMap(\.counts)
    }
}
