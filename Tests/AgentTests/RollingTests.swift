import Foundation
import Testing

/// Files that roll, are copied and truncated: each line once.
@Suite(.serialized) struct RollingTests {
    /// Spring Boot's default names, and logrotate's.
    @Test(arguments: [
        ["app.log.2026-01-08.0.gz", "app.log.2026-01-08.1.gz"],
        ["app.log.2.gz", "app.log.1.gz"], ["app-2026-01-08.0.log.gz", "app-2026-01-08.1.log.gz"],
        ["old.gz", "app.log.1.gz"],
    ]) func rolledAndPackedWhileTheAgentIsAway(_ names: [String]) async throws {
        let scene = try AgentScene()
        try scene.append("app.log", AgentScene.lines(0..<50))
        try scene.start()
        try await scene.untilArrived(50)
        try await scene.stop()
        try scene.append("app.log", AgentScene.lines(50..<100))
        try scene.pack("app.log", to: names[0])
        try scene.append("app.log", AgentScene.lines(100..<150))
        try scene.pack("app.log", to: names[1])
        try scene.append("app.log", AgentScene.lines(150..<160))
        try scene.start()
        try await scene.untilArrived(160)
        try await scene.stop()
        scene.expectOnce(0..<160)
    }

    @Test func renamedWhileTheAgentIsAway() async throws {
        let scene = try AgentScene()
        try scene.append("app.log", AgentScene.lines(0..<50))
        try scene.start()
        try await scene.untilArrived(50)
        try await scene.stop()
        try scene.append("app.log", AgentScene.lines(50..<100))
        try scene.move("app.log", to: "app.log.1")
        try scene.append("app.log", AgentScene.lines(100..<110))
        try scene.start()
        try await scene.untilArrived(110)
        scene.expectOnce(0..<110)
    }

    /// A buffered appender creates an empty file and writes it later. The server stalls, so the reader
    /// has not come to the file when it rolls: what is open must be known in the packed one.
    @Test func packedBeforeTheReaderCameToIt() async throws {
        let scene = try AgentScene()
        scene.server.stall(true)
        try scene.append("app.log", AgentScene.lines(0..<20_000))
        try scene.start { $0.batchBytes = 20_000 }
        try await scene.until("the first file") { scene.isOpen("app.log") }
        try scene.move("app.log", to: "app.log.1")
        try scene.append("app.log", "")
        try await scene.until("the second file") {
            scene.told.count("following", of: scene.path("app.log")) == 2
        }
        try scene.append("app.log", AgentScene.lines(20_000..<21_000))
        try scene.pack("app.log", to: "app.log.2.gz")
        try scene.append("app.log", AgentScene.lines(21_000..<21_010))
        try await scene.until("the packed file") {
            let path = scene.path("app.log.2.gz")
            return scene.told.count("a packed file cannot be judged yet", of: path) > 0
                || scene.told.count("following", of: path) > 0
        }
        scene.server.stall(false)
        try await scene.untilArrived(21_010)
        try await scene.stop()
        scene.expectOnce(0..<21_010)
    }

    /// Two rolls: one of a file that the agent never saw under its own name.
    @Test(
        arguments: [
            ["app.log.2", "app.log.1"], ["app.2.log", "app.1.log"],
            ["app-2026-01-08.0.log", "app-2026-01-08.1.log"],
        ], ["app.log", "*.log"])
    func rolledTwicePlainWhileTheAgentIsAway(_ names: [String], _ pattern: String) async throws {
        let scene = try AgentScene()
        try scene.append("app.log", AgentScene.lines(0..<50))
        // Another application's.
        try scene.append("app-debug.1.txt", "x\n")
        try scene.start(pattern)
        try await scene.untilArrived(50)
        try await scene.stop()
        try scene.append("app.log", AgentScene.lines(50..<100))
        try scene.move("app.log", to: names[0])
        try scene.append("app.log", AgentScene.lines(100..<150))
        try scene.move("app.log", to: names[1])
        try scene.append("app.log", AgentScene.lines(150..<160))
        try scene.start(pattern)
        try await scene.untilArrived(160)
        try await scene.stop()
        scene.expectOnce(0..<160)
    }

