import LogModel

/// An event of a file: the bytes it covers, its text, its time.
package struct FileEvent: Sendable {
    package var from: Int64
    package var to: Int64
    /// Lines joined by newlines, the last line end left out.
    package var text: [UInt8]
    /// Nanoseconds since the epoch.
    package var timestamp: Int64
    package var level: String?
    /// The clock of the source behind this event: with `to`, all that is needed to read on and give
    /// the same times.
    package var events: Int64
    /// With `events`, all that is needed to read on from anywhere and give the very same events.
    package var known: EventAssembler.Known
    /// `stdout` or `stderr`, of a container.
    package var stream: String?
    /// Of a request, in an access log: `404`.
    package var status: String?
    /// Where the fields of its layout lie in its first line.
    var spans: [HeaderSpan] = []
    /// The bytes up to `to` are covered only together with the next event: reading on between the two
    /// would repeat this one.
    package var isGlued = false
    /// The rest of an event that is longer than an entry may be.
    package var isContinued = false
    /// False where it begins with a line that no layout knows.
    var hasHeader = false
}

/// Turns blocks of one file into events. What it makes of a file depends on the bytes, the offset and
/// the clock before it alone, so reading again gives the same events and the same times.
package struct EventAssembler {
    package struct Bounds: Sendable {
        /// A longer event is closed, and its rest is an event of its own.
        package var eventBytes: Int
        package init(eventBytes: Int = 1024 * 1024 - 1024) { self.eventBytes = eventBytes }
    }

    /// What the lines so far have shown of the source.
    package struct Known: Sendable, Equatable {
        /// True once there was a header: then lines without one continue an event.
        package fileprivate(set) var hasSeenHeader = false
        fileprivate var levels = Levels()
        /// Of each stream of a container: access logs may stand beside an application's.
        fileprivate var streamLevels: [String: Levels] = [:]
        /// Where the line begins whose stamp was the first to tell its date.
        package fileprivate(set) var firstDate: Int64?
        /// The last stamp, nanoseconds; its precision is 0 while there was none.
        fileprivate var stamp: Int64 = 0
        fileprivate var precision: Int64 = 0
        /// Lines since the last header of the layout that look like headers of another one.
        fileprivate var strangers = 0

        /// What is remembered of a source that was read before.
        package init(hasSeenHeader: Bool = false, hasBareStamps: Bool = false) {
            self.hasSeenHeader = hasSeenHeader
            if hasBareStamps { levels.bare = Levels.fewestBare }
        }

        /// What holds wherever reading goes on.
        package var ofSource: Known {
            Known(hasSeenHeader: hasSeenHeader, hasBareStamps: hasBareStamps)
        }

        /// Stamps alone are headers, whatever levels come: shells and PostgreSQL write both.
        package var hasBareStamps: Bool { levels.bare >= Levels.fewestBare }
    }

    /// Whether the headers of a source have levels.
    fileprivate struct Levels: Sendable, Equatable {
        /// As many headers without a level before the first with one are no accident.
        static let fewestBare = 3
        var bare = 0
        /// True once a header had a level: then a stamp alone is no header.
        var areWanted = false

        mutating func add(_ header: EventHeader) {
            guard !areWanted, bare < Self.fewestBare else { return }
            if header.level != nil {
                areWanted = true
            } else if header.timestamp != nil {
                bare += 1
            }
        }
    }

    private let layout: LayoutRule
    private let bounds: Bounds
    private var zone: ZoneCache
    private var splitter: LineSplitter
    private var joiner: RecordJoiner?
    /// Of a container, all of its events that are not handed out; `open` is then the one at hand.
    private var streams: StreamEvents
    private var open: FileEvent?
    private var clock: EventClock
    private let lane: Int64
    private let number: Int64?
    package private(set) var known: Known
    /// When the first stamp was written, nanoseconds, until it is met: stamps may tell no date.
    private var start: Int64?
    /// The clock knows the date.
    package private(set) var isDated: Bool
    /// What the stamps so far tell of their dates.
    package private(set) var dateless = DatelessStamps()

    /// `events`: the clock that came with the event before `offset`, 0 at the start of a source.
    /// `lane`: tells files of one stream apart that are written at the same time, `number` all sources.
    /// `startsLine`: false when `offset` lies within a line.
    package init(
        layout: LayoutRule, zone: ZoneRule, offset: Int64, events: Int64, lane: Int64 = 0,
        number: Int64? = nil, known: Known = Known(), bounds: Bounds = Bounds(),
        encoding: TextEncoding = .utf8,
        envelope: ContainerEnvelope? = nil, startsLine: Bool = true
    ) {
        self.layout = layout
        joiner = envelope.map { RecordJoiner($0, maxLineBytes: bounds.eventBytes) }
        streams = StreamEvents(mostBytes: bounds.eventBytes)
        self.bounds = bounds
        self.zone = ZoneCache(zone)
        self.known = known
        self.lane = lane
        self.number = number
        clock = EventClock(latest: events, lane: lane, number: number)
        isDated = offset > 0 && events != 0
        if known.hasSeenHeader, events != 0 {
            self.known.stamp = events - events % Nanoseconds.millisecond
            self.known.precision = Nanoseconds.millisecond
        }
        splitter = LineSplitter(
            offset: offset,
            // Other encodings may take up to four times their bytes in UTF-8.
            maxLineBytes: encoding == .utf8 ? bounds.eventBytes : bounds.eventBytes / 4,
            encoding: encoding, startsLine: startsLine)
    }

    /// Reads on behind an event, or from the start of a file that tells its own layout.
    package init(zone: ZoneRule, behind event: FileEvent?, offset: Int64) {
        self.init(layout: .automatic, zone: zone, offset: offset, events: event?.events ?? 0)
        if let event { known = event.known }
    }

    /// True at the first stamp that does not tell its date, when nothing else did: what was read is to
    /// be read once more then, behind `begin`.
    package private(set) var wantsStart = false

    /// Before the first bytes: when the first stamp of the file was written, in nanoseconds.
    package mutating func begin(at start: Int64) {
        self.start = start
        wantsStart = false
        // The file before this one cannot have been written later: that clock is of no use here.
        if clock.latest > start + DatelessStamps.backstep * Nanoseconds.second {
            clock = EventClock(latest: 0, lane: lane, number: number)
        }
    }

    package var zoneRule: ZoneRule { zone.zone }

    /// Where the next byte of the file belongs.
    package var offset: Int64 { splitter.offset }

    package var hasOpenEvent: Bool { open != nil || !streams.isEmpty || isWithinLine }

    /// A container's line that comes in pieces has not ended.
    private var isWithinLine: Bool { joiner.map { !$0.isEmpty } ?? false }

    /// True while half a line stands behind what was read: its writer is not done.
    package var hasHalfLine: Bool { splitter.hasHalfLine || isWithinLine }

    /// The clock as it is behind everything that was added.
    package var latest: Int64 { clock.latest }

    /// `now`: the time of reading, for events that tell none.
    package mutating func add(_ block: some Collection<UInt8>, now: Int64) -> [FileEvent] {
        var out: [FileEvent] = []
        let block = block as? ArraySlice<UInt8> ?? Array(block)[...]
        var lines: [LineSplitter.Line] = []
        splitter.add(block) { lines.append($0) }
        for line in lines { unwrap(line, now, &out) }
        return out
    }

    private mutating func unwrap(
        _ line: LineSplitter.Line, _ now: Int64, _ out: inout [FileEvent]
    ) {
        guard joiner != nil else { return take(line, now, &out) }
        for joined in joiner?.add(line) ?? [] { take(joined, now) }
        // Not before: the lines that come out together may begin within each other.
        streams.release(into: &out)
    }

    private mutating func take(_ joined: RecordJoiner.Joined, _ now: Int64) {
        var done: [FileEvent] = []
        let stream = joined.stream ?? ""
        known.levels = known.streamLevels[stream] ?? Levels()
        defer {
            // Events share what is known until it changes.
            if known.streamLevels[stream] != known.levels {
                known.streamLevels[stream] = known.levels
            }
        }
        if let (event, isParted) = streams.resume(joined.stream) {
            open = event
            // Lines that tell no header belong together where they stand together, or are set in.
            if isParted, !event.hasHeader, !Self.isIndented(joined.line.text),
                let event = open.take()
            {
                done.append(event)
            }
        }
        take(joined.line, now, &done, joined.stamp)
        if open?.from == joined.line.from { open?.stream = joined.stream }
        streams.put(done, open.take(), joined.stream, at: joined.stamp)
    }

    /// Closes what waits for more lines.
    package mutating func flush(now: Int64) -> [FileEvent] {
        var out: [FileEvent] = []
        for joined in joiner?.finish() ?? [] { take(joined, now) }
        streams.close(into: &out)
        if let open = open.take() { out.append(open) }
        return out
    }

    /// The file will not grow any more: its last line may lack a line end.
    package mutating func finish(now: Int64) -> [FileEvent] {
        var out: [FileEvent] = []
        if let line = splitter.finish() { unwrap(line, now, &out) }
        return out + flush(now: now)
    }

    /// As many lines like headers of another layout, in a row and without one of this, mean that the
    /// application writes another layout by now: more than a message quotes.
    private static let mostStrangers = 200

    private mutating func header(_ line: LineSplitter.Line) -> EventHeader? {
        guard line.startsLine else { return nil }
        return line.text.withUnsafeBytes { text in
            if let header = layout.header(of: text, wantsLevel: known.levels.areWanted) {
                known.strangers = 0
                return header
            }
            guard layout.compiled != nil,
                let guess = LayoutRule.automatic.header(of: text, wantsLevel: true),
                guess.level != nil, guess.timestamp != nil
            else { return nil }
            known.strangers = known.hasSeenHeader ? known.strangers + 1 : Self.mostStrangers
            return known.strangers >= Self.mostStrangers ? guess : nil
        }
    }

    /// `stamp`: the time of the record that the line stood in, which counts for its event.
    private mutating func take(
        _ line: LineSplitter.Line, _ now: Int64, _ out: inout [FileEvent],
        _ stamp: ParsedTimestamp? = nil
    ) {
        var header = header(line)
        if header != nil, let stamp { header?.timestamp = stamp }
        if let header {
            known.hasSeenHeader = true
            known.levels.add(header)
            if let done = open.take() { out.append(done) }
            begin(line, header, now)
            open?.hasHeader = true
        } else if var event = open, known.hasSeenHeader || Self.isIndented(line.text),
            event.text.count + line.text.count + 1 <= bounds.eventBytes
        {
            open = nil
            if line.startsLine { event.text.append(0x0a) }
            event.text += line.text
            event.to = line.to
            open = event
        } else {
            let isContinued = !line.startsLine || open != nil && known.hasSeenHeader
            if let done = open.take() { out.append(done) }
            begin(line, EventHeader(timestamp: stamp, level: nil), now)
            open?.isContinued = isContinued
        }
    }

    /// Lines of a file without headers are events of their own, unless they are set in.
    private static func isIndented(_ text: [UInt8]) -> Bool {
        text.first == 0x20 || text.first == 0x09 || text.starts(with: "Caused by:".utf8)
    }

    private mutating func begin(_ line: LineSplitter.Line, _ header: EventHeader, _ now: Int64) {
        let time = time(header, line.from, now)
        open = FileEvent(
            from: line.from, to: line.to, text: line.text, timestamp: time, level: header.level,
            events: clock.latest, known: known, status: header.status, spans: header.spans)
    }

    private mutating func time(_ header: EventHeader, _ offset: Int64, _ now: Int64) -> Int64 {
        guard let stamp = header.timestamp else {
            if known.precision == 0, let start {
                return clock.time(
                    stamp: start, precision: Nanoseconds.millisecond, offset: offset)
            }
            return known.precision == 0
                ? clock.time(readAt: now, offset: offset)
                : clock.time(stamp: known.stamp, precision: known.precision, offset: offset)
        }
        if stamp.lacks == .nothing, known.firstDate == nil { known.firstDate = offset }
        let told = stamp.lacks == .nothing ? stamp.seconds : dated(stamp, now)
        isDated = true
        let seconds = stamp.hasZone ? told : zone.utc(ofLocal: told)
        // A year that nanoseconds cannot hold, with a second to spare for the additions below, is
        // no time of an event.
        let last = Int64.max / Nanoseconds.second - 2
        let whole =
            (-last...last).contains(seconds)
            ? seconds * Nanoseconds.second + stamp.nanoseconds : now
        known.stamp = whole
        known.precision = max(1, stamp.precision)
        return clock.time(stamp: whole, precision: known.precision, offset: offset)
    }

    /// Local seconds of a stamp that tells no date: of the day of the events before it, and over
    /// midnight with them. The clock goes with the position of the source, so reading on from anywhere
    /// gives the same date.
    private mutating func dated(_ stamp: ParsedTimestamp, _ now: Int64) -> Int64 {
        dateless.add(stamp)
        defer { start = nil }
        let latest = zone.completed(stamp, notAfter: now)
        guard let reference = start ?? (isDated ? clock.latest : nil) else {
            wantsStart = true
            return latest
        }
        // Nothing is read before it is written.
        return min(zone.completed(stamp, following: reference), latest)
    }
}
