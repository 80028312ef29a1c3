import Foundation
import Synchronization

/// Keeps a state folder for one agent: a lock that ends with the process, however it ends.
final class StateLock: Sendable {
    private let descriptor: Int32

    init(folder: String) throws(AgentError) {
        let path = folder + "/lock"
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { throw .system("opening", path) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw .state(
                "the state folder \(folder) is in use by another agent; stop it, or choose another "
                    + "folder with --state")
        }
    }

    deinit { close(descriptor) }

    /// True while an agent has the folder.
    static func isHeld(folder: String) -> Bool {
        let descriptor = open(folder + "/lock", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return flock(descriptor, LOCK_SH | LOCK_NB) != 0
    }
}

/// Tells a thread to end.
final class StopFlag: Sendable {
    private let flag = Atomic<Bool>(false)
    var isSet: Bool { flag.load(ordering: .relaxed) }
    func set() { flag.store(true, ordering: .relaxed) }
}
