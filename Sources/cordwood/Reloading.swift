import Agent
import Foundation
import Logback
import Logging
import Synchronization

/// Reads the configuration again on SIGHUP, and when a file changes that the application itself scans
/// for changes. A bad one changes nothing, and the log says why.
struct Reloading {
    /// An application that scans looks once a minute by itself; nothing of what it then writes is to be
    /// found long after.
    private static let period = DispatchTimeInterval.seconds(2)

    private let signals: any DispatchSourceSignal
    private let looks: any DispatchSourceTimer

    /// `listen`: where metrics are served, which stays as it is. `applications`: what was read already.
    init(
        options: AgentOptions, applications: [LogbackConfiguration], listen: String?,
        agent: AgentSet, logger: Logger
    ) {
        let queue = DispatchQueue(label: "cordwood.reload")
        let state = Mutex(ScannedApplications(applications))
        let reload: @Sendable (Bool) -> Void = { isScanned in
            do {
                let applications = try options.applications()
                let followed = state.withLock { state in
                    let followed = isScanned ? state.joined(applications) : applications
                    state = ScannedApplications(followed)
                    return followed
                }
                let settings = try options.settings(followed)
                try agent.reload(settings)
                if let now = settings.metricsListen, now != listen {
                    logger.warning("metrics_listen changes with a restart only")
                }
            } catch {
                logger.error("the new configuration is not taken, the old one stays: \(error)")
            }
        }
        signals = DispatchSource.makeSignalSource(signal: SIGHUP, queue: queue)
        signals.setEventHandler { reload(false) }
        looks = DispatchSource.makeTimerSource(queue: queue)
        looks.schedule(deadline: .now() + Self.period, repeating: Self.period)
        looks.setEventHandler {
            guard let path = state.withLock({ $0.change() }) else { return }
            logger.notice("\(path) has changed")
            reload(true)
        }
    }

    func begin() {
        signals.resume()
        looks.resume()
    }

    func end() {
        signals.cancel()
        looks.cancel()
    }
}

/// Configurations that their applications scan, as they were when they were looked at last.
private struct ScannedApplications {
    private let applications: [LogbackConfiguration]
    private var stamps: [String: Stamp] = [:]

    private struct Stamp: Equatable {
        var inode: UInt64
        var size: Int64
        var seconds: Int
        var nanoseconds: Int

        /// Nil for a file that is not there, as while an editor replaces it.
        init?(_ path: String) {
            var status = stat()
            guard stat(path, &status) == 0 else { return nil }
            inode = UInt64(status.st_ino)
            size = Int64(status.st_size)
            seconds = status.st_mtim.tv_sec
            nanoseconds = status.st_mtim.tv_nsec
        }
    }

    init(_ applications: [LogbackConfiguration]) {
        self.applications = applications
        for path in applications.flatMap(\.scanned) { stamps[path] = Stamp(path) }
    }

    /// What is followed once an application was told something new: files that it does not name any more
    /// are not read to their end yet, and it looks later than this agent.
    func joined(_ fresh: [LogbackConfiguration]) -> [LogbackConfiguration] {
        let named = Set(fresh.flatMap(\.appenders).flatMap(\.globs))
        return fresh
            + applications.compactMap { old in
                var old = old
                old.appenders.removeAll { !named.isDisjoint(with: $0.globs) }
                old.scanned = []
                return old.appenders.isEmpty ? nil : old
            }
    }

    /// A file that is not as it was, if any; from now on it is, though reading it should fail.
    mutating func change() -> String? {
        let changed = stamps.keys.filter { path in
            Stamp(path).map { $0 != stamps[path] } ?? false
        }
        for path in changed { stamps[path] = Stamp(path) }
        return changed.min()
    }
}
