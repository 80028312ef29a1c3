import Foundation
import LogModel
import Logback
import Logging
import Synchronization

/// The reading thread: takes open files from discovery, turns their bytes into shipments, and keeps
/// each file until the server has all of it.
final class Reader {
    let discovery: Discovery
    private let queue: ShipmentQueue
    let metrics: SharedMetrics
    let logger: Logger
    let configuration: AgentConfiguration
    private let itemMakers: [ItemMaker]
    /// All open files, by the id of their source.
    var files: [String: FollowedFile] = [:]
    /// Those that are looked at without a hint, in the order of their opening.
    var active: [FollowedFile] = []
    private var opened = 0
    /// Sources of which something was read or acknowledged since it was last noted.
    var touched: Set<String> = []
    private var isBlind = false
    private var shipment = Shipment()
    private var shipmentSince: UInt64 = 0
    private(set) var positions: [String: Position]
    /// What an entry may hold.
    private let eventBytes: Int
    /// False when the server keeps no positions: then the registry must be saved after each ack.
    let serverKeepsPositions: Bool
    var lastSave: UInt64 = 0
    var nextStates: UInt64 = 0

    let quiet: Quiet
    private static let saveEvery: UInt64 = 1_000_000_000
    /// How often the sizes of all files are looked at for the metrics.
    static let statesEvery: UInt64 = 200_000_000
    /// Looking at them may take one part in so many of the time.
    static let statesShare: UInt64 = 100
    private static let blocksInTurn = 16
    /// Between looks at a file in which there was nothing, in nanoseconds: twice as long each time.
    private static let shortestPause: UInt64 = 20_000_000
    private static let longestPause: UInt64 = 1_000_000_000
    /// A stop and a time to save are noticed by then.
    private static let longestRest: UInt64 = 500_000_000

    init(
        _ configuration: AgentConfiguration, discovery: Discovery, queue: ShipmentQueue,
        positions: [Position]?, eventBytes: Int, metrics: SharedMetrics, logger: Logger
    ) {
        self.eventBytes = eventBytes
        self.configuration = configuration
        quiet = Quiet(patience: configuration.patience)
        self.discovery = discovery
        self.queue = queue
        self.metrics = metrics
        self.logger = logger
        serverKeepsPositions = positions != nil
        self.positions = Dictionary((positions ?? []).map { ($0.source, $0) }) { $1 }
        itemMakers = configuration.groups.map { ItemMaker($0, of: configuration) }
    }

    static var now: UInt64 { DispatchTime.now().uptimeNanoseconds }

    var wallClock: Int64 { Int64(Date().timeIntervalSince1970 * 1e6) * 1000 }

    /// Runs until the queue is closed.
    func run() {
        while !queue.isClosed {
            apply(queue.takeFeedback())
            takeNew()
            let now = Self.now
            var hasRead = false
            for file in active where !file.isFinished && file.nextLook.map({ $0 <= now }) ?? false {
                guard isReady(file) else {
                    file.nextLook = now + Self.shortestPause
                    continue
                }
                let isMore = read(file)
                if isMore { file.pause = 0 } else { rest(file) }
                hasRead = hasRead || isMore
                if queue.isClosed { break }
            }
            if isShipmentDue { ship() }
            closeIdle()
            forgetDone()
            park()
            updateMetrics()
            if Self.now - lastSave >= Self.saveEvery { save() }
            if !hasRead { discovery.wakeup.rest(seconds: secondsToRest) }
        }
        apply(queue.takeFeedback())
        save()
        updateMetrics(isLast: true)
    }

    private var isShipmentDue: Bool {
        let age = UInt64(configuration.batchAgeSeconds * 1e9)
        return !shipment.items.isEmpty && shipment.mayEnd && Self.now - shipmentSince >= age
    }

    /// Until something is due without a hint.
    private var secondsToRest: Double {
        let now = Self.now
        var next = now + Self.longestRest
        for file in active { if let look = file.nextLook { next = min(next, look) } }
        if !shipment.items.isEmpty, shipment.mayEnd {
            next = min(next, shipmentSince + UInt64(configuration.batchAgeSeconds * 1e9))
        }
        return max(0.002, Double(next - min(now, next)) / 1e9)
    }

    /// Sets the next look at a file in which there was nothing.
    private func rest(_ file: FollowedFile) {
        let now = Self.now
        file.pause = min(max(Self.shortestPause, file.pause * 2), Self.longestPause)
        var next = now + file.pause
        func by(_ quiet: UInt64) {
            let end = file.lastGrowth + quiet + 1_000_000
            if end > now { next = min(next, end) }
        }
        if file.assembler.hasOpenEvent { by(patience(for: file)) }
        by(quiet.deleted)
        by(quiet.renamed)
        file.nextLook = next
    }

