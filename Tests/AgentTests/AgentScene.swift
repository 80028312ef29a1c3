import Agent
import Bytes
import Foundation
import Logging
import Testing

/// A folder of logs, a server, and agents that come and go.
final class AgentScene {
    let folder: URL
    let server: PushServer
    /// What the agents log.
    let told = ToldLog()
    private var running: (agent: FileAgent, task: Task<Void, any Error>)?

    init() throws {
        folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("agent-\(UUID().uuidString)")
        try FileManager.default.createDirectory(
            at: folder.appendingPathComponent("logs"), withIntermediateDirectories: true)
        server = try PushServer()
    }

    deinit {
        running?.task.cancel()
        try? FileManager.default.removeItem(at: folder)
    }

    func path(_ name: String) -> String { folder.appendingPathComponent("logs/\(name)").path }
    var state: String { folder.appendingPathComponent("state").path }

    func start(
        _ pattern: String = "*.log", _ change: (inout AgentConfiguration) -> Void = { _ in }
    ) throws {
        var configuration = AgentConfiguration(server: server.url, state: state)
        configuration.batchAgeSeconds = 0.05
        configuration.patience = 0.25
        configuration.groups = [SourceGroup(paths: [path(pattern)])]
        change(&configuration)
        let logger = Logger(label: "test") { _ in told }
        let agent = try FileAgent(configuration, logger: logger)
        running = (agent, Task { try await agent.run() })
    }

    func stop() async throws {
        guard let running else { return }
        self.running = nil
        running.task.cancel()
        try await running.task.value
    }

    var metrics: AgentMetrics { running?.agent.currentMetrics ?? AgentMetrics() }

    /// A header, so that each line is an event; equal stamps when asked for.
    static func line(_ number: Int, at second: Int = 0) -> String {
        let stamp = String(format: "2026-11-21 10:%02d:%02d.500", second / 60, second % 60)
        return "\(stamp) [main] INFO  a.B - number \(String(format: "%07d", number))\n"
    }

    static func lines(_ numbers: Range<Int>) -> String {
        numbers.map { line($0, at: $0 / 100 % 3600) }.joined()
    }

    func append(_ name: String, _ text: String) throws {
        if !FileManager.default.fileExists(atPath: path(name)) {
            #expect(FileManager.default.createFile(atPath: path(name), contents: nil))
        }
        let file = try #require(FileHandle(forWritingAtPath: path(name)))
        try file.seekToEnd()
        try file.write(contentsOf: Data(text.utf8))
        try file.close()
    }

    func truncate(_ name: String) { #expect(Foundation.truncate(path(name), 0) == 0) }

    func copy(_ name: String, to other: String) throws {
        try FileManager.default.copyItem(atPath: path(name), toPath: path(other))
    }

    func move(_ name: String, to other: String) throws {
        try FileManager.default.moveItem(atPath: path(name), toPath: path(other))
    }

    /// As a rolling policy does: packed beside, and the original deleted.
    func pack(_ name: String, to other: String) throws {
        let text = try #require(FileManager.default.contents(atPath: path(name)))
        try Data(Gzip.compress(Array(text), level: 4)).write(to: URL(fileURLWithPath: path(other)))
        try FileManager.default.removeItem(atPath: path(name))
    }

    /// True while this process has the file open.
    func isOpen(_ name: String) -> Bool {
        let folder = "/proc/self/fd"
        let numbers = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return numbers.contains {
            let target = try? FileManager.default.destinationOfSymbolicLink(
                atPath: "\(folder)/\($0)")
            return target == path(name)
        }
    }

    /// Looks again and again until the condition holds. Patience is counted in looks, not in seconds:
    /// where other tests hold all cores for minutes, neither the agent nor these looks have a turn.
    func until(
        _ what: String, looks: Int = 6000, _ condition: () -> Bool
    ) async throws {
        for _ in 0..<looks {
            if condition() { return }
            try await Task.sleep(for: .milliseconds(20))
        }
        try #require(condition(), "waited in vain for \(what)")
    }

    func untilArrived(_ count: Int) async throws {
        do {
            try await until("\(count) entries") { server.entries.count >= count }
        } catch {
            Issue.record("\(server.entries.count) of \(count) entries arrived")
            throw error
        }
    }

    /// Arrived, and the agent knows it: a stop before that leaves its positions to the server.
    func untilAcknowledged(_ count: Int) async throws {
        try await untilArrived(count)
        try await until("the acknowledgement") {
            !metrics.files.isEmpty && metrics.files.allSatisfy { $0.offset > 0 && $0.lagBytes == 0 }
        }
    }

    /// Each of these numbers once, and nothing else.
    func expectOnce(_ numbers: Range<Int>) {
        let found = server.entries.compactMap { Int($0.line.suffix(7)) }
        #expect(found.count == numbers.count)
        #expect(Set(found) == Set(numbers))
        let twice = Set(server.entries.map { "\($0.timestamp) \($0.line)" })
        #expect(twice.count == server.entries.count)
    }
}
