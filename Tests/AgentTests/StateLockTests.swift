import Agent
import Foundation
import Logging
import Synchronization
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

    /// A descriptor that is closed twice is somebody else's the second time.
    @Test func whoIsRefusedClosesNothingOfOthers() throws {
        let (configuration, descriptor) = try locked(LOCK_EX)
        defer {
            close(descriptor)
            try? FileManager.default.removeItem(atPath: configuration.state)
        }
        let isDone = Atomic(false)
        let lost = Mutex<Int?>(nil)
        Thread.detachNewThread {
            var count = 0
            while !isDone.load(ordering: .relaxed) {
                let descriptor = open("/dev/null", O_RDONLY)
                sched_yield()
                if close(descriptor) != 0 { count += 1 }
            }
            lost.withLock { $0 = count }
        }
        for _ in 0..<2_000 { try? start(configuration) }
        isDone.store(true, ordering: .relaxed)
        while lost.withLock({ $0 == nil }) { usleep(1000) }
        #expect(lost.withLock { $0 } == 0)
    }
}
