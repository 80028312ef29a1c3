/// What a reader asks of a store: which streams, which time, which columns.
package struct Selection: Sendable {
    package enum Direction: String, Sendable { case forward, backward }

    /// What a reader needs beside metadata. With `minuteCounts` a source gives roll-ups where it can,
    /// in units as large as they may be, and timestamps elsewhere.
    package enum Projection: Sendable { case lines, timestampsAndLengths, timestamps, minuteCounts }

    package var tenant: String
    package var matchers: [Matcher]
    /// Inclusive.
    package var start: Timestamp
    /// Exclusive.
    package var end: Timestamp
    package var direction: Direction
    package var projection: Projection
    /// What every wanted line fulfils. A source may use it to skip, or ignore it; one that
    /// `filtersExactly` gives without lines exactly the entries that fulfil it.
    package var condition = LineCondition.anything
    /// The same of lines whose entries lack some labels, beyond `condition`; nothing is filtered
    /// exactly by it.
    package var parsed: ParsedCondition?
    /// Whether a unit may hold entries of several streams, in any order.
    package var joinsStreams = false
    /// So many rows are enough, of those that come first in the direction; nil when all are wanted. A
    /// source may leave out units that none of those can be in.
    package var enough: Int?
    /// Told what is done, when that is to be explained.
    package var trace: ScanTrace?

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

/// What every wanted line fulfils whose stream and structured metadata have no label of certain names:
/// then these labels can only come from the line.
package struct ParsedCondition: Sendable, Equatable {
    package var names: Set<String> = []
    package var condition = LineCondition.anything
    /// So few lines fulfil it that they are worth looking for one by one; else it is good for whole
    /// chunks.
    package var isSelective = false

    package init() {}
}

/// The structured metadata under which a server notes the level that it found in a line.
package let detectedLevelName = "detected_level"

/// A run of one stream's entries that can be read by itself, or of several streams' that lie side by
/// side: a few MiB of lines at most.
/// Units of one stream never overlap in time, so equal entries always meet inside one unit, where
/// `load` has already dropped the repeated ones.
package struct ScanUnit: Sendable {
    /// One, unless the selection joins streams. `Entries.setStreams` are places in this list.
    package let streams: [Labels]
    /// First and last timestamp that the unit may hold, both inclusive, clipped to the selection.
    package let first: Int64
    package let last: Int64
    /// Bytes of line text that reading costs; an estimate for statistics and admission.
    package let bytes: Int
    /// Units that lie close to each other have close places: read one after the other they cost less.
    package let place: UInt64
    /// Exact counts per minute of everything in the unit, where they are known without reading: no entry is
    /// there twice and the selection cuts nothing off.
    package let minutes: UnitMinutes?
    /// The same entries in smaller units, for whom minutes do not tell enough: a unit that has parts can be
    /// large, and is not loaded itself.
    package let parts: (@Sendable () throws -> [ScanUnit])?
    /// Names of metadata that the entries may have, of which minutes know the level alone; nil where
    /// that is not known.
    package let metadataNames: Set<String>?
    /// Gives the rows that `load` would give to a reader, as values of holes where that is possible. Nil
    /// where lines are all there is. Rows of lines may come that do not fulfil the condition.
    package let readFields: (@Sendable (any FieldReader, ClosedRange<Int64>) throws -> Void)?
    private let read: @Sendable (Selection.Projection, ClosedRange<Int64>) throws -> Entries

    package init(
        streams: [Labels], first: Int64, last: Int64, bytes: Int, place: UInt64 = 0,
        minutes: UnitMinutes?, metadataNames: Set<String>? = nil,
        readFields: (@Sendable (any FieldReader, ClosedRange<Int64>) throws -> Void)? = nil,
        load: @escaping @Sendable (Selection.Projection, ClosedRange<Int64>) throws -> Entries
    ) {
        self.streams = streams
        self.first = first
        self.last = last
        self.bytes = bytes
        self.place = place
        self.minutes = minutes
        self.metadataNames = metadataNames
        parts = nil
        self.readFields = readFields
        read = load
    }

    /// A unit of any size whose minutes are known, and what to read where those do not tell enough.
    package init(
        streams: [Labels], first: Int64, last: Int64, bytes: Int, minutes: UnitMinutes,
        metadataNames: Set<String>?, parts: @escaping @Sendable () throws -> [ScanUnit]
    ) {
        self.streams = streams
        self.first = first
        self.last = last
        self.bytes = bytes
        place = 0
        self.minutes = minutes
        self.metadataNames = metadataNames
        self.parts = parts
        readFields = nil
        read = { try Self.load(try parts(), of: streams, $0, within: $1) }
    }

    private static func load(
        _ parts: [ScanUnit], of streams: [Labels], _ projection: Selection.Projection,
        within times: ClosedRange<Int64>
    ) throws -> Entries {
        let places = Dictionary(
            streams.enumerated().map { ($1, UInt32($0)) }, uniquingKeysWith: { first, _ in first })
        var all = Entries()
        var owners: [UInt32] = []
        for part in parts {
            var entries = try part.load(projection, within: times)
            owners += (0..<entries.count).map { places[part.streams[entries.stream($0)]] ?? 0 }
            entries.setStreams = []
            all.append(entries, rows: 0..<entries.count)
        }
        if streams.count > 1 { all.divide(among: owners) }
        return all
    }

    /// What to call it.
    package var name: String {
        let others = streams.count - 1
        return others == 0 ? "\(streams[0])" : "\(streams[0]) and \(others) other streams"
    }

    /// The rows inside the selection, and inside `times` if that is given, of each stream ascending by
    /// time, equal times in arrival order, without repeated entries. Without `.lines` only timestamps and
    /// metadata are filled, with lengths also `lineEnds` (elsewhere they may be zero).
    package func load(
        _ projection: Selection.Projection, within times: ClosedRange<Int64>? = nil
    ) throws -> Entries {
        try read(projection, times ?? first...last)
    }
}

/// Where entries are read from: a store, or plain files. Calls block: make them on a thread that
/// may, never on the cooperative pool.
package protocol LogSource: Sendable {
    /// The units of a selection, by `first` ascending (forward) or `last` descending (backward).
    func plan(_ selection: Selection) throws -> [ScanUnit]

    /// Whether entries that are asked for without their lines are those that fulfil the condition.
    var filtersExactly: Bool { get }
}

extension LogSource {
    package var filtersExactly: Bool { false }
}
