import Agent
import Foundation
import Testing

/// Order and twins, many files, refused entries, lag.
@Suite(.serialized) struct ReadingTests {
    @Test func orderSurvivesARollWithinAMillisecond() async throws {
        let scene = try AgentScene()
        try scene.start()
        var number = 0
        for (roll, count) in [6, 3, 1].enumerated() {
            for _ in 0..<count {
                try scene.append("app.log", AgentScene.line(number))
                number += 1
            }
            if roll < 2 {
                try await scene.untilArrived(number)
                try scene.move("app.log", to: "rolled.\(roll)")
            }
        }
        try await scene.untilArrived(10)
        #expect(scene.server.lines.map { Int($0.suffix(7)) } == Array(0..<10))
    }

    @Test func twinsStayApartAcrossARollAndARestart() async throws {
        let scene = try AgentScene()
        let twins = String(repeating: AgentScene.line(1), count: 3)
        try scene.append("app.log", twins)
        try scene.start()
        try await scene.untilArrived(3)
        try scene.move("app.log", to: "rolled.1")
        try scene.append("app.log", twins)
        try await scene.untilArrived(6)
        try await scene.stop()
        try scene.move("app.log", to: "rolled.2")
        try scene.append("app.log", twins)
        try scene.start()
        try await scene.untilArrived(9)
        let times = scene.server.entries.map(\.timestamp)
        #expect(Set(times).count == 9)
    }

    @Test func twinsStayApartInFilesOfTheSameLabels() async throws {
        let scene = try AgentScene()
        let twins = String(repeating: AgentScene.line(1), count: 3)
        for name in ["one.log", "two.log", "three.log"] { try scene.append(name, twins) }
        try scene.start()
        try await scene.untilArrived(9)
        #expect(Set(scene.server.entries.map(\.timestamp)).count == 9)
        #expect(Set(scene.server.entries.map { $0.timestamp / 1_000_000 }).count == 1)
    }

    @Test func moreFilesThanDescriptors() async throws {
        let scene = try AgentScene()
        for i in 0..<40 { try scene.append("l\(i).log", AgentScene.lines(i * 5..<i * 5 + 5)) }
        try scene.start { $0.maxOpenFiles = 10 }
        try await scene.untilArrived(200)
        // A file that was closed is opened again when it grows.
        for i in 0..<40 { try scene.append("l\(i).log", AgentScene.lines(200 + i..<201 + i)) }
        try await scene.untilArrived(240)
        try await scene.stop()
        scene.expectOnce(0..<240)
    }

    /// Those that have a descriptor are read, deleted or not; the others are lost, and that is told.
    @Test func whatIsDeletedWhileItWaitsIsTold() async throws {
        let scene = try AgentScene()
        scene.server.stall(true)
        let names = (0..<12).map { "l\($0).log" }
        for (i, name) in names.enumerated() {
            try scene.append(name, AgentScene.lines(i * 5..<i * 5 + 5))
        }
        try scene.start { $0.maxOpenFiles = 8 }
        try await scene.until("a file to wait") { scene.told.has("files wait to be read") }
        for name in names { try FileManager.default.removeItem(atPath: scene.path(name)) }
        try await scene.until("the losses") { scene.metrics.lostSources == 4 }
        scene.server.stall(false)
        try await scene.untilArrived(8 * 5)
        let metrics = scene.metrics
        try await scene.stop()
        let perFile = AgentScene.lines(0..<5).utf8.count
        #expect(metrics.lostSources == 4 && metrics.lostBytes == 4 * perFile)
        #expect(Set(scene.server.entries.map(\.line)).count == 8 * 5)
    }

    @Test func theLimitOfDescriptorsIsRaised() throws {
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        var limit = rlimit()
        #expect(getrlimit(resource, &limit) == 0)
        limit.rlim_cur = min(limit.rlim_max, 512)
        #expect(setrlimit(resource, &limit) == 0)
        let scene = try AgentScene()
        try scene.start()
        #expect(getrlimit(resource, &limit) == 0)
        #expect(limit.rlim_cur == min(limit.rlim_max, 65_536))
    }

