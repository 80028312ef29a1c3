import Foundation
import LogModel
import Logback
import Logging
import Synchronization

/// The reading thread: takes open files from discovery, turns their bytes into shipments, and keeps
/// each file until the server has all of it.
final class Reader {
    private let discovery: Discovery
    private let queue: ShipmentQueue
    private let metrics: SharedMetrics
    private let logger: Logger
    private let configuration: AgentConfiguration
    private let baseLabels: [[Label]]
    private var files: [FollowedFile] = []
    private var shipment = Shipment()
    private var shipmentSince: UInt64 = 0
    private var positions: [String: Position]
    /// False when the server keeps no positions: then the registry must be saved after each ack.
    private let serverKeepsPositions: Bool
    private var lastSave: UInt64 = 0

    /// A file that was deleted or renamed is read out when nothing came for so long, in nanoseconds.
    private static let deletedQuiet: UInt64 = 500_000_000
    private static let renamedQuiet: UInt64 = 5_000_000_000
    /// An event waits so long for more lines.
    private static let eventQuiet: UInt64 = 1_000_000_000
    private static let saveEvery: UInt64 = 1_000_000_000
    private static let blocksInTurn = 16

    init(
        _ configuration: AgentConfiguration, discovery: Discovery, queue: ShipmentQueue,
        positions: [Position]?, metrics: SharedMetrics, logger: Logger
    ) {
        self.configuration = configuration
        self.discovery = discovery
        self.queue = queue
        self.metrics = metrics
        self.logger = logger
        serverKeepsPositions = positions != nil
        self.positions = Dictionary((positions ?? []).map { ($0.source, $0) }) { $1 }
        baseLabels = configuration.groups.map { group in
            var labels = configuration.labels.merging(group.labels) { $1 }
            if labels["host"] == nil { labels["host"] = configuration.host }
            return labels.map { Label($0.key, $0.value) }
        }
    }

    private static var now: UInt64 { DispatchTime.now().uptimeNanoseconds }

    /// Runs until the queue is closed.
    func run() {
        while !queue.isClosed {
            apply(queue.takeFeedback())
            takeNew()
            var hasRead = false
            for file in files where !file.isFinished {
                hasRead = read(file) || hasRead
                if queue.isClosed { break }
            }
            let age = UInt64(configuration.batchAgeSeconds * 1e9)
            if !shipment.items.isEmpty, Self.now - shipmentSince >= age { ship() }
            forgetDone()
            if Self.now - lastSave >= Self.saveEvery { save() }
            if !hasRead { Thread.sleep(forTimeInterval: 0.02) }
        }
        apply(queue.takeFeedback())
        save()
    }

    private func takeNew() {
        let new = discovery.shared.withLock { shared -> [FollowedFile] in
            defer { shared.inbox = [] }
            return shared.inbox
        }
        for file in new {
            if serverKeepsPositions, let position = positions.removeValue(forKey: file.id) {
                file.ackedOffset = position.offset
                file.ackedEvents = position.events
                file.rewind()
            }
            files.append(file)
        }
    }

    private func apply(_ feedback: ShipmentQueue.Feedback) {
        for position in feedback.acked {
            for file in files where file.id == position.source {
                file.ackedOffset = position.offset
                file.ackedEvents = position.events
            }
            discovery.shared.withLock { shared in
                shared.registry[position.source]?.offset = position.offset
                shared.registry[position.source]?.events = position.events
                shared.isRegistryDirty = true
            }
        }
        if feedback.rewind {
            shipment = Shipment()
            for file in files { file.rewind() }
        }
        if !serverKeepsPositions, !feedback.acked.isEmpty { save() }
    }

    /// Reads a few blocks; false when there was nothing.
    private func read(_ file: FollowedFile) -> Bool {
        do {
            for _ in 0..<Self.blocksInTurn {
                let events = try file.read(now: Self.now, wallClock: wallClock)
                add(events, of: file)
                if file.isAtEnd { return atEnd(file) }
            }
        } catch {
            logger.error("cannot read on", metadata: ["path": "\(file.path)", "error": "\(error)"])
            metrics.update { $0.lastError = "\(error)" }
            file.isFinished = true
        }
        return true
    }

    private var wallClock: Int64 { Int64(Date().timeIntervalSince1970 * 1e6) * 1000 }

