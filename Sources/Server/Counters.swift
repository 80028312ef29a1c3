import Synchronization

/// What the server has done since it started; read by `/metrics`.
final class Counters: Sendable {
    struct Values: Sendable {
        var pushes: [Int: Int] = [:]
        var pushedLines = 0
        var pushedBytes = 0
        var receivedBytes = 0
        var queries: [Int: Int] = [:]
        var querySeconds = 0.0
        var queriedBytes = 0
    }

    private let values = Mutex(Values())

    func update(_ change: (inout Values) -> Void) { values.withLock { change(&$0) } }

    var now: Values { values.withLock { $0 } }
}