    /// Leaves alone what is read, acknowledged and quiet, until discovery has news of it.
    private func park() {
        isBlind = discovery.shared.withLock(\.isBlind)
        guard !isBlind else { return }
        let now = Self.now
        active.removeAll { file in
            let isQuiet = now - min(now, file.lastGrowth) > 2 * quiet.renamed
            guard isQuiet, file.isPlain, file.isAtEnd, !file.isFinished, file.truncated == nil,
                file.predecessor == nil, !file.assembler.hasOpenEvent, file.deletedSince == nil,
                file.ackedOffset >= file.handedOut
            else { return false }
            file.nextLook = nil
            return true
        }
    }

    func activate(_ file: FollowedFile) {
        file.pause = 0
        let isActive = file.nextLook != nil
        file.nextLook = 0
        guard !isActive else { return }
        let place = active.firstIndex { $0.order > file.order } ?? active.endIndex
        active.insert(file, at: place)
    }

    private func takeNew() {
        let (new, hints) = discovery.shared.withLock { shared in
            defer {
                shared.inbox = []
                shared.hints = []
            }
            return (shared.inbox, shared.hints)
        }
        for id in hints { if let file = files[id] { activate(file) } }
        for file in new {
            opened += 1
            file.order = opened
            file.eventBytes = eventBytes
            if let other = files[file.id] {
                // The rest of a truncated file was found in a copy.
                file.takeOver(other)
                active.removeAll { $0 === other }
                discovery.shared.withLock { shared in
                    shared.truncated.remove(file.id)
                    shared.replaced[file.id] = nil
                }
            } else if serverKeepsPositions, let position = positions.removeValue(forKey: file.id) {
                file.acknowledge(position)
                file.rewind()
            }
            files[file.id] = file
            active.append(file)
            touched.insert(file.id)
            // Its end must be seen once more, now that there is a successor.
            if let before = file.predecessor.flatMap({ files[$0] }) { activate(before) }
        }
    }

    private func apply(_ feedback: ShipmentQueue.Feedback) {
        for position in feedback.acked {
            files[position.source]?.acknowledge(position)
            touched.insert(position.source)
            discovery.shared.withLock { shared in
                let seed = shared.registry[position.source]?.seed ?? 0
                shared.registry[position.source]?.offset = position.offset
                shared.registry[position.source]?.events =
                    position.offset == 0 ? seed : position.events
                shared.isRegistryDirty = true
            }
        }
        if feedback.rewind {
            shipment = Shipment()
            for file in files.values {
                activate(file)
                file.rewind()
            }
        }
        if !serverKeepsPositions, !feedback.acked.isEmpty { save() }
    }

    /// False for a file whose predecessor is not read to its end: its clock goes on in this file.
    private func isReady(_ file: FollowedFile) -> Bool {
        guard let id = file.predecessor else { return true }
        let before = files[id]
        // Active files stand here in the order of their opening: the end was seen after this file was.
        if let before, !before.isAtEnd, !before.isFinished, before.truncated == nil { return false }
        discovery.shared.withLock { shared in
            let seed = before?.assembler.latest ?? shared.registry[id]?.events ?? 0
            file.begin(seed: seed)
            shared.registry[file.id]?.seed = seed
            shared.registry[file.id]?.predecessor = nil
            if file.ackedOffset == 0 { shared.registry[file.id]?.events = seed }
            shared.isRegistryDirty = true
        }
        return true
    }

    /// Reads a few blocks; false when there was nothing.
    private func read(_ file: FollowedFile) -> Bool {
        if file.truncated != nil {
            awaitCopy(file)
            return false
        }
        do {
            for _ in 0..<Self.blocksInTurn {
                let events = try file.read(now: Self.now, wallClock: wallClock)
                if file.truncated != nil {
                    discovery.restart(file)
                    return true
                }
                add(events, of: file)
                if file.isAtEnd { return atEnd(file) }
            }
        } catch {
            logger.error("cannot read on", metadata: ["path": "\(file.path)", "error": "\(error)"])
            metrics.update { $0.noteError("\(error)", of: file.id) }
            file.isFinished = true
        }
        return true
    }

    /// A truncated file: what was read is sent, and what was not is looked for a while.
    private func awaitCopy(_ file: FollowedFile) {
        let waited = Self.now - (file.truncated ?? 0)
        if Double(waited) > configuration.searchSeconds * 1e9 {
            add(file.finish(wallClock: wallClock), of: file)
            if file.unread > 0 {
                discovery.reportLost(
                    file.path, source: file.id, from: file.assembler.offset, bytes: file.unread,
                    isEndKnown: true, why: "truncated before it was read")
            }
        } else if waited > quiet.event {
            add(file.flush(wallClock: wallClock), of: file)
        }
    }

