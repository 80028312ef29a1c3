import Foundation
import Testing

/// Whatever is done to the files, and whenever the agent or the server is away: each line once, in
/// order.
@Suite(.serialized) struct RandomRollingTests {
    enum Policy: CaseIterable {
        case rename, pack, copy, copyAndPack
    }

    private struct Generator: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state ^ (state >> 33)
        }
    }

    @Test(arguments: Policy.allCases, [UInt64](520_345...520_348))
    func eachLineOnce(_ policy: Policy, _ seed: UInt64) async throws {
        // The second pattern names the rolled files too.
        let pattern = seed % 2 == 0 ? "*.log" : "app*"
        var random = Generator(state: seed)
        let scene = try AgentScene()
        var isRunning = false
        var written = 0
        var rolls = 0
        var actions: [String] = []
        for _ in 0..<24 {
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<4:
                let end = written + Int.random(in: 1...3000, using: &random)
                actions.append("write \(end)")
                try scene.append("app.log", AgentScene.lines(written..<end))
                written = end
            case 4..<7:
                guard FileManager.default.fileExists(atPath: scene.path("app.log")) else { break }
                rolls += 1
                actions.append("roll \(rolls)")
                try roll(scene, policy, rolls)
            case 7:
                actions.append(isRunning ? "stop" : "start")
                if isRunning { try await scene.stop() } else { try start(scene, pattern) }
                isRunning.toggle()
            case 8:
                let isStalled = Bool.random(using: &random)
                actions.append("stall \(isStalled)")
                scene.server.stall(isStalled)
            default:
                // As long as a few looks, so that reading and rolling meet at any point.
                let pause = Int.random(in: 0..<150, using: &random)
                actions.append("pause \(pause)")
                try await Task.sleep(for: .milliseconds(pause))
            }
        }
        scene.server.stall(false)
        if !isRunning { try start(scene, pattern) }
        try scene.append("app.log", AgentScene.lines(written..<written + 1))
        written += 1
        do { try await scene.untilArrived(written) } catch {
            Issue.record("seed \(seed): \(actions)")
            throw error
        }
        try await scene.stop()
        let found = scene.server.lines.compactMap { Int($0.suffix(7)) }
        #expect(found.count == written, "seed \(seed): \(actions)")
        #expect(Set(found) == Set(0..<written), "seed \(seed): \(actions)")
        let twins = Dictionary(grouping: scene.server.entries, by: \.timestamp).values
            .filter { $0.count > 1 }.map { $0.map { $0.line.suffix(7) } }
        #expect(twins.isEmpty, "seed \(seed): \(actions)")
    }

    private func start(_ scene: AgentScene, _ pattern: String) throws {
        try scene.start(pattern) { $0.batchBytes = 20_000 }
    }

    private func roll(_ scene: AgentScene, _ policy: Policy, _ number: Int) throws {
        let name = "app.log.\(number)"
        switch policy {
        case .rename: try scene.move("app.log", to: name)
        case .pack: try scene.pack("app.log", to: "\(name).gz")
        case .copy:
            try scene.copy("app.log", to: name)
            scene.truncate("app.log")
        case .copyAndPack:
            try scene.copy("app.log", to: "copying")
            try scene.pack("copying", to: "\(name).gz")
            scene.truncate("app.log")
        }
    }
}
