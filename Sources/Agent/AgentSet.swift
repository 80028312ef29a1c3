import Foundation
import Logging
import ServiceLifecycle
import Synchronization

/// All that one process follows and ships: an agent for each output, so that each has its own
/// positions, its own back-off and its own hold on the files, and none waits for another.
package final class AgentSet: Service {
    private let agents: Mutex<[String: FileAgent]>
    private let logger: Logger
    private let changes: AsyncStream<Change>
    private let change: AsyncStream<Change>.Continuation
    private let stateFolder: String

    /// What is different by another configuration.
    private struct Change {
        var gone: [FileAgent]
        var new: [FileAgent]
    }

    package init(_ configuration: AgentConfiguration, logger: Logger) throws(AgentError) {
        try configuration.validate()
        self.logger = logger
        stateFolder = configuration.state
        var agents: [String: FileAgent] = [:]
        for one in try configuration.perOutput() {
            agents[one.output.name] = try FileAgent(one, logger: Self.logger(logger, one))
        }
        self.agents = Mutex(agents)
        // Configurations come from a person's hand: a few at most.
        (changes, change) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(16))
    }

    private static func logger(_ logger: Logger, _ configuration: AgentConfiguration) -> Logger {
        guard !configuration.isAlone else { return logger }
        var logger = logger
        logger[metadataKey: "output"] = "\(configuration.output.name)"
        return logger
    }

    /// Sources and outputs that are new begin, those that are gone end, all others go on where they
    /// are. Throws when the configuration cannot be; then nothing changes.
    package func reload(_ configuration: AgentConfiguration) throws(AgentError) {
        try configuration.validate()
        guard configuration.state == stateFolder else {
            throw .configuration("state: the folder changes with a restart only")
        }
        let current = agents.withLock { $0 }
        let wanted = try configuration.perOutput()
        var next: [String: FileAgent] = [:]
        var new: [FileAgent] = []
        // What is new first: it may fail.
        let folders = Set(current.values.map(\.stateFolder))
        for one in wanted where current[one.output.name] == nil {
            guard !folders.contains(one.state) else {
                throw .configuration(
                    "outputs: what another output keeps in \(one.state) goes to a new name, or from `server:` "
                        + "to `outputs:`, with a restart only")
            }
            let agent = try FileAgent(one, logger: Self.logger(logger, one))
            next[one.output.name] = agent
            new.append(agent)
        }
        for one in wanted {
            guard let agent = current[one.output.name] else { continue }
            try agent.reload(one)
            next[one.output.name] = agent
        }
        let gone = current.filter { next[$0.key] == nil }.map(\.value)
        agents.withLock { [next] agents in agents = next }
        change.yield(Change(gone: gone, new: new))
    }

    private enum Event {
        /// Nil when there will be none any more.
        case changed(Change?)
        case ended
    }

    package func run() async throws {
        try await withThrowingTaskGroup(of: Event.self) { group in
            var running = 0
            func begin(_ agent: FileAgent) {
                running += 1
                group.addTask {
                    try await agent.run()
                    return .ended
                }
            }
            func awaitChange() {
                group.addTask { [changes] in
                    await cancelWhenGracefulShutdown {
                        var coming = changes.makeAsyncIterator()
                        return .changed(await coming.next())
                    }
                }
            }
            for agent in agents.withLock({ Array($0.values) }) { begin(agent) }
            awaitChange()
            while let event = try await group.next() {
                switch event {
                case .changed(let change?):
                    for agent in change.gone { agent.stop() }
                    for agent in change.new { begin(agent) }
                    awaitChange()
                case .changed(nil): break
                case .ended:
                    running -= 1
                    // Behind the end of standard input there is nothing more to do.
                    if running == 0 { group.cancelAll() }
                }
            }
        }
    }

    /// Prometheus' text format; with several outputs, each value has the label `output`.
    package var prometheusText: String {
        let current = agents.withLock { $0 }
        guard current.count > 1 || current.first.map({ $0.value.isAlone }) == false else {
            return current.first?.value.currentMetrics.prometheusText ?? ""
        }
        return MetricPages.merged(
            current.sorted { $0.key < $1.key }.map {
                ($0.key, $0.value.currentMetrics.prometheusText)
            })
    }
}

/// Pages of metrics as one: a family stands together, however many pages have it.
package enum MetricPages {
    /// `pages`: the value of the label `output`, and the text.
    package static func merged(_ pages: [(name: String, text: String)]) -> String {
        var order: [String] = []
        var heads: [String: String] = [:]
        var samples: [String: [String]] = [:]
        for page in pages {
            var family = ""
            for line in page.text.split(separator: "\n") {
                if line.hasPrefix("# HELP ") {
                    family = String(line.split(separator: " ", maxSplits: 3)[2])
                    if heads[family] == nil { order.append(family) }
                    heads[family] = String(line)
                } else if line.hasPrefix("#") {
                    heads[family + " type"] = String(line)
                } else {
                    samples[family, default: []].append(labelled(line, page.name))
                }
            }
        }
        var out = ""
        for family in order {
            let lines = [heads[family], heads[family + " type"]].compactMap { $0 }
            out += (lines + (samples[family] ?? [])).joined(separator: "\n") + "\n"
        }
        return out
    }

    private static func labelled(_ sample: Substring, _ name: String) -> String {
        let label = "output=\"\(name)\""
        let end = sample.firstIndex { $0 == "{" || $0 == " " } ?? sample.endIndex
        let rest = sample[end...]
        let family = sample[..<end]
        return rest.hasPrefix("{")
            ? "\(family){\(label),\(rest.dropFirst())" : "\(family){\(label)}\(rest)"
    }
}