    /// A writer that does not append goes on behind a hole.
    @Test func aHoleInFrontOfATruncatedFile() async throws {
        let scene = try AgentScene()
        try scene.append("app.log", AgentScene.lines(0..<100))
        try scene.start()
        try await scene.untilArrived(100)
        let writer = try #require(FileHandle(forWritingAtPath: scene.path("app.log")))
        try writer.seekToEnd()
        scene.truncate("app.log")
        try writer.write(contentsOf: Data(AgentScene.lines(100..<150).utf8))
        try writer.close()
        try await scene.untilArrived(150)
        scene.expectOnce(0..<150)
        #expect(scene.server.entries.allSatisfy { !$0.line.contains("\0") })
    }

    @Test(arguments: ["*.log", "app*"])
    func copiedAndTruncatedWhileTheAgentIsAway(_ pattern: String) async throws {
        let scene = try AgentScene()
        try scene.append("app.log", AgentScene.lines(0..<100))
        try scene.start(pattern)
        try await scene.untilArrived(100)
        try await scene.stop()
        try scene.append("app.log", AgentScene.lines(100..<130))
        try scene.copy("app.log", to: "app.log.1")
        scene.truncate("app.log")
        // Longer than before: the size alone does not show that it is another content.
        try scene.append("app.log", AgentScene.lines(130..<500))
        try scene.start(pattern)
        try await scene.untilArrived(500)
        try await scene.stop()
        scene.expectOnce(0..<500)
    }

    @Test(arguments: ["app.log.1", "app.log.1.gz"], ["*.log", "app*"])
    func copiedAndTruncatedWhileTheServerStalls(_ copy: String, _ pattern: String) async throws {
        let scene = try AgentScene()
        try scene.append("app.log", AgentScene.lines(0..<100))
        try scene.start(pattern) { $0.batchBytes = 50_000 }
        try await scene.untilArrived(100)
        scene.server.stall(true)
        // More than fits into the queue: the rest is in the file only.
        try scene.append("app.log", AgentScene.lines(100..<20_000))
        try await scene.until("a push that fails") { scene.metrics.retries > 1 }
        if copy.hasSuffix(".gz") {
            try scene.copy("app.log", to: "copy")
            try scene.pack("copy", to: copy)
        } else {
            try scene.copy("app.log", to: copy)
        }
        scene.truncate("app.log")
        try scene.append("app.log", AgentScene.lines(20_000..<20_500))
        scene.server.stall(false)
        try await scene.untilArrived(20_500)
        try await scene.stop()
        scene.expectOnce(0..<20_500)
    }

    /// The copy has no name any more when the server comes back: it was held all the time.
    @Test func aCopyIsDeletedBeforeTheServerIsBack() async throws {
        let scene = try AgentScene()
        try scene.append("app.log", AgentScene.lines(0..<100))
        try scene.start { $0.batchBytes = 50_000 }
        try await scene.untilArrived(100)
        scene.server.stall(true)
        try scene.append("app.log", AgentScene.lines(100..<20_000))
        try await scene.until("a push that fails") { scene.metrics.retries > 1 }
        try scene.copy("app.log", to: "app.log.1")
        scene.truncate("app.log")
        try scene.append("app.log", AgentScene.lines(20_000..<20_500))
        try await scene.until("the copy to be held") { scene.isOpen("app.log.1") }
        // Longer than it is waited for a copy to go on growing.
        try await Task.sleep(for: .seconds(1.5))
        try FileManager.default.removeItem(atPath: scene.path("app.log.1"))
        scene.server.stall(false)
        try await scene.untilArrived(20_500)
        try await scene.stop()
        scene.expectOnce(0..<20_500)
    }

    /// A truncation that grows beyond what was read before the next look.
    @Test func truncatedAndGrownAgainBetweenTwoReads() async throws {
        let scene = try AgentScene()
        try scene.append("app.log", AgentScene.lines(0..<10))
        try scene.start()
        try await scene.untilArrived(10)
        let text = AgentScene.lines(10..<400)
        try text.write(toFile: scene.path("app.log"), atomically: false, encoding: .utf8)
        try await scene.untilArrived(400)
        scene.expectOnce(0..<400)
    }

