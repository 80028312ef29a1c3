import Bytes
import Foundation
import LogModel
import Logging
import Wire

/// Sends shipments one after the other, for ever: until each is acknowledged, or its refused events
/// are set aside in a file.
struct Shipper: Sendable {
    let configuration: AgentConfiguration
    let destination: any Destination
    let queue: ShipmentQueue
    let metrics: SharedMetrics
    let logger: Logger
    let ledger: Ledger
    /// False in front of a server that keeps no positions.
    let serverKeepsPositions: Bool

    private enum Outcome {
        case taken
        case conflict([Position])
        case refused(Int, String)
        case stopped
    }

    private static let firstWait = 0.5
    private static let longestWait = 30.0

    func run() async {
        while let shipment = await queue.next() {
            guard await ship(shipment) else { return }
        }
    }

    /// What the server has committed of these sources; nil when it keeps no positions. Asks until
    /// there is an answer; throws when cancelled, or when nobody wants to know any more. `onFailure` is told
    /// why there is none yet.
    static func positions(
        _ sources: [String], _ configuration: AgentConfiguration, _ session: HTTPSession,
        _ logger: Logger, isOver: () -> Bool, onFailure: (String) -> Void
    ) async throws(CancellationError) -> PositionExchange.Answer? {
        let output = configuration.output
        guard output.kind == .cordwood else { return nil }
        let url = ServerDestination.address(output, "/cordwood/api/v1/positions")
        var known = PositionExchange.Answer()
        var rest = sources[...]
        var wait = firstWait * configuration.patience
        while true {
            do {
                let part = Array(rest.prefix(1000))
                let question = PositionExchange.encodeQuestion(sources: part)
                let headers =
                    try ServerDestination.headers(output) + [("Content-Type", "application/json")]
                let answer = try await session.post(url, body: question, headers: headers)
                if answer.status == 404 || answer.status == 405 { return nil }
                if answer.status == 200 {
                    let found = try PositionExchange.decodeAnswer(answer.body)
                    known.positions += found.positions
                    known.maxLineSize = found.maxLineSize
                    rest = rest.dropFirst(part.count)
                    if rest.isEmpty { return known }
                    continue
                }
                let text = "\(url): \(answer.status) \(answer.text.prefix(200))"
                logger.warning("\(text)")
                onFailure(text)
            } catch {
                logger.warning("the server does not answer yet: \(error)")
                onFailure("\(error)")
            }
            // In short pieces: whoever has changed the address does not want to wait for this one.
            let end = ContinuousClock.now + .seconds(Double.random(in: 0...wait))
            repeat {
                if isOver() { throw CancellationError() }
                do { try await Task.sleep(for: .milliseconds(200)) } catch {
                    throw CancellationError()
                }
            } while ContinuousClock.now < end
            wait = min(longestWait, wait * 2)
        }
    }

    /// False when everything not yet taken has been given up: the agent stops, or reading starts
    /// again elsewhere.
    private func ship(_ shipment: Shipment) async -> Bool {
        let ranges = shipment.ranges
        switch await send(shipment, ranges) {
        case .taken:
            queue.acknowledge(ranges)
            note(shipment)
            return true
        case .conflict(let positions):
            metrics.update { $0.rewinds += 1 }
            logger.notice("the server has other positions: reading again from there")
            // A source that the server does not name has nothing committed.
            let named = Set(positions.map(\.source))
            let unknown = ranges.filter { !named.contains($0.source) }.map {
                Position(source: $0.source, offset: 0, events: 0)
            }
            queue.rewind(to: positions + unknown)
            return true
        case .stopped: return false
        case .refused(let status, let text): return await split(shipment, status, text)
        }
    }

    /// Finds the bad entries by halves; what is good goes its way. What cannot be parted is set aside as one.
    private func split(_ shipment: Shipment, _ status: Int, _ text: String) async -> Bool {
        guard let middle = shipment.middle else { return await setAside(shipment, status, text) }
        for half in [shipment.items[..<middle], shipment.items[middle...]] {
            guard await ship(Shipment(items: Array(half))) else { return false }
        }
        return true
    }

