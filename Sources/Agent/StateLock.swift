import Foundation
import Synchronization

/// Keeps a state folder for one agent: a lock that ends with the process, however it ends.
final class StateLock: Sendable {
    private let descriptor: Int32

    init(folder: String) throws(AgentError) {
        let path = folder + "/lock"
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { throw .system("opening", path) }
        guard Self.take(descriptor) else {
            throw .state(
                "the state folder \(folder) is in use by another agent; stop it, or choose another "
                    + "folder with --state")
        }
    }

    deinit { close(descriptor) }

    /// Whoever asks for the status shares the lock for a moment: that is waited for, an agent is not.
    private static func take(_ descriptor: Int32) -> Bool {
        for _ in 0..<mostAttempts {
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return true }
            guard flock(descriptor, LOCK_SH | LOCK_NB) == 0 else { return false }
            flock(descriptor, LOCK_UN)
            usleep(attemptMicroseconds)
        }
        return false
    }

    /// Ten seconds: a question takes microseconds, on a machine that has time for it.
    private static let mostAttempts = 1000
    private static let attemptMicroseconds: UInt32 = 10_000

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
