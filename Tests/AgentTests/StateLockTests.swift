import Agent
import Foundation
import Logging
import Testing

/// Who keeps an agent from starting in a state folder.
@Suite struct StateLockTests {
    /// A state folder whose lock somebody else holds; `flock` tells processes and descriptors apart alike.
    private func locked(_ operation: Int32) throws -> (configuration: AgentConfiguration, Int32) {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("lock-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let descriptor = open(folder + "/lock", O_RDWR | O_CREAT, 0o640)
        #expect(flock(descriptor, operation) == 0)
        var configuration = AgentConfiguration(server: "http://127.0.0.1:1", state: folder)
        configuration.groups = [SourceGroup(paths: [folder + "/*.log"])]
        return (configuration, descriptor)
    }

    private func start(_ configuration: AgentConfiguration) throws {
        _ = try FileAgent(configuration, logger: Logger(label: "test") { _ in ToldLog() })
    }

    /// `agent status` shares the lock while it looks whether anybody has it.
    @Test func aQuestionForTheStatusKeepsNobodyFromStarting() throws {
        let (configuration, descriptor) = try locked(LOCK_SH)
        defer { try? FileManager.default.removeItem(atPath: configuration.state) }
        let asking = Thread {
            usleep(100_000)  // longer than any question
            close(descriptor)
        }
        asking.start()
        try start(configuration)
    }

    @Test func anotherAgentDoes() throws {
        let (configuration, descriptor) = try locked(LOCK_EX)
        defer {
            close(descriptor)
            try? FileManager.default.removeItem(atPath: configuration.state)
        }
        do {
            try start(configuration)
            Issue.record("started")
        } catch { #expect("\(error)".contains("in use by another agent")) }
    }
}
