import CMemory
import Foundation
import LogModel
import Logback
import Logging
import ServiceLifecycle
import Synchronization
import Wire

/// Follows files and ships their events to one output until it is told to stop. One agent per state
/// folder. Its configuration may change while it runs: then it ends what is on its way, keeps the
/// files open, and goes on by the new one.
package final class FileAgent: Service {
    private struct State {
        var configuration: AgentConfiguration
        var discovery: Discovery
        /// To go on with.
        var next: AgentConfiguration?
        var isStopped = false
    }

    private let state: Mutex<State>
    private let logger: Logger
    private let lock: StateLock
    let stateFolder: String
    private let metrics = SharedMetrics()
    private let ledger: Ledger

    private static let statusEvery: Duration = .seconds(10)
    /// How often `status.json` is written, if anything changed.
    private static let statusFileEvery: Duration = .seconds(1)
    /// Writing it may take one part in so many of the time.
    private static let statusShare = 50
    /// How often memory is given back; and in the first seconds, which run more code than all others,
    /// each time that the agent looks.
    private static let giveBackEvery: Duration = .seconds(1)
    private static let startFor: Duration = .seconds(3)
    /// How often a stop and a new configuration are looked for.
    private static let lookEvery: Duration = .milliseconds(200)
    /// How long a stop waits for the push that is on its way.
    private static let stopSeconds = 5.0

    package init(_ configuration: AgentConfiguration, logger: Logger) throws(AgentError) {
        let configuration = try Self.prepared(configuration)
        do {
            try FileManager.default.createDirectory(
                atPath: configuration.state, withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o750])
        } catch {
            throw .state("creating \(configuration.state): \(error.localizedDescription)")
        }
        self.logger = logger
        stateFolder = configuration.state
        lock = try StateLock(folder: configuration.state)
        let now = Int64(Date().timeIntervalSince1970)
        var registry = try SourceRegistry(folder: configuration.state, now: now)
        // The time of the first start tells rolls from history: no crash may move it.
        try registry.save(now: now)
        ledger = Ledger(folder: configuration.state)
        let discovery = Self.discovery(configuration, registry, ledger, logger, metrics)
        state = Mutex(State(configuration: configuration, discovery: discovery))
    }

    /// Checked, and in the form that the rest expects.
    private static func prepared(
        _ given: AgentConfiguration
    ) throws(AgentError) -> AgentConfiguration {
        var configuration = given
        while configuration.server.hasSuffix("/") { configuration.server.removeLast() }
        try configuration.validate()
        for index in configuration.groups.indices {
            configuration.groups[index].nameInput(state: configuration.state)
        }
        return configuration
    }

    private static func discovery(
        _ configuration: AgentConfiguration, _ registry: SourceRegistry, _ ledger: Ledger,
        _ logger: Logger, _ metrics: SharedMetrics
    ) -> Discovery {
        let maxOpenFiles = min(DescriptorLimit.raise(), configuration.maxOpenFiles ?? .max)
        return Discovery(
            configuration, registry: registry, ledger: ledger, maxOpenFiles: maxOpenFiles,
            logger: logger, metrics: metrics)
    }

    package var currentMetrics: AgentMetrics {
        var current = metrics.current
        current.ledger = ledger.totals
        return current
    }

    /// False when there are other outputs.
    var isAlone: Bool { state.withLock(\.configuration.isAlone) }

    /// Goes on by another configuration, soon. Throws when it cannot be; then nothing changes.
    package func reload(_ configuration: AgentConfiguration) throws(AgentError) {
        let next = try Self.prepared(configuration)
        let current = state.withLock(\.configuration)
        guard next.state == current.state else {
            throw .configuration("state: the folder changes with a restart only")
        }
        guard next.followsInput || !current.followsInput, !next.followsInput || current.followsInput
        else { throw .configuration("standard input comes and goes with a restart only") }
        state.withLock { $0.next = next }
    }

    /// Ends `run`, soon.
    package func stop() { state.withLock { $0.isStopped = true } }

    private var isInterrupted: Bool { state.withLock { $0.isStopped || $0.next != nil } }

    package func run() async throws {
        let stop = StopFlag()
        defer { stop.set() }
        let (configuration, discovery) = state.withLock { ($0.configuration, $0.discovery) }
        let input = try startInput(configuration, stop)
        var scanning = Scanning(configuration, discovery, logger)
        try await withGracefulShutdownHandler {
            while true {
                let configuration = state.withLock(\.configuration)
                try await cancelWhenGracefulShutdown {
                    try await self.generation(configuration, input)
                }
                guard !Task.isCancelled, !Task.isShuttingDownGracefully, let next = takeNext()
                else { break }
                scanning = await change(to: next, scanning)
                logger.notice("the configuration was read again")
            }
        } onGracefulShutdown: {
        }
        await scanning.finish()
        let (last, finder) = state.withLock { ($0.configuration, $0.discovery) }
        Spool(last, discovery: finder, logger: logger).keepAll()
        logger.info("stopped: \(metrics.current.statusLine)")
    }

    private func takeNext() -> AgentConfiguration? {
        state.withLock { state in
            defer { state.next = nil }
            return state.isStopped ? nil : state.next
        }
    }

    /// Exchanges discoveries: the old one looks for files until the new one is about to.
    private func change(to next: AgentConfiguration, _ scanning: Scanning) async -> Scanning {
        // Until now it has looked for files; what it holds goes over.
        await scanning.finish()
        let (before, old) = state.withLock { ($0.configuration, $0.discovery) }
        let registry = old.shared.withLock(\.registry)
        let discovery = Self.discovery(next, registry, ledger, logger, metrics)
        discovery.learnPlaces()
        // Packed ones would be looked for by names that they do not have any more, and others nobody asks
        // for now.
        Spool(before, discovery: old, logger: logger).keepAll { file, record in
            !file.isPlain
                || discovery.owner(of: record) ?? discovery.owner(of: file.path) == nil
        }
        let open = old.handOver()
        discovery.shared.withLock { $0.registry = old.shared.withLock(\.registry) }
        discovery.adopt(open)
        metrics.update { $0.forgetAll() }
        state.withLock { state in
            state.configuration = next
            state.discovery = discovery
        }
        return Scanning(next, discovery, logger)
    }

    /// Standard input, when it is to be followed, and whether it has ended.
    private func startInput(
        _ configuration: AgentConfiguration, _ stop: StopFlag
    ) throws -> (input: StandardInput, ended: StopFlag)? {
        guard configuration.followsInput else { return nil }
        let pattern = StandardInput.pattern(configuration.state)
        let group = configuration.groups.first { $0.paths.contains(pattern) }
        let input = try StandardInput(
            state: configuration.state, encoding: group?.encoding, logger: logger)
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

    /// Ships by one configuration, until there is another or the agent is told to stop.
    private func generation(
        _ configuration: AgentConfiguration, _ standard: (input: StandardInput, ended: StopFlag)?
    ) async throws {
        let output = configuration.output
        if output.access.tls?.skipsVerification == true {
            logger.warning(
                "insecure_skip_verify: anybody on the way to \(output.server) can read what is sent"
            )
        }
        // Networking is the next to run much code once: what came before is over.
        cmemory_give_back()
        let session = try HTTPSession(output.access, server: output.server)
        await ship(configuration, session, standard)
        await session.close()
    }

    private func ship(
        _ configuration: AgentConfiguration, _ session: HTTPSession,
        _ standard: (input: StandardInput, ended: StopFlag)?
    ) async {
        let discovery = state.withLock(\.discovery)
        let known = discovery.shared.withLock { shared in
            shared.registry.sources.values.filter { !$0.isFinished }.map(\.id)
        }
        let status = StatusFile(folder: configuration.state, server: configuration.output.place)
        // Who asks for the status is told of this run, whether the server answers or not.
        status.write(currentMetrics, logger)
        let waiting = WaitingStatus(discovery, metrics, status, logger)
        let answer: PositionExchange.Answer?
        do {
            answer = try await Shipper.positions(known, configuration, session, logger) {
                waiting.refresh()
                return self.isInterrupted
            } onFailure: {
                waiting.fail($0)
            }
        } catch { return }
        let positions = answer?.positions
        metrics.update { $0.lastError = "" }
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
        if positions == nil, configuration.output.kind == .cordwood {
            logger.notice("the server keeps no positions: they are kept in \(configuration.state)")
        }
        // And so is the first request.
        cmemory_give_back()
        let queue = ShipmentQueue(wakeup: discovery.wakeup)
        let shipper = Shipper(
            configuration: configuration,
            destination: configuration.output.destination(session, positions != nil),
            queue: queue, metrics: metrics,
            logger: logger, ledger: ledger, serverKeepsPositions: positions != nil)
        let reading = Thread { [metrics, logger] in
            Reader(
                configuration, discovery: discovery, queue: queue, positions: positions,
                eventBytes: configuration.output.eventBytes(serverTakes: answer?.maxLineSize),
                metrics: metrics, logger: logger
            ).run()
        }
        reading.name = "cordwood-reader"
        reading.start()
        // A shipment on its way is finished even when the agent is told to stop.
        let shipping = Task { await shipper.run() }
        await attend(discovery, status, standard)
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

    /// Tells how it goes until something interrupts.
    private func attend(
        _ discovery: Discovery, _ status: StatusFile,
        _ standard: (input: StandardInput, ended: StopFlag)?
    ) async {
        var nextLine = ContinuousClock.now + Self.statusEvery
        var nextFile = ContinuousClock.now
        var nextGiving = ContinuousClock.now
        let settled = ContinuousClock.now + Self.startFor
        while !Task.isCancelled, !isInterrupted {
            let now = ContinuousClock.now
            if now >= nextFile {
                status.write(currentMetrics, logger)
                // Thousands of files take a while.
                let seconds = (ContinuousClock.now - now) * Self.statusShare
                nextFile = now + max(Self.statusFileEvery, seconds)
            }
            if let standard {
                // In this order: what came last is there before the end is seen.
                let hasEnded = standard.ended.isSet
                if standard.input.clear(discovery), hasEnded { break }
            }
            if now >= nextLine {
                nextLine += Self.statusEvery
                logger.info("\(metrics.current.statusLine)")
            }
            if now >= nextGiving {
                // Most of what an agent holds is code that it ran once, above all at its start.
                cmemory_give_back()
                nextGiving = now + (now < settled ? Self.lookEvery : Self.giveBackEvery)
            }
            try? await Task.sleep(for: Self.lookEvery)
        }
    }
}

/// The threads of one discovery.
private struct Scanning {
    private let flag = StopFlag()
    private let running = DispatchGroup()

    init(_ configuration: AgentConfiguration, _ discovery: Discovery, _ logger: Logger) {
        let flag = flag
        start("cordwood-discovery") { discovery.run(until: flag) }
        start("cordwood-spool") {
            Spool(configuration, discovery: discovery, logger: logger).run(until: flag)
        }
    }

    private func start(_ name: String, _ body: @escaping @Sendable () -> Void) {
        running.enter()
        let thread = Thread { [running] in
            body()
            running.leave()
        }
        thread.name = name
        thread.start()
    }

    /// Returns when the threads have ended.
    func finish() async {
        flag.set()
        await withCheckedContinuation { ended in
            running.notify(queue: .global()) { ended.resume() }
        }
    }
}

extension AgentConfiguration {
    /// Of prepared groups.
    fileprivate var followsInput: Bool {
        let pattern = StandardInput.pattern(state)
        return groups.contains { $0.paths.contains(pattern) }
    }
}

extension Output {
    /// What an entry may hold, with room for what stages write into it. `serverTakes`: the longest
    /// line, as a server told; 0: any.
    fileprivate func eventBytes(serverTakes told: Int?) -> Int {
        let most = EventAssembler.Bounds().eventBytes
        switch kind {
        case .stdout, .file: return most
        case .cordwood, .loki:
            let taken = told ?? Self.lokisLineBytes
            return taken == 0 ? most : min(most, max(Self.fewestBytes, taken - Self.room))
        }
    }

    /// Loki's default of `max_line_size`.
    private static let lokisLineBytes = 256 * 1024
    private static let room = 1024
    /// A server that takes less refuses what no agent should cut.
    private static let fewestBytes = 64 * 1024

    fileprivate func destination(
        _ session: HTTPSession, _ serverKeepsPositions: Bool
    ) -> any Destination {
        switch kind {
        case .cordwood, .loki:
            ServerDestination(output: self, session: session, sendsRanges: serverKeepsPositions)
        case .stdout: LineDestination(path: nil)
        case .file: LineDestination(path: path)
        }
    }
}
