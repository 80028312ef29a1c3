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
        let now = Int64(Date().timeIntervalSince1970)
        let taken = shared.withLock { shared -> Result<SourceRegistry.Save?, AgentError> in
            guard shared.isRegistryDirty else { return .success(nil) }
            do throws(AgentError) {
                let changes = try shared.registry.takeChanges(now: now)
                shared.isRegistryDirty = false
                return .success(changes)
            } catch { return .failure(error) }
        }
        guard let save = try taken.get() else { return }
        var isWritten = false
        defer {
            shared.withLock { shared in
                shared.registry.finish(save, isWritten: isWritten)
                if !isWritten { shared.isRegistryDirty = true }
            }
        }
        try save.write()
        isWritten = true
    }
}
