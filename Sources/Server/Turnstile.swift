import NIOCore
import Synchronization

/// Lets in as much at once as there is room for; the rest waits in order, bounded in number and in
/// time. Used for bytes of pushes in memory and for queries at work.
package final class Turnstile: Sendable {
    package enum Admission: Sendable, Equatable {
        case entered
        /// Too many are waiting already.
        case full
        /// Waited in vain for as long as it may.
        case late
    }

    private struct Waiter {
        let id: UInt64
        let weight: Int
        let continuation: CheckedContinuation<Admission, Never>
    }

    private struct State {
        var free: Int
        var waiting: [Waiter] = []
        var nextID: UInt64 = 0
    }

    private let capacity: Int
    private let mostWaiting: Int
    private let state: Mutex<State>

    package init(capacity: Int, mostWaiting: Int) {
        self.capacity = max(1, capacity)
        self.mostWaiting = mostWaiting
        state = Mutex(State(free: max(1, capacity)))
    }

    /// What weighs more than the capacity enters alone. Whoever got `.entered` must `leave`.
    package func enter(
        weight: Int = 1, patience: TimeAmount, on loop: any EventLoop
    ) async -> Admission {
        let weight = min(max(weight, 1), capacity)
        let id = state.withLock { state -> UInt64? in
            if state.waiting.isEmpty, state.free >= weight {
                state.free -= weight
                return nil
            }
            state.nextID += 1
            return state.nextID
        }
        guard let id else { return .entered }
        let timer = loop.scheduleTask(in: patience) { self.dismiss(id) }
        defer { timer.cancel() }
        return await withCheckedContinuation { continuation in
            wait(Waiter(id: id, weight: weight, continuation: continuation))
        }
    }

    private func wait(_ waiter: Waiter) {
        let isFull = state.withLock { state -> Bool in
            guard state.waiting.count < mostWaiting else { return true }
            state.waiting.append(waiter)
            return false
        }
        if isFull { return waiter.continuation.resume(returning: .full) }
        // Room may have come free between looking and waiting.
        admit()
    }

    private func dismiss(_ id: UInt64) {
        let waiter = state.withLock { state -> Waiter? in
            state.waiting.firstIndex { $0.id == id }.map { state.waiting.remove(at: $0) }
        }
        waiter?.continuation.resume(returning: .late)
        // The one behind may be light enough.
        admit()
    }

    package func leave(weight: Int = 1) {
        state.withLock { $0.free += min(max(weight, 1), capacity) }
        admit()
    }

    private func admit() {
        let admitted = state.withLock { state -> [Waiter] in
            var admitted: [Waiter] = []
            while let first = state.waiting.first, state.free >= first.weight {
                state.free -= first.weight
                admitted.append(state.waiting.removeFirst())
            }
            return admitted
        }
        for waiter in admitted { waiter.continuation.resume(returning: .entered) }
    }

    package var waiting: Int { state.withLock { $0.waiting.count } }
}
