import Dispatch
import Logging

/// What is told of files while no server has answered since the start: nothing is read then, and all that
/// is found waits, and grows.
final class WaitingStatus {
    private let discovery: Discovery
    private let metrics: SharedMetrics
    private let file: StatusFile
    private let logger: Logger
    /// Empty until the first try has failed.
    private var error = ""
    private var next = ContinuousClock.now

    /// How often it is told, if anything changed, and which share of the time that may take: thousands of
    /// files take a while.
    private static let every: Duration = .seconds(1)
    private static let share = 50

    init(_ discovery: Discovery, _ metrics: SharedMetrics, _ file: StatusFile, _ logger: Logger) {
        self.discovery = discovery
        self.metrics = metrics
        self.file = file
        self.logger = logger
    }

    /// A try has failed.
    func fail(_ error: String) {
        self.error = error
        tell()
    }

    /// Looks at the files again, when it is time to.
    func refresh() {
        if !error.isEmpty, ContinuousClock.now >= next { tell() }
    }

    private func tell() {
        let began = ContinuousClock.now
        let found = discovery.shared.withLock(\.inbox)
        let now = DispatchTime.now().uptimeNanoseconds
        let states = discovery.states(of: found, at: now) { _ in 0 }
        metrics.update { metrics in
            metrics.lastError = error
            metrics.show(states, at: now)
        }
        do throws(AgentError) { try discovery.saveRegistry() } catch { logger.error("\(error)") }
        file.write(metrics.current, logger)
        next = began + max(Self.every, (ContinuousClock.now - began) * Self.share)
    }
}
