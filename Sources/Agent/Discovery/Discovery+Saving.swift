import Foundation
import Synchronization

/// Saving the registry, from whichever thread: one at a time, and while nobody waits for the rest of what
/// is shared. Files that live for a second are opened in time however slow the disk is.
extension Discovery {
    /// What changed is on disk when it returns.
    func saveRegistry() throws(AgentError) {
        let result = saving.withLock { _ -> Result<Void, AgentError> in
            do throws(AgentError) { return .success(try saveChanges()) } catch {
                return .failure(error)
            }
        }
        try result.get()
    }

    private func saveChanges() throws(AgentError) {
        // That it could not be written was told when it came.
        try? ledger.writePending()
        let now = Int64(Date().timeIntervalSince1970)
        let taken = shared.withLock { shared -> SourceRegistry.Save? in
            guard shared.isRegistryDirty else { return nil }
            shared.isRegistryDirty = false
            return shared.registry.takeChanges(now: now)
        }
        guard let taken else { return }
        var writtenBytes: Int?
        defer {
            shared.withLock { shared in
                shared.registry.finish(taken, writtenBytes: writtenBytes)
                if writtenBytes == nil { shared.isRegistryDirty = true }
            }
        }
        writtenBytes = try taken.write()
    }
}