    @Test func aRefusedEventIsKeptBeforeTheRestGoesOn() async throws {
        let scene = try AgentScene()
        scene.server.refuse("poison")
        try FileManager.default.createDirectory(
            atPath: scene.state + "/refused.jsonl", withIntermediateDirectories: true)
        let poison = "2026-11-21 10:00:00.500 [main] INFO  a.B - [t-17] poison\n"
        try scene.append("app.log", AgentScene.lines(0..<5) + poison + AgentScene.lines(5..<10))
        try scene.start { configuration in
            let yaml = """
                server: http://x:1
                state: /x
                sources:
                  - paths: [x]
                    fields: [{name: trace_id, regex: '\\[(t-\\d+)\\]', as: metadata}]
                """
            let file = scene.folder.appendingPathComponent("agent.yaml")
            try? yaml.write(to: file, atomically: true, encoding: .utf8)
            if let read = try? AgentConfiguration.read(file.path) {
                configuration.groups[0].fields = read.groups[0].fields
            }
        }
        try await scene.until("the complaint") { scene.metrics.lastError.contains("refused.jsonl") }
        #expect(scene.metrics.setAside == 0)
        #expect(scene.server.entries.count == 5)
        try FileManager.default.removeItem(atPath: scene.state + "/refused.jsonl")
        try await scene.untilArrived(10)
        scene.expectOnce(0..<10)
        let kept = try #require(
            FileManager.default.contents(atPath: scene.state + "/refused.jsonl"))
        let record = try #require(try JSONSerialization.jsonObject(with: kept) as? [String: Any])
        #expect(record["file"] as? String == scene.path("app.log"))
        #expect(record["from"] as? Int == AgentScene.lines(0..<5).utf8.count)
        #expect(record["metadata"] as? [String: String] == ["level": "INFO", "trace_id": "t-17"])
        #expect(record["reason"] as? String == "refused")
        #expect((record["line"] as? String)?.hasSuffix("poison") == true)
    }

    /// A writer that rests in the middle of a line, as one with a buffer of its own does, is not done.
    @Test func anEventWaitsForAWriterThatRestsInALine() async throws {
        let scene = try AgentScene()
        let whole = AgentScene.line(0) + "java.lang.Error: no\n\tat a.B.c(B.java:1)\n"
        try scene.append("app.log", String(whole.dropLast(9)))
        try scene.start()
        try await scene.until("half an event to be read") {
            scene.metrics.files.contains { $0.size == Int64(whole.utf8.count - 9) }
        }
        // Its event begins to wait for more lines later, and waits as long as usual.
        try scene.append("other.log", AgentScene.line(1))
        try await scene.untilArrived(1)
        #expect(scene.server.lines.map { $0 + "\n" } == [AgentScene.line(1)])
        try scene.append("app.log", String(whole.suffix(9)))
        try await scene.untilArrived(2)
        #expect(Set(scene.server.lines.map { $0 + "\n" }) == [AgentScene.line(1), whole])
    }

    /// A writer that crashed goes on no more: what it had ended is not kept back for ever.
    @Test func anEventDoesNotWaitForAWriterThatCrashedInALine() async throws {
        let scene = try AgentScene()
        try scene.append("app.log", AgentScene.line(0) + "java.lang.Err")
        try scene.start { $0.patience = 0.02 }
        try await scene.untilArrived(1)
        #expect(scene.server.lines.map { $0 + "\n" } == [AgentScene.line(0)])
    }

    @Test func lagGrowsWhileTheServerStallsAndIsOneSeriesAPath() async throws {
        let scene = try AgentScene()
        try scene.append("app.log", AgentScene.lines(0..<10))
        try scene.start { $0.batchBytes = 2000 }
        try await scene.untilArrived(10)
        scene.server.stall(true)
        try scene.append("app.log", AgentScene.lines(10..<1000))
        try await scene.until("the reader to be stopped") { scene.metrics.retries > 0 }
        let before = scene.metrics.files.first?.lagBytes ?? 0
        try scene.append("app.log", AgentScene.lines(1000..<2000))
        try scene.move("app.log", to: "rolled.1")
        try scene.append("app.log", AgentScene.lines(2000..<2010))
        try await scene.until("the lag to grow") {
            (scene.metrics.files.first?.lagBytes ?? 0) > before + 50_000
        }
        scene.server.stall(false)
        try await scene.until("two generations of one path") {
            let series = scene.metrics.prometheusText.split(separator: "\n")
                .filter { $0.hasPrefix("cordwood_agent_file_lag_bytes{") }
                .map { $0.prefix { $0 != "}" } }
            #expect(Set(series).count == series.count)
            return scene.server.entries.count >= 2010
        }
        scene.expectOnce(0..<2010)
    }
}
