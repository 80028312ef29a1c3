import Foundation
import LogModel
import Synchronization

/// Between the reading thread and the shipper: a few shipments, and what comes back. The reader
/// blocks when the shipper is behind; discovery never does.
final class ShipmentQueue: Sendable {
    /// What the reader has to do before it goes on.
    struct Feedback {
        var acked: [Position] = []
        /// Everything that was read and not acknowledged is to be read again.
        var rewind = false
        var isClosed = false
    }

    private struct State {
        var waiting: [Shipment] = []
        var feedback = Feedback()
        var taker: CheckedContinuation<Shipment?, Never>?
        var isClosed = false
    }

    /// Shipments that may wait: while one travels, one is ready and one is made.
    static let capacity = 1
    private let state = Mutex(State())
    /// Rung when there is something for the reader.
    private let wakeup: Wakeup

    init(wakeup: Wakeup) { self.wakeup = wakeup }

    /// False when there is no room.
    func offer(_ shipment: Shipment) -> Bool {
        let (taken, taker) = state.withLock {
            state -> (Bool, CheckedContinuation<Shipment?, Never>?) in
            // After a rewind, or at the end, what was read is read again: let it go.
            if state.feedback.rewind || state.isClosed { return (true, nil) }
            if let taker = state.taker {
                state.taker = nil
                return (true, taker)
            }
            guard state.waiting.count < Self.capacity else { return (false, nil) }
            state.waiting.append(shipment)
            return (true, nil)
        }
        taker?.resume(returning: shipment)
        return taken
    }

    /// The next shipment; nil when the queue is closed and empty.
    func next() async -> Shipment? {
        await withCheckedContinuation { taker in
            let ready = state.withLock { state -> Shipment?? in
                if !state.waiting.isEmpty { return .some(state.waiting.removeFirst()) }
                if state.isClosed { return .some(nil) }
                state.taker = taker
                return nil
            }
            if let ready { taker.resume(returning: ready) }
            wakeup.ring()
        }
    }

    func acknowledge(_ ranges: [SourceRange]) {
        state.withLock { state in
            state.feedback.acked += ranges.map {
                Position(source: $0.source, offset: $0.to, events: $0.events)
            }
        }
        wakeup.ring()
    }

    /// The server has other positions: everything not acknowledged is read again from there.
    func rewind(to positions: [Position]) {
        state.withLock { state in
            state.feedback.acked += positions
            state.feedback.rewind = true
            state.waiting = []
        }
        wakeup.ring()
    }

    func takeFeedback() -> Feedback {
        state.withLock { state in
            var feedback = state.feedback
            feedback.isClosed = state.isClosed
            state.feedback = Feedback()
            return feedback
        }
    }

    var isClosed: Bool { state.withLock { $0.isClosed } }

    /// No more shipments; those that wait are still handed out.
    func close() {
        let taker = state.withLock { state -> CheckedContinuation<Shipment?, Never>? in
            state.isClosed = true
            defer { state.taker = nil }
            return state.taker
        }
        taker?.resume(returning: nil)
        wakeup.ring()
    }
}
