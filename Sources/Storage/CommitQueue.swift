import Foundation
import LogModel
import Synchronization

/// Pushes that wait for the next commit group. A group starts when the one before it is done, so an
/// idle server commits at once and a busy one batches by itself.
final class CommitQueue: Sendable {
    struct Waiting: Sendable {
        let push: Push
        let bytes: Int
        let done: CheckedContinuation<Result<Void, StorageError>, Never>
    }

    private struct State {
        var waiting: [Waiting] = []
        var bytes = 0
        var isRunning = false
        var isClosed = false
        var closers: [CheckedContinuation<Void, Never>] = []
    }

    /// Lines of one group, in bytes: what its segment may hold in memory.
    private static let groupBytes = 32 * 1024 * 1024
    /// Lines that may wait.
    private static let waitingBytes = 128 * 1024 * 1024

    private let state = Mutex(State())
    private let queue = DispatchQueue(label: "cordwood.commit")
    private let commit: @Sendable ([Waiting]) -> Void

    init(commit: @escaping @Sendable ([Waiting]) -> Void) { self.commit = commit }

    func add(_ push: Push) async throws(StorageError) {
        let bytes = push.batches.reduce(0) {
            $0 + $1.entries.lineBytes.count + $1.entries.count * 16
        }
        let result = await withCheckedContinuation { done in
            let refused: StorageError? = state.withLock { state in
                if state.isClosed { return .closed }
                if state.bytes > 0, state.bytes + bytes > Self.waitingBytes {
                    return .overloaded("\(state.bytes) bytes wait to be written")
                }
                state.waiting.append(Waiting(push: push, bytes: bytes, done: done))
                state.bytes += bytes
                if state.isRunning { return nil }
                state.isRunning = true
                queue.async { self.drain() }
                return nil
            }
            if let refused { done.resume(returning: .failure(refused)) }
        }
        try result.get()
    }

    private func drain() {
        while let group = nextGroup() { commit(group) }
    }

    private func nextGroup() -> [Waiting]? {
        let (group, closers) = state.withLock {
            state -> ([Waiting]?, [CheckedContinuation<Void, Never>]) in
            guard !state.waiting.isEmpty else {
                state.isRunning = false
                defer { state.closers = [] }
                return (nil, state.closers)
            }
            var size = 0
            var count = 0
            while count < state.waiting.count,
                count == 0 || size + state.waiting[count].bytes <= Self.groupBytes
            {
                size += state.waiting[count].bytes
                count += 1
            }
            let group = Array(state.waiting[..<count])
            state.waiting.removeFirst(count)
            state.bytes -= size
            return (group, [])
        }
        for closer in closers { closer.resume() }
        return group
    }

    /// Takes no more pushes and returns when those taken are answered.
    func close() async {
        await withCheckedContinuation { closer in
            let idle = state.withLock { state in
                state.isClosed = true
                if state.isRunning { state.closers.append(closer) }
                return !state.isRunning
            }
            if idle { closer.resume() }
        }
    }
}
