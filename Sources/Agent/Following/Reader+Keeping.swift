import Foundation
import LogModel

/// What the reader keeps of its files, and what of that others see: the registry, the ledger, the metrics.
extension Reader {
    /// Lets go of files that are read to their end and acknowledged.
    func forgetDone() {
        let done = active.filter { $0.isFinished && $0.ackedOffset >= $0.assembler.offset }
        guard !done.isEmpty else { return }
        noteFingerprints()
        active.removeAll { file in done.contains { $0 === file } }
        let seconds = wallClock / Nanoseconds.second
        discovery.shared.withLock { shared in
            for file in done {
                files[file.id] = nil
                shared.remove(file, stream: discovery.groups[file.place.group].stream)
                shared.truncated.remove(file.id)
                shared.registry[file.id]?.isFinished = true
                shared.registry[file.id]?.ledgered = file.ackedOffset
                shared.registry[file.id]?.touched = seconds
                shared.isRegistryDirty = true
            }
        }
        for file in done where file.ackedOffset > file.ledgered {
            discovery.note(.shipped, file.path, file.id, file.ledgered, file.ackedOffset)
        }
        for file in done { discovery.clearSpool(of: file.id) }
        metrics.update { metrics in for file in done { metrics.forget(file.id) } }
    }

    /// Closes files without news when others wait for a descriptor: they are opened again when they
    /// grow, wherever there is news of that.
    func closeIdle() {
        let waiting = discovery.shared.withLock(\.waiting)
        guard waiting > 0 else { return }
        let now = Self.now
        let idle = files.values.filter {
            $0.isPlain && $0.isAtEnd && !$0.isFinished && $0.truncated == nil
                && $0.predecessor == nil && $0.ackedOffset == $0.assembler.offset
                && now - min(now, $0.lastGrowth) > quiet.idle
        }
        let oldest = idle.sorted { $0.lastGrowth < $1.lastGrowth }.lazy
        for file in oldest.filter({ $0.status()?.links ?? 0 > 0 && self.isInReach($0) })
            .prefix(waiting)
        {
            activate(file)
            file.isFinished = true
        }
    }

    func updateMetrics(isLast: Bool = false) {
        let now = Self.now
        guard isLast || now >= nextStates else { return }
        // Files that wait to be begun are behind with all they have.
        let found = discovery.shared.withLock(\.inbox)
        let waiting = found.filter { files[$0.id] == nil }
        let states = discovery.states(of: active + waiting, at: now) { file in
            // What the server has of a file that is not begun yet is known by its position alone.
            serverKeepsPositions ? positions[file.id]?.offset ?? 0 : 0
        }
        metrics.update { $0.show(states, at: now) }
        let end = Self.now
        nextStates = end + max(Self.statesEvery, (end - now) * Self.statesShare)
    }

    /// Keeps in the registry by what each source will be known again.
    func noteFingerprints() {
        guard !touched.isEmpty else { return }
        discovery.shared.withLock { shared in
            for id in touched {
                guard let file = files[id], file.isPlain, file.truncated == nil,
                    var record = shared.registry[id]
                else { continue }
                let shown = file.shown.withLock { $0 }
                if shown.head.count > record.fingerprint.count {
                    record.fingerprint = Fingerprint(shown.head)
                }
                record.mark = file.mark
                record.size = shown.size
                record.note(file.assembler.known)
                shared.registry[id] = record
                shared.isRegistryDirty = true
            }
        }
        touched = []
    }

    func save() {
        lastSave = Self.now
        noteFingerprints()
        do throws(AgentError) { try discovery.saveRegistry() } catch {
            logger.error("\(error)")
            metrics.update { $0.lastError = "\(error)" }
        }
    }
}