    /// What the end of a file means depends on what became of it.
    private func atEnd(_ file: FollowedFile) -> Bool {
        if !file.isPlain {
            tellDamage(of: file)
            add(file.finish(wallClock: wallClock), of: file)
            return true
        }
        guard let status = file.status() else { return false }
        let pause = Self.now - file.lastGrowth
        // An agent that comes back, or that was behind, need not wait for what is quiet since long.
        let silence = max(pause, sinceWritten(status))
        if status.links == 0 {
            discovery.shared.withLock { $0.noteEnd(of: file.id) }
            if silence > quiet.deleted, !awaitsReplacement(file) { finishAtEnd(file) }
        } else if silence > quiet.renamed, hasSuccessor(file),
            silence > quiet.outOfReach || isInReach(file)
        {
            finishAtEnd(file)
        } else if pause > patience(for: file) || silence > quiet.event && hasSuccessor(file)
            || isOpenForLong(file)
        {
            add(file.flush(wallClock: wallClock), of: file)
        }
        return false
    }

    /// True while discovery goes on with the source in another file, or may be about to find out.
    private func awaitsReplacement(_ file: FollowedFile) -> Bool {
        let since = file.deletedSince ?? Self.now
        file.deletedSince = since
        let waited = Self.now - since
        return waited < quiet.deleted || waited < quiet.replaced && discovery.isReplaced(file.id)
    }

    /// True when nothing was handed out for long though the end of the file was seen again and again.
    private func isOpenForLong(_ file: FollowedFile) -> Bool {
        guard file.assembler.hasOpenEvent else {
            file.openSince = nil
            return false
        }
        guard let since = file.openSince, since.offset == file.handedOut else {
            file.openSince = (file.handedOut, Self.now)
            return false
        }
        let most = max(quiet.openEvent, patience(for: file))
        return Self.now - since.moment > most
    }

    /// How long the open event waits for more lines, in nanoseconds.
    private func patience(for file: FollowedFile) -> UInt64 {
        file.assembler.hasHalfLine ? quiet.tornEvent : quiet.event
    }

    /// Nanoseconds since the last write, at least: the clock of files counts whole seconds here.
    private func sinceWritten(_ status: FileIdentity.Status) -> UInt64 {
        UInt64(clamping: wallClock - (status.modified + 1) * Nanoseconds.second)
    }

    private func tellDamage(of file: FollowedFile) {
        guard let damage = file.takeDamage() else { return }
        discovery.tellDamage(file.path, damage)
        discovery.note(.lost, file.path, file.id, file.assembler.offset, nil, damage)
    }

    /// True when another file stands under the name, or the name is a rolled one.
    private func hasSuccessor(_ file: FollowedFile) -> Bool {
        if file.isRolled { return true }
        return FileIdentity.status(of: file.path).map { $0.identity != file.identity } ?? false
    }

    /// False for a file in a folder that no pattern leads to any more, as `current` of deployments leads
    /// to another release.
    func isInReach(_ file: FollowedFile) -> Bool {
        guard let folder = file.folderIdentity else { return true }
        return discovery.shared.withLock { $0.reached.isEmpty || $0.reached.contains(folder) }
    }

    /// The end counts only if it is still the end now that the successor was seen.
    private func finishAtEnd(_ file: FollowedFile) {
        do {
            let events = try file.read(now: Self.now, wallClock: wallClock)
            if file.truncated != nil {
                discovery.restart(file)
                return
            }
            add(events, of: file)
            if file.isAtEnd { add(file.finish(wallClock: wallClock), of: file) }
        } catch {
            logger.error("cannot read on", metadata: ["path": "\(file.path)", "error": "\(error)"])
            file.isFinished = true
        }
    }

    private func add(_ events: [FileEvent], of file: FollowedFile) {
        guard !events.isEmpty else { return }
        touched.insert(file.id)
        itemMakers[file.place.group].forEachItem(events, of: file) { item in
            if shipment.items.isEmpty { shipmentSince = Self.now }
            file.handedOut = item.to
            shipment.add(item)
            if shipment.bytes >= configuration.batchBytes, shipment.mayEnd { ship() }
        }
    }

    /// Hands the shipment over and waits while there is no room.
    private func ship() {
        // Before the server hears of a source, the registry must know it, and what it looks like: a
        // save that another thread has under way is waited for.
        save()
        while !queue.offer(shipment) {
            updateMetrics()
            // What discovery finds meanwhile must be known after a crash, to be told as lost.
            if Self.now - lastSave >= Self.saveEvery { save() }
            discovery.wakeup.rest(seconds: 0.05)
        }
        shipment = Shipment(expecting: shipment.items.count)
    }
}
