/// What a reader asks of a store: which streams, which time, which columns.
package struct Selection: Sendable {
    package enum Direction: String, Sendable { case forward, backward }

    /// What a reader needs. With `minuteCounts` a source gives roll-ups where it can, in units as
    /// large as they may be, and timestamps and lengths elsewhere.
    package enum Projection: Sendable { case lines, timestampsAndLengths, minuteCounts }

    package var tenant: String
    package var matchers: [Matcher]
    /// Inclusive.
    package var start: Timestamp
    /// Exclusive.
    package var end: Timestamp
    package var direction: Direction
    package var projection: Projection
    /// Literals that every wanted line contains; a source may use them to skip, or ignore them.
    package var requiredLiterals: [[UInt8]] = []

    package init(
        tenant: String, matchers: [Matcher], start: Timestamp, end: Timestamp,
        direction: Direction = .forward, projection: Projection = .lines
    ) {
        self.tenant = tenant
        self.matchers = matchers
        self.start = start
        self.end = end
        self.direction = direction
        self.projection = projection
    }
}

/// The structured metadata under which a server notes the level that it found in a line.
package let detectedLevelName = "detected_level"

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

/// A run of one stream's entries that can be read by itself: a few MiB of lines at most.
/// Units of one stream never overlap in time, so equal entries always meet inside one unit, where
/// `load` has already dropped the repeated ones.
package struct ScanUnit: Sendable {
    package let labels: Labels
    /// First and last timestamp that the unit may hold, both inclusive, clipped to the selection.
    package let first: Int64
    package let last: Int64
    /// Bytes of line text that reading costs; an estimate for statistics and admission.
    package let bytes: Int
    /// Exact counts per minute of everything in the unit, where they are known without reading:
    /// nothing overlaps and the selection cuts nothing off.
    package let minutes: (@Sendable () throws -> [MinuteCount])?
    /// The rows inside the selection, ascending by time, equal times in arrival order, without
    /// repeated entries. Without `.lines` only timestamps and `lineEnds` are filled
    /// (`lineBytes` is empty, metadata is present).
    package let load: @Sendable (Selection.Projection) throws -> Entries

    package init(
        labels: Labels, first: Int64, last: Int64, bytes: Int,
        minutes: (@Sendable () throws -> [MinuteCount])?,
        load: @escaping @Sendable (Selection.Projection) throws -> Entries
    ) {
        self.labels = labels
        self.first = first
        self.last = last
        self.bytes = bytes
        self.minutes = minutes
        self.load = load
    }
}

/// Where entries are read from: a store, or plain files. Calls block: make them on a thread that
/// may, never on the cooperative pool.
package protocol LogSource: Sendable {
    /// The units of a selection, by `first` ascending (forward) or `last` descending (backward).
    func plan(_ selection: Selection) throws -> [ScanUnit]
}
