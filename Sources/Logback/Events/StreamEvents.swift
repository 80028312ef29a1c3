import LogModel

/// The events of a container's streams, whose lines stand between each other's: each stream has its own open
/// event, which goes on where its next line does.
///
/// Positions in a file only rise. So events are handed out in the order of their first lines, and only when
/// nothing before them is open; those whose bytes overlap are handed out together, and all but the last
/// say so (`isGlued`). What is handed out depends on the lines behind the last such place alone:
/// reading on from there gives the same events.
struct StreamEvents {
    private struct Place {
        var event: FileEvent
        var stream: String?
        /// Seconds of the records, of its first line and its last; no number until a record behind it tells one.
        var begin: Double
        var end: Double
        /// Lines of other streams since its last.
        var linesBetween = 0
    }

    /// Lines of other streams, and seconds, behind which an event has no more lines: a stack trace is
    /// written in one go.
    private static let mostBetween = 64
    private static let mostSeconds = 1.0
    /// Events that wait, and their span in seconds, behind which the first ends: whoever reads them waits.
    private static let mostEvents = 1000
    private static let mostSpan = 5.0
    /// What an event takes beside its text, about.
    private static let eventBytes = 256

    /// In the order of their first lines.
    private var places: [Place] = []
    private var bytes = 0
    /// How many places were handed out: numbers of places count them.
    private var gone = 0
    /// The numbers of those that are open, one for each stream; they ascend.
    private var open: [Int] = []
    /// Seconds of the last record that tells them.
    private var now = Double.nan
    private let mostBytes: Int

    /// `mostBytes`: of events that wait.
    init(mostBytes: Int) { self.mostBytes = mostBytes }

    var isEmpty: Bool { places.isEmpty }

    /// Takes the open event of a stream out, to go on with it or to close it. `isParted`: lines of other streams
    /// stand between it and what comes now.
    mutating func resume(_ stream: String?) -> (event: FileEvent, isParted: Bool)? {
        guard let at = open.firstIndex(where: { places[$0 - gone].stream == stream }) else {
            return nil
        }
        let index = open.remove(at: at) - gone
        let place = places[index]
        // No second owner of its text while that grows.
        places[index].event.text = []
        taken = index
        bytes -= place.event.text.count + Self.eventBytes
        return (place.event, place.linesBetween > 0)
    }

    /// The place of the event that was taken out.
    private var taken: Int?

    /// Puts back what a line has made of it: events that ended, and the one that is open.
    mutating func put(
        _ done: [FileEvent], _ open: FileEvent?, _ stream: String?, at stamp: ParsedTimestamp?
    ) {
        let time = stamp.map { Double($0.seconds) + Double($0.nanoseconds) / 1e9 }
        for event in done { put(event, isOpen: false, stream, time) }
        if let open { put(open, isOpen: true, stream, time) }
        taken = nil
        if let time { note(time) }
        endOthers(than: stream)
    }

    private mutating func put(
        _ event: FileEvent, isOpen: Bool, _ stream: String?, _ time: Double?
    ) {
        bytes += event.text.count + Self.eventBytes
        let index: Int
        if let taken, places[taken].event.from == event.from {
            index = taken
            places[index].event = event
            places[index].linesBetween = 0
            if isOpen { places[index].end = time ?? places[index].end }
        } else {
            index = places.count
            places.append(
                Place(event: event, stream: stream, begin: time ?? .nan, end: time ?? .nan))
        }
        guard isOpen else { return }
        open.append(gone + index)
        open.sort()
    }

    /// Records that tell no time count as those behind them.
    private mutating func note(_ time: Double) {
        now = time
        for number in open where places[number - gone].end.isNaN {
            places[number - gone].end = time
        }
        if let first = places.first, first.begin.isNaN { places[0].begin = time }
    }

    private mutating func endOthers(than stream: String?) {
        guard open.count > 1 else { return }
        for number in open where places[number - gone].stream != stream {
            places[number - gone].linesBetween += 1
        }
        open.removeAll { number in
            let place = places[number - gone]
            return place.stream != stream
                && (place.linesBetween >= Self.mostBetween || now - place.end > Self.mostSeconds)
        }
    }

    /// Hands out what nothing before it holds back.
    mutating func release(into out: inout [FileEvent]) {
        handOut(into: &out)
        // One by one: whoever reads on behind what is handed out then knows nothing of what was before.
        while isOver, !open.isEmpty {
            open.removeFirst()
            handOut(into: &out)
        }
    }

    private var isOver: Bool {
        places.count > 1
            && (places.count > Self.mostEvents || bytes > mostBytes
                || now - places[0].begin > Self.mostSpan)
    }

    /// No event has any more lines.
    mutating func close(into out: inout [FileEvent]) {
        open = []
        handOut(into: &out)
    }

    private mutating func handOut(into out: inout [FileEvent]) {
        let closed = open.first.map { $0 - gone } ?? places.count
        var end = Int64.min
        var whole = 0
        for index in 0..<closed {
            end = max(end, places[index].event.to)
            guard index == places.count - 1 || places[index + 1].event.from >= end else { continue }
            for place in places[whole...index] { hand(place.event, isGlued: true, &out) }
            out[out.count - 1].isGlued = false
            out[out.count - 1].to = end
            whole = index + 1
        }
        places.removeFirst(whole)
        gone += whole
    }

    private mutating func hand(_ event: FileEvent, isGlued: Bool, _ out: inout [FileEvent]) {
        bytes -= event.text.count + Self.eventBytes
        out.append(event)
        out[out.count - 1].isGlued = isGlued
    }
}
