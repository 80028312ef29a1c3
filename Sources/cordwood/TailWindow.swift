import LogModel

/// Which span of time `tail` asks for next. Entries arrive late: agents batch, back off and catch up
/// after an outage. Asking for everything that may still come, twice a second, would cost too much,
/// so a short span is asked for often and the whole of it now and then.
///
/// All times are nanoseconds since the epoch and given by the caller.
package struct TailWindow {
    package struct Span: Equatable {
        package var start: Int64
        package var end: Int64
        /// The whole time in which entries may still arrive.
        package var isWhole: Bool
    }

    /// The short span: what arrives without trouble is younger than this.
    private static let near = 10 * Nanoseconds.second
    /// Entries of clocks that run ahead by no more than this are shown at once.
    private static let ahead = 10 * Nanoseconds.second
    /// Between two questions for the whole span.
    private static let wholeEvery = 5 * Nanoseconds.second
    /// The whole span is asked for in no more than this part of the time: it may be large.
    private static let wholeShare: Int64 = 10

    private let begin: Int64
    private let late: Int64
    /// What was there before is still to be asked for.
    private var isFirst = true
    private var lastAnswer: Int64
    private var nextWhole: Int64
    /// During and after an outage: entries from here on may still arrive, until `heldUntil`.
    private var held: Int64?
    private var heldUntil: Int64 = .max

    /// `begin`: nothing before it is wanted. `late`: how late an entry may come.
    package init(begin: Int64, late: Int64, now: Int64) {
        self.begin = begin
        self.late = late
        lastAnswer = now
        nextWhole = now
    }

    /// Where the whole span begins: what was printed since must be remembered.
    package func wholeStart(_ now: Int64) -> Int64 { max(begin, min(now - late, held ?? .max)) }

    package func next(_ now: Int64) -> Span {
        let isWhole = isFirst || now >= nextWhole
        let start = isWhole ? wholeStart(now) : max(begin, now - Self.near)
        return Span(start: isFirst ? begin : start, end: now + Self.ahead, isWhole: isWhole)
    }

    /// A span was answered. `oldest`: the oldest entry in it that was new.
    package mutating func answered(_ span: Span, began: Int64, now: Int64, oldest: Int64?) {
        if held != nil, heldUntil == .max { heldUntil = now + late }
        lastAnswer = now
        // Agents still catch up.
        if held != nil, let oldest, oldest < now - late { heldUntil = now + late }
        if now >= heldUntil {
            held = nil
            heldUntil = .max
        }
        guard span.isWhole else { return }
        isFirst = false
        nextWhole = now + max(Self.wholeEvery, (now - began) * Self.wholeShare)
    }

    /// The server could not be asked. What agents keep meanwhile comes after it is back, so the time
    /// from before the outage stays in the span.
    package mutating func failed(_ now: Int64) {
        held = min(held ?? .max, lastAnswer - late)
        heldUntil = .max
        nextWhole = now
    }
}