    @Test func whatIsTruncatedWithoutACopyIsCountedAsLost() async throws {
        let scene = try AgentScene()
        try scene.append("app.log", AgentScene.lines(0..<100))
        try scene.start { configuration in
            configuration.batchBytes = 50_000
            configuration.searchSeconds = 1
        }
        try await scene.untilArrived(100)
        scene.server.stall(true)
        try scene.append("app.log", AgentScene.lines(100..<20_000))
        let size = Int64(20_000 * AgentScene.line(0).utf8.count)
        try await scene.until("the lag") {
            scene.metrics.files.contains { $0.size == size && $0.lagBytes > size / 2 }
        }
        scene.truncate("app.log")
        try scene.append("app.log", AgentScene.lines(20_000..<20_010))
        scene.server.stall(false)
        try await scene.until("the loss") { scene.metrics.lostSources == 1 }
        try await scene.until("the last line") {
            scene.server.entries.contains { $0.line.hasSuffix("0020009") }
        }
        let arrived = scene.server.entries.count - 10
        let lost = (20_000 - arrived) * AgentScene.line(0).utf8.count
        #expect(abs(scene.metrics.lostBytes - lost) < AgentScene.line(0).utf8.count)
        let twice = Set(scene.server.entries.map(\.line))
        #expect(twice.count == scene.server.entries.count)
    }

    /// A truncation that loses nothing is no loss.
    @Test func truncatedWhenAllWasRead() async throws {
        let scene = try AgentScene()
        try scene.append("app.log", AgentScene.lines(0..<100))
        try scene.start { $0.searchSeconds = 1 }
        try await scene.untilArrived(100)
        scene.truncate("app.log")
        try scene.append("app.log", AgentScene.lines(100..<150))
        try await scene.untilArrived(150)
        try await scene.until("the search to end") {
            scene.metrics.files.count == 1
        }
        #expect(scene.metrics.lostSources == 0)
        scene.expectOnce(0..<150)
    }

    @Test func aCopyThatThePatternMatchesIsNoSource() async throws {
        let scene = try AgentScene()
        try scene.append("app.log", AgentScene.lines(0..<100))
        // One is there before the agent.
        try scene.copy("app.log", to: "app.log.2")
        try scene.append("app.log", AgentScene.lines(100..<120))
        try scene.start("app*")
        try await scene.untilArrived(120)
        try scene.copy("app.log", to: "app.log.1")
        scene.truncate("app.log")
        try scene.append("app.log", AgentScene.lines(120..<130))
        try await scene.untilArrived(130)
        // Copies are held until it is clear what they are.
        try await scene.until("the copies to be let go") {
            !scene.isOpen("app.log.1") && !scene.isOpen("app.log.2")
        }
        // Whoever read them would have sent them before this line.
        try scene.append("app-other.log", AgentScene.lines(130..<131))
        try await scene.untilArrived(131)
        try await scene.stop()
        scene.expectOnce(0..<131)
    }

    @Test func packedHistoryIsReadOnceWhenThePatternNamesIt() async throws {
        let scene = try AgentScene()
        for (name, numbers) in [("a", 0..<10), ("b", 10..<30)] {
            try scene.append(name, AgentScene.lines(numbers))
            try scene.pack(name, to: "\(name).gz")
            try FileManager.default.setAttributes(
                [.modificationDate: Date(timeIntervalSince1970: 1_700_000_000)],
                ofItemAtPath: scene.path("\(name).gz"))
        }
        try scene.start("*.gz")
        try await scene.untilArrived(30)
        try await scene.stop()
        try scene.append("c", AgentScene.lines(30..<40))
        try scene.pack("c", to: "c.gz")
        try scene.start("*.gz")
        try await scene.untilArrived(40)
        try await scene.stop()
        scene.expectOnce(0..<40)
    }

    @Test func packedHistoryBesideThePatternIsLeftAlone() async throws {
        let scene = try AgentScene()
        try scene.append("old", AgentScene.lines(0..<10))
        try scene.pack("old", to: "app.log.1.gz")
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSince1970: 1_700_000_000)],
            ofItemAtPath: scene.path("app.log.1.gz"))
        try scene.append("app.log", AgentScene.lines(10..<20))
        try scene.start()
        try await scene.untilArrived(10)
        scene.expectOnce(10..<20)
    }
}
