import CMemory
import Foundation
import LogModel
import Logging
import ServiceLifecycle
import Wire

/// Follows files and ships their events until it is told to stop. One agent per state folder.
package final class FileAgent: Service {
    private let configuration: AgentConfiguration
    private let logger: Logger
    private let lock: StateLock
    private let metrics = SharedMetrics()
    private let discovery: Discovery
    private let ledger: Ledger

    private static let statusEvery: Duration = .seconds(10)
    /// How often `status.json` is written, if anything changed.
    private static let statusFileEvery: Duration = .seconds(1)
    /// How long a stop waits for the push that is on its way.
    private static let stopSeconds = 5.0

    package init(_ configuration: AgentConfiguration, logger: Logger) throws(AgentError) {
        var configuration = configuration
        while configuration.server.hasSuffix("/") { configuration.server.removeLast() }
        try configuration.validate()
        for index in configuration.groups.indices {
            configuration.groups[index].nameInput(state: configuration.state)
        }
        do {
            try FileManager.default.createDirectory(
                atPath: configuration.state, withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o750])
        } catch {
            throw .state("creating \(configuration.state): \(error.localizedDescription)")
        }
        self.configuration = configuration
        self.logger = logger
        lock = try StateLock(folder: configuration.state)
        let now = Int64(Date().timeIntervalSince1970)
        var registry = try SourceRegistry(folder: configuration.state, now: now)
        // The time of the first start tells rolls from history: no crash may move it.
        try registry.save(now: now)
        let maxOpenFiles = min(DescriptorLimit.raise(), configuration.maxOpenFiles ?? .max)
        ledger = Ledger(folder: configuration.state)
        discovery = Discovery(
            configuration, registry: registry, ledger: ledger, maxOpenFiles: maxOpenFiles,
            logger: logger, metrics: metrics)
    }

    package var currentMetrics: AgentMetrics {
        var current = metrics.current
        current.ledger = ledger.totals
        return current
    }

    package func run() async throws {
        let session = HTTPSession()
        let stop = StopFlag()
        let scanning = Thread { [discovery] in discovery.run(until: stop) }
        scanning.name = "cordwood-discovery"
        scanning.start()
        let spooling = Thread { [configuration, discovery, logger] in
            Spool(configuration, discovery: discovery, logger: logger).run(until: stop)
        }
        spooling.name = "cordwood-spool"
        spooling.start()
        let input = try startInput(stop)
        await withGracefulShutdownHandler {
            await cancelWhenGracefulShutdown { await self.ship(session, input) }
        } onGracefulShutdown: {
        }
        stop.set()
        await session.close()
        logger.info("stopped: \(metrics.current.statusLine)")
    }

    /// Standard input, when it is to be followed, and whether it has ended.
    private func startInput(_ stop: StopFlag) throws -> (input: StandardInput, ended: StopFlag)? {
        let pattern = StandardInput.pattern(configuration.state)
        guard configuration.groups.contains(where: { $0.paths.contains(pattern) }) else {
            return nil
        }
        let input = try StandardInput(state: configuration.state, logger: logger)
        let ended = StopFlag()
        let copying = Thread { [logger] in
            do throws(AgentError) { try input.run(until: stop) } catch {
                logger.error("standard input cannot be read on: \(error)")
            }
            ended.set()
        }
        copying.name = "cordwood-stdin"
        copying.start()
        return (input, ended)
    }

    private func ship(
        _ session: HTTPSession, _ standard: (input: StandardInput, ended: StopFlag)?
    ) async {
        let known = discovery.shared.withLock { shared in
            shared.registry.sources.values.filter { !$0.isFinished }.map(\.id)
        }
        let positions: [Position]?
        do {
            positions = try await Shipper.positions(known, configuration, session, logger)
        } catch { return }
        // What was acknowledged and not saved before a crash counts for what is found lost, too.
        discovery.shared.withLock { shared in
            for position in positions ?? [] {
                guard let record = shared.registry[position.source],
                    record.offset < position.offset
                else { continue }
                shared.registry[position.source]?.offset = position.offset
                shared.registry[position.source]?.events = position.events
                shared.isRegistryDirty = true
                shared.isWantedStale = true
            }
        }
        if positions == nil {
            logger.notice("the server keeps no positions: they are kept in \(configuration.state)")
        }
        let queue = ShipmentQueue(wakeup: discovery.wakeup)
        let shipper = Shipper(
            configuration: configuration, session: session, queue: queue, metrics: metrics,
            logger: logger, ledger: ledger, serverKeepsPositions: positions != nil)
        let reading = Thread { [configuration, discovery, metrics, logger] in
            Reader(
                configuration, discovery: discovery, queue: queue, positions: positions,
                metrics: metrics, logger: logger
            ).run()
        }
        reading.name = "cordwood-reader"
        reading.start()
        // A shipment on its way is finished even when the agent is told to stop.
        let shipping = Task { await shipper.run() }
        let status = StatusFile(folder: configuration.state, server: configuration.server)
        var nextLine = ContinuousClock.now + Self.statusEvery
        while !Task.isCancelled {
            status.write(currentMetrics, logger)
            if let standard {
                // In this order: what came last is there before the end is seen.
                let hasEnded = standard.ended.isSet
                if standard.input.clear(discovery), hasEnded { break }
            }
            try? await Task.sleep(for: Self.statusFileEvery)
            if !Task.isCancelled, ContinuousClock.now >= nextLine {
                nextLine += Self.statusEvery
                logger.info("\(metrics.current.statusLine)")
                // Half of what an agent holds after its start is code that it ran once.
                cmemory_drop_unused_code()
            }
        }
        queue.close()
        let deadline = Task {
            try? await Task.sleep(for: .seconds(Self.stopSeconds))
            shipping.cancel()
        }
        await shipping.value
        deadline.cancel()
        while !reading.isFinished { usleep(1000) }
        status.write(currentMetrics, logger)
    }
}
