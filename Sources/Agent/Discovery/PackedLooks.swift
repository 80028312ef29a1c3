import Foundation
import Synchronization

/// What a packed file holds, as far as must be known to judge it.
struct PackedFacts: Sendable {
    /// Unpacked bytes, up to where the file is cut off or damaged.
    var length: Int64
    /// The last of them.
    var tail: [UInt8]
    /// False for a file that is still being packed, or was left so by a crash.
    var isWhole: Bool
    /// Hashes of the bytes before the offsets that were asked for.
    var hashes: [Int64: UInt64]

    /// Nil when the mark was not asked for.
    func has(_ mark: ContentMark) -> Bool? {
        if mark.offset > length { return false }
        return hashes[mark.offset].map { $0 == mark.hash }
    }
}

/// Unpacks files on a thread of its own, one after the other: that takes a second for 200 MB, and
/// discovery must not miss a roll meanwhile. The thread starts with the first file.
final class PackedLooks: Sendable {
    struct Look: Sendable {
        let sight: Discovery.Sight
        let descriptor: Int32
        /// The first unpacked bytes.
        let first: [UInt8]
        /// Offsets whose bytes before are to be hashed, rising.
        let offsets: [Int64]
        /// Nil until it is done, and when the file changed meanwhile: it is still being packed, and
        /// its first bytes may be from before.
        var facts: PackedFacts?
    }

    private struct State {
        var waiting: [Look] = []
        var done: [Look] = []
        /// Those that wait, are under way or done.
        var identities: Set<FileIdentity> = []
        var isStarted = false
        var isStopped = false
    }

    /// Files that may wait, each with a descriptor; others come at a later look.
    private static let most = 64
    private let state = Mutex(State())
    private let wakeup = Wakeup()

    /// True while something waits or is done and was not taken.
    var isBusy: Bool { state.withLock { !$0.identities.isEmpty } }
    var hasRoom: Bool { state.withLock { $0.identities.count < Self.most } }

    func contains(_ identity: FileIdentity) -> Bool {
        state.withLock { $0.identities.contains(identity) }
    }

    func add(_ look: Look) {
        let starts = state.withLock { state in
            state.waiting.append(look)
            state.identities.insert(look.sight.status.identity)
            defer { state.isStarted = true }
            return !state.isStarted
        }
        if starts {
            let thread = Thread { self.run() }
            thread.name = "cordwood-unpack"
            thread.start()
        }
        wakeup.ring()
    }

    /// What is done, in the order in which it was added.
    func take() -> [Look] {
        state.withLock { state in
            defer { state.done = [] }
            for look in state.done { state.identities.remove(look.sight.status.identity) }
            return state.done
        }
    }

    func stop() {
        state.withLock { $0.isStopped = true }
        wakeup.ring()
    }

    /// Of what was not judged the descriptors are closed.
    private func letGo(_ next: Look?) {
        let left = state.withLock { state in
            defer { (state.waiting, state.done, state.identities) = ([], [], []) }
            return state.waiting + state.done
        }
        for look in left + (next.map { [$0] } ?? []) { close(look.descriptor) }
    }

    private func run() {
        while true {
            let (next, isStopped) = state.withLock { state in
                (state.waiting.isEmpty ? nil : state.waiting.removeFirst(), state.isStopped)
            }
            if isStopped { return letGo(next) }
            guard var look = next else {
                wakeup.rest(seconds: 60)
                continue
            }
            let content = FileContent(descriptor: look.descriptor, kind: look.sight.kind)
            let facts = content.facts(offsets: look.offsets)
            let size = FileIdentity.status(of: look.descriptor)?.size
            if size == look.sight.status.size { look.facts = facts }
            state.withLock { $0.done.append(look) }
        }
    }
}
