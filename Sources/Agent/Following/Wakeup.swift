import Foundation

/// Lets a thread rest until somebody has something for it.
///
/// @unchecked: the condition guards the flag.
final class Wakeup: @unchecked Sendable {
    private let condition = NSCondition()
    private var isRung = false

    func ring() {
        condition.lock()
        isRung = true
        condition.signal()
        condition.unlock()
    }

    /// Rests until it is rung, or so many seconds have passed.
    func rest(seconds: Double) {
        condition.lock()
        defer { condition.unlock() }
        if !isRung { _ = condition.wait(until: Date().addingTimeInterval(seconds)) }
        isRung = false
    }
}
