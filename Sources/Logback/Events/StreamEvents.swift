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
        var isOpen: Bool
        var stream: String?
        /// Seconds of the records, of its first line and its last.
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
    /// Seconds of the last record.
    private var now = 0.0
    private let mostBytes: Int

    /// `mostBytes`: of events that wait.
    init(mostBytes: Int) { self.mostBytes = mostBytes }

    var isEmpty: Bool { places.isEmpty }

    /// Takes the open event of a stream out, to go on with it or to close it. `isParted`: lines of other streams
    /// stand between it and what comes now.
    mutating func resume(_ stream: String?) -> (event: FileEvent, isParted: Bool)? {
        guard let index = places.lastIndex(where: { $0.isOpen && $0.stream == stream }) else {
            return nil
        }
        let place = places[index]
        // Room for its return, and no second owner of its text while that grows.
        places[index].event.text = []
        places[index].isOpen = false
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
        if let stamp { now = Double(stamp.seconds) + Double(stamp.nanoseconds) / 1e9 }
        for event in done { put(event, isOpen: false, stream) }
        if let open { put(open, isOpen: true, stream) }
        taken = nil
        endOthers(than: stream)
    }

    private mutating func put(_ event: FileEvent, isOpen: Bool, _ stream: String?) {
        bytes += event.text.count + Self.eventBytes
        if let index = taken, places[index].event.from == event.from {
            places[index].event = event
            places[index].isOpen = isOpen
            places[index].linesBetween = 0
            if isOpen { places[index].end = now }
        } else {
            places.append(
                Place(event: event, isOpen: isOpen, stream: stream, begin: now, end: now))
        }
    }

    private mutating func endOthers(than stream: String?) {
        guard places.count > 1 else { return }
        for index in places.indices where places[index].isOpen && places[index].stream != stream {
            places[index].linesBetween += 1
            if places[index].linesBetween >= Self.mostBetween
                || now - places[index].end > Self.mostSeconds
            {
                places[index].isOpen = false
            }
        }
    }

    /// Hands out what nothing before it holds back.
    mutating func release(into out: inout [FileEvent]) {
        if places.count == 1, places[0].isOpen { return }
        handOut(into: &out)
        // One by one: whoever reads on behind what is handed out then knows nothing of what was before.
        while isOver, let first = places.firstIndex(where: \.isOpen) {
            places[first].isOpen = false
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
        for index in places.indices { places[index].isOpen = false }
        handOut(into: &out)
    }

    private mutating func handOut(into out: inout [FileEvent]) {
        var end = Int64.min
        var whole = 0
        for (index, place) in places.enumerated() {
            guard !place.isOpen else { break }
            end = max(end, place.event.to)
            let isLast = index == places.count - 1
            if isLast || places[index + 1].event.from >= end {
                for done in places[whole...index] { hand(done.event, isGlued: true, &out) }
                out[out.count - 1].isGlued = false
                out[out.count - 1].to = end
                whole = index + 1
            }
        }
        places.removeFirst(whole)
    }

    private mutating func hand(_ event: FileEvent, isGlued: Bool, _ out: inout [FileEvent]) {
        bytes -= event.text.count + Self.eventBytes
        out.append(event)
        out[out.count - 1].isGlued = isGlued
    }
}