    private func setAside(_ shipment: Shipment, _ status: Int, _ text: String) async -> Bool {
        guard let item = shipment.items.first, let end = shipment.items.last?.to else {
            return true
        }
        let refused = RefusedEvents(folder: configuration.state)
        // Nothing behind a refused event is sent before it is kept: it would be lost.
        for item in shipment.items where item.dropped == nil {
            guard await keep(item, in: refused, status, text) else { return false }
        }
        let path = refused.path
        logger.error(
            "the server refused an event: it is set aside",
            metadata: [
                "kept in": "\(path)", "file": "\(item.path)", "offset": "\(item.from)",
                "status": "\(status)", "reason": "\(text.prefix(300))",
            ])
        do throws(AgentError) {
            try ledger.note(
                Ledger.Range(
                    at: Int64(Date().timeIntervalSince1970), file: item.path, source: item.source,
                    what: .setAside, from: item.from, to: end,
                    why: "\(status) \(text.prefix(300))"))
        } catch { logger.error("the ledger cannot be written: \(error)") }
        metrics.update {
            $0.setAside += shipment.items.count { $0.dropped == nil }
            $0.noteSuccess { shipment.sources }
        }
        noteDrops(of: shipment)
        guard serverKeepsPositions else {
            queue.acknowledge(shipment.ranges)
            return true
        }
        // The position must pass the refused event: a push that moves it, without a line.
        switch await send(Shipment(), shipment.ranges) {
        case .taken: queue.acknowledge(shipment.ranges)
        case .conflict(let positions): queue.rewind(to: positions)
        case .refused(let status, let text):
            logger.error("the server does not let a position pass: \(status) \(text)")
            queue.acknowledge(shipment.ranges)
        case .stopped: return false
        }
        return true
    }

    /// False when the agent stops before there is room for it.
    private func keep(
        _ item: Shipment.Item, in refused: RefusedEvents, _ status: Int, _ text: String
    ) async -> Bool {
        var wait = Self.firstWait * configuration.patience
        while true {
            do throws(AgentError) {
                try refused.append(item, status: status, reason: text)
                return true
            } catch {
                logger.warning("a refused event cannot be kept, and holds up the rest: \(error)")
                metrics.update { $0.lastError = "\(error)" }
            }
            if queue.isClosed { return false }
            do { try await Task.sleep(for: .seconds(wait)) } catch { return false }
            wait = min(Self.longestWait, wait * 2)
        }
    }

    /// Sends until there is an answer that counts.
    private func send(_ shipment: Shipment, _ ranges: [SourceRange]) async -> Outcome {
        var wait = Self.firstWait * configuration.patience
        while true {
            var pause = Double.random(in: 0...wait)
            switch await destination.deliver(shipment, ranges) {
            case .taken: return .taken
            case .conflict(let positions): return .conflict(positions)
            case .refused(let status, let text): return .refused(status, text)
            case .failed(let error, let after):
                pause = max(pause, after ?? 0)
                note(error, of: shipment)
            }
            if queue.isClosed { return .stopped }
            do { try await Task.sleep(for: .seconds(pause)) } catch { return .stopped }
            wait = min(Self.longestWait, wait * 2)
        }
    }

    /// Counts what was taken, and what the rules have dropped with it.
    private func note(_ shipment: Shipment) {
        metrics.update { metrics in
            metrics.events += shipment.items.count { $0.dropped == nil }
            metrics.bytes += shipment.items.reduce(0) { $0 + $1.text.count }
            metrics.shipments += 1
            metrics.noteSuccess { shipment.sources }
        }
        noteDrops(of: shipment)
    }

    private func noteDrops(of shipment: Shipment) {
        let drops = shipment.drops
        metrics.update { metrics in
            for drop in drops { metrics.dropped[drop.sum.why, default: 0] += drop.sum.entries }
        }
        for (first, to, sum) in drops {
            do throws(AgentError) {
                try ledger.note(
                    Ledger.Range(
                        at: Int64(Date().timeIntervalSince1970), file: first.path,
                        source: first.source, what: .setAside, from: first.from, to: to,
                        why: sum.why, entries: sum.entries, bytes: sum.bytes))
            } catch { logger.error("the ledger cannot be written: \(error)") }
        }
    }

    private func note(_ error: String, of shipment: Shipment) {
        logger.warning("a push failed and is tried again: \(error)")
        metrics.update { $0.noteFailure(error, of: shipment.sources) }
    }
}