    /// What the end of a file means depends on what became of it.
    private func atEnd(_ file: FollowedFile) -> Bool {
        if file.content == .gzip {
            add(file.finish(wallClock: wallClock), of: file)
            return true
        }
        guard let status = file.status() else { return false }
        if file.wasTruncated(status) {
            add(file.finish(wallClock: wallClock), of: file)
            discovery.restart(file)
            return true
        }
        let quiet = Self.now - file.lastGrowth
        if status.links == 0 {
            if quiet > Self.deletedQuiet { finishAtEnd(file) }
        } else if quiet > Self.renamedQuiet,
            FileIdentity.status(of: file.path)?.identity != file.identity,
            FileIdentity.status(of: file.path) != nil
        {
            // Its successor is there under its name, and nothing came since.
            finishAtEnd(file)
        } else if quiet > Self.eventQuiet, let event = file.flush() {
            add([event], of: file)
        }
        return false
    }

    /// The end counts only if it is still the end now that the successor was seen.
    private func finishAtEnd(_ file: FollowedFile) {
        do {
            let events = try file.read(now: Self.now, wallClock: wallClock)
            add(events, of: file)
            if file.isAtEnd { add(file.finish(wallClock: wallClock), of: file) }
        } catch {
            logger.error("cannot read on", metadata: ["path": "\(file.path)", "error": "\(error)"])
            file.isFinished = true
        }
    }

    private func add(_ events: [FileEvent], of file: FollowedFile) {
        for event in events {
            if shipment.items.isEmpty { shipmentSince = Self.now }
            shipment.add(item(event, file))
            if shipment.bytes >= configuration.batchBytes { ship() }
        }
    }

    private func item(_ event: FileEvent, _ file: FollowedFile) -> Shipment.Item {
        let group = configuration.groups[file.group]
        var labels = baseLabels[file.group]
        var metadata: [Label] = []
        if let level = event.level {
            switch group.level {
            case .label: labels.append(Label("level", level))
            case .metadata: metadata.append(Label("level", level))
            case .none: break
            }
        }
        for field in group.fields {
            let value = event.text.withUnsafeBytes { text -> String? in
                guard let groups = field.regexp.captures(in: text),
                    let range = (groups.count > 1 ? groups[1] : groups[0])
                else { return nil }
                return String(decoding: text[range], as: UTF8.self)
            }
            guard let value else { continue }
            if field.isLabel {
                labels.append(Label(field.name, value))
            } else {
                metadata.append(Label(field.name, value))
            }
        }
        return Shipment.Item(
            source: file.id, from: event.from, to: event.to, events: event.events,
            timestamp: event.timestamp, text: event.text, labels: Labels(labels),
            metadata: metadata.isEmpty ? .empty : Labels(metadata))
    }

    /// Hands the shipment over and waits while there is no room.
    private func ship() {
        // Before the server hears of a source, the registry must know it.
        if discovery.shared.withLock({ $0.isRegistryDirty }) { save() }
        while !queue.offer(shipment) {
            updateMetrics()
            Thread.sleep(forTimeInterval: 0.02)
        }
        shipment = Shipment()
    }

    /// Lets go of files that are read to their end and acknowledged.
    private func forgetDone() {
        let done = files.filter { $0.isFinished && $0.ackedOffset >= $0.assembler.offset }
        guard !done.isEmpty else {
            updateMetrics()
            return
        }
        files.removeAll { file in done.contains { $0 === file } }
        let seconds = wallClock / Nanoseconds.second
        discovery.shared.withLock { shared in
            for file in done {
                if shared.following[file.identity] === file {
                    shared.following[file.identity] = nil
                }
                shared.registry[file.id]?.isFinished = true
                shared.registry[file.id]?.touched = seconds
                shared.isRegistryDirty = true
            }
        }
        updateMetrics()
    }

    private func updateMetrics() {
        let now = Self.now
        let state = files.map { file in
            AgentMetrics.File(
                path: file.path, lagBytes: file.lag,
                lagSeconds: file.lag > 0 ? Double(now - min(now, file.lastGrowth)) / 1e9 : 0)
        }
        metrics.update { $0.files = state }
    }

    private func save() {
        lastSave = Self.now
        let seconds = wallClock / Nanoseconds.second
        discovery.shared.withLock { shared in
            for file in files where file.content == .plain {
                guard let record = shared.registry[file.id],
                    record.fingerprint.count < Fingerprint.length
                else { continue }
                let fingerprint = Fingerprint(file.firstBytes)
                if fingerprint.count > record.fingerprint.count {
                    shared.registry[file.id]?.fingerprint = fingerprint
                    shared.isRegistryDirty = true
                }
            }
            guard shared.isRegistryDirty else { return }
            do throws(AgentError) {
                try shared.registry.save(now: seconds)
                shared.isRegistryDirty = false
            } catch {
                logger.error("\(error)")
                metrics.update { $0.lastError = "\(error)" }
            }
        }
    }
}
