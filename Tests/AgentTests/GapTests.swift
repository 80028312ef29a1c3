import Agent
import Foundation
import Testing

/// What came and went while no agent was there: the ledger names what is missing, and nothing else.
@Suite(.serialized) struct GapTests {
    private struct Loss: Equatable, CustomStringConvertible {
        var name: String
        var from: Int64
        var to: Int64?
        var description: String { "\(name) \(from)…\(to.map { "\($0)" } ?? "")" }
    }

    private func losses(_ scene: AgentScene) -> [Loss] {
        Ledger.read(folder: scene.state).ranges.filter { $0.what == .lost }.map {
            Loss(name: URL(fileURLWithPath: $0.file).lastPathComponent, from: $0.from, to: $0.to)
        }
    }

    private func size(_ numbers: Range<Int>) -> Int64 {
        Int64(AgentScene.lines(numbers).utf8.count)
    }

    /// An agent that knows one roll and the file after it, and is stopped.
    private func seen(_ scene: AgentScene, rolledTo name: String) async throws {
        try scene.append("app.log", AgentScene.lines(0..<10))
        try scene.append("b.log", AgentScene.lines(100..<110))
        try scene.start()
        try await scene.untilArrived(20)
        try scene.move("app.log", to: name)
        try scene.append("app.log", AgentScene.lines(10..<20))
        try await scene.untilArrived(30)
        try await scene.stop()
    }

    /// A file whose loss is told after all gaps are.
    private func loseAnother(_ scene: AgentScene) throws -> Loss {
        try scene.append("b.log", AgentScene.lines(110..<120))
        try FileManager.default.removeItem(atPath: scene.path("b.log"))
        return Loss(name: "b.log", from: size(100..<110), to: nil)
    }

    /// The agent is killed before it has told a gap, when it knows the newest roll already.
    @Test func aGapOutlivesARestart() async throws {
        let scene = try AgentScene()
        try await seen(scene, rolledTo: "app-2026-11-21.0.log")
        // Number 1, which was read in part, and number 2 are gone.
        try scene.append("app.log", AgentScene.lines(20..<30))
        try FileManager.default.removeItem(atPath: scene.path("app.log"))
        try scene.append("app-2026-11-21.3.log", AgentScene.lines(40..<50))
        try scene.append("app.log", AgentScene.lines(50..<60))
        try scene.start { $0.searchSeconds = 600 }
        try await scene.untilArrived(50)
        try scene.append("app-2026-11-21.4.log", AgentScene.lines(60..<70))
        try await scene.untilArrived(60)
        try await scene.stop()
        #expect(losses(scene) == [])
        // What is read by now, and has a successor, may go.
        try FileManager.default.removeItem(atPath: scene.path("app-2026-11-21.3.log"))
        try scene.start { $0.searchSeconds = 1 }
        try await scene.until("both losses") { losses(scene).count >= 2 }
        try await scene.stop()
        #expect(
            losses(scene).sorted { $0.name < $1.name } == [
                Loss(name: "app-2026-11-21.2.log", from: 0, to: nil),
                Loss(name: "app.log", from: size(10..<20), to: nil),
            ])
        // Told once.
        let other = try loseAnother(scene)
        try scene.start { $0.searchSeconds = 1 }
        try await scene.until("another loss") { losses(scene).contains(other) }
        #expect(losses(scene).count == 3)
    }

    /// The agent finds the file that is written next before it hears of the roll: that one takes the next
    /// number all the same.
    @Test func aFileThatIsFoundBeforeTheRollOfTheOneBeforeIsCounted() async throws {
        let scene = try AgentScene()
        try await seen(scene, rolledTo: "app-2026-11-21.0.log")
        try scene.start()
        try await scene.until("the file to be followed") {
            scene.metrics.files.contains { $0.path == scene.path("app.log") }
        }
        try scene.move("app.log", to: "../1")
        try scene.append("app.log", AgentScene.lines(20..<30))
        try await scene.untilArrived(40)
        try await scene.stop()
        // Number 2, which was read, and number 3 are gone.
        try FileManager.default.removeItem(atPath: scene.path("app.log"))
        try scene.append("app-2026-11-21.4.log", AgentScene.lines(40..<50))
        try scene.append("app.log", AgentScene.lines(50..<60))
        try scene.start { $0.searchSeconds = 1 }
        try await scene.until("the losses") { losses(scene).count >= 2 }
        try await scene.untilArrived(60)
        try await scene.stop()
        #expect(
            losses(scene).sorted { $0.name < $1.name } == [
                Loss(name: "app-2026-11-21.3.log", from: 0, to: nil),
                Loss(name: "app.log", from: size(20..<30), to: nil),
            ])
    }

    /// A machine that has no time for the agent: its first look comes when searching is over already.
    @Test func whatIsThereIsNotLostHoweverLateTheFirstLook() async throws {
        let scene = try AgentScene()
        try await seen(scene, rolledTo: "app-2026-11-21.0.log")
        for round in 0..<5 {
            let start = 20 + round * 10
            try scene.append("app.log", AgentScene.lines(start..<start + 10))
            try scene.start { $0.searchSeconds = 0.001 }
            try await scene.untilArrived(40 + round * 10)
            try await scene.stop()
        }
        #expect(losses(scene) == [])
    }

    /// An application that is quiet over a weekend rolls no file on its days.
    @Test(arguments: ["app-2026-11-20.log", "app.20261120-084945.log", "app-2026-11-20_0849.log"])
    func datesAreNotCounted(_ name: String) async throws {
        let scene = try AgentScene()
        try await seen(scene, rolledTo: name)
        try scene.move("app.log", to: name.replacing("20", with: "23", maxReplacements: 3))
        try scene.append("app.log", AgentScene.lines(20..<30))
        let other = try loseAnother(scene)
        try scene.start { $0.searchSeconds = 1 }
        try await scene.until("the loss") { losses(scene).contains(other) }
        #expect(losses(scene) == [other])
    }

    /// A file that was read to its end and rolled before the agent was stopped has lost nothing.
    @Test func whatWasReadToItsEndIsNotLost() async throws {
        let scene = try AgentScene()
        // So that it is still waited for more of it when the agent stops.
        try scene.append("app.log", AgentScene.lines(0..<10))
        try scene.append("b.log", AgentScene.lines(100..<110))
        try scene.start { $0.patience = 5 }
        try await scene.untilArrived(20)
        try scene.move("app.log", to: "app.log.1")
        try scene.append("app.log", AgentScene.lines(10..<20))
        try await scene.untilArrived(30)
        try await scene.stop()
        try FileManager.default.removeItem(atPath: scene.path("app.log.1"))
        let other = try loseAnother(scene)
        try scene.start { $0.searchSeconds = 1 }
        try await scene.until("the loss") { losses(scene).contains(other) }
        #expect(losses(scene) == [other])
        let shipped = Ledger.read(folder: scene.state).ranges.filter { $0.what == .shipped }
        #expect(shipped.contains { $0.from == 0 && $0.to == size(0..<10) })
    }
}
