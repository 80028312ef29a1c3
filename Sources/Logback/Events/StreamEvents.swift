/// Events of a container's streams whose lines stand between each other.
///
/// Positions in a file only rise, so an event that closes waits until every other one that began before
/// its end has closed, too. They are handed out in the order of their beginnings, and those whose lines
/// stand behind the beginning of the next one say so (`FileEvent.isGlued`).
struct StreamEvents {
    private struct Waiting {
        var event: FileEvent
        /// It may get more lines, after those of another stream; so many have come since its last one.
        var isOpen: Bool
        var age = 0
    }
    private var waiting: [Waiting] = []
    private var bytes = 0

    /// An event whose stream is silent while another writes so many lines gets no more: whoever prints
    /// a stack trace is not kept from it for longer.
    private static let mostLines = 64

    var isEmpty: Bool { waiting.isEmpty }

    /// Keeps an open event while another stream writes.
    mutating func park(_ event: FileEvent) { insert(Waiting(event: event, isOpen: true)) }

    /// The open event of a stream, to go on with.
    mutating func goOn(_ stream: String?) -> FileEvent? {
        guard let at = waiting.firstIndex(where: { $0.isOpen && $0.event.stream == stream }) else {
            return nil
        }
        let event = waiting.remove(at: at).event
        bytes -= event.text.count
        return event
    }

    /// After a line: `done` are the events that it closed, `open` is its own. What may be handed out now.
    ///
    /// `bound`: bytes of text that may wait.
    mutating func add(_ done: [FileEvent], open: FileEvent?, bound: Int) -> [FileEvent] {
        if waiting.isEmpty { return done }
        for event in done { insert(Waiting(event: event, isOpen: false)) }
        for index in waiting.indices where waiting[index].isOpen {
            waiting[index].age += 1
            if waiting[index].age > Self.mostLines { waiting[index].isOpen = false }
        }
        if bytes <= bound {
            guard !waiting.contains(where: \.isOpen) else { return [] }
            let end = waiting.map(\.event.to).max() ?? 0
            // One that began between those that wait goes with them, when it closes.
            guard open.map({ $0.from >= end }) ?? true else { return [] }
        }
        return release(before: open?.from ?? .max)
    }

    /// Everything, with the event that was open last.
    mutating func end(with last: FileEvent?) -> [FileEvent] {
        guard let last else { return release(before: .max) }
        guard !waiting.isEmpty else { return [last] }
        insert(Waiting(event: last, isOpen: false))
        return release(before: .max)
    }

    private mutating func insert(_ one: Waiting) {
        let at = waiting.firstIndex { $0.event.from > one.event.from } ?? waiting.count
        waiting.insert(one, at: at)
        bytes += one.event.text.count
    }

    /// `next`: where the event begins that stays open.
    private mutating func release(before next: Int64) -> [FileEvent] {
        var events = waiting.map(\.event)
        waiting = []
        bytes = 0
        var end: Int64 = 0
        for index in events.indices {
            end = max(end, events[index].to)
            // What reaches behind the next one's beginning is covered only together with it.
            events[index].isGlued =
                end > (index + 1 < events.count ? events[index + 1].from : next)
            if !events[index].isGlued { events[index].to = end }
        }
        return events
    }
}
