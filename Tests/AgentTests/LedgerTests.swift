import Agent
import Foundation
import Testing

@Suite struct LedgerTests {
    private func folder() throws -> String {
        let path = FileManager.default.temporaryDirectory
            .appendingPathComponent("ledger-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return path
    }

    private func range(_ number: Int64, _ what: Ledger.Fate) -> Ledger.Range {
        Ledger.Range(
            at: number, file: "/logs/app-\(number).log", source: "s\(number)", what: what,
            from: 0, to: 10, why: what == .shipped ? nil : "because")
    }

    @Test func itSurvivesAndNotesALossOnce() throws {
        let folder = try folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var ledger = Ledger(folder: folder)
        #expect(try ledger.note(range(1, .lost)))
        #expect(try ledger.note(range(1, .shipped)))
        ledger = Ledger(folder: folder)
        #expect(try !ledger.note(range(1, .lost)))
        #expect(ledger.totals[.lost] == Ledger.Sum(ranges: 1, bytes: 10))
        #expect(Ledger.read(folder: folder).ranges.map(\.what) == [.lost, .shipped])
    }

    /// A crash between a note and the registry leads to the same note again, or to a longer one.
    @Test func whatIsShippedIsNotedOnce() throws {
        let folder = try folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var ledger = Ledger(folder: folder)
        #expect(try ledger.note(range(1, .shipped)))
        #expect(try !ledger.note(range(1, .shipped)))
        ledger = Ledger(folder: folder)
        #expect(try !ledger.note(range(1, .shipped)))
        var longer = range(1, .shipped)
        longer.to = 15
        #expect(try ledger.note(longer))
        #expect(ledger.totals[.shipped] == Ledger.Sum(ranges: 2, bytes: 15))
        #expect(Ledger.read(folder: folder).ranges.map(\.from) == [0, 10])
    }

    /// What is set aside is not shipped as well.
    @Test func whatIsShippedIsWithoutWhatIsSetAside() throws {
        let folder = try folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var ledger = Ledger(folder: folder)
        var refused = range(1, .setAside)
        (refused.from, refused.to) = (20, 30)
        var dropped = range(1, .setAside)
        (dropped.from, dropped.to, dropped.entries, dropped.bytes) = (40, 90, 2, 15)
        try ledger.note(refused)
        try ledger.note(dropped)
        try ledger.note(refused)
        ledger = Ledger(folder: folder)
        var shipped = range(1, .shipped)
        shipped.to = 100
        #expect(try ledger.note(shipped))
        #expect(ledger.totals[.shipped] == Ledger.Sum(ranges: 1, bytes: 75))
        #expect(ledger.totals[.setAside] == Ledger.Sum(ranges: 2, bytes: 25))
        // What comes behind is whole again.
        shipped.to = 150
        ledger = Ledger(folder: folder)
        #expect(try ledger.note(shipped))
        #expect(ledger.totals[.shipped] == Ledger.Sum(ranges: 2, bytes: 125))
    }

    /// A full disk takes nothing for a while.
    @Test func whatCannotBeWrittenIsWrittenLater() throws {
        let folder = try folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let ledger = Ledger(folder: folder)
        // Whoever runs the tests may write everywhere, but not into a folder.
        try FileManager.default.createDirectory(
            atPath: folder + "/ledger.jsonl", withIntermediateDirectories: false)
        #expect(throws: (any Error).self) { try ledger.note(range(1, .lost)) }
        #expect(throws: (any Error).self) { try ledger.note(range(2, .shipped)) }
        #expect(throws: (any Error).self) { try ledger.writePending() }
        #expect(ledger.totals[.lost] == Ledger.Sum(ranges: 1, bytes: 10))
        try FileManager.default.removeItem(atPath: folder + "/ledger.jsonl")
        try ledger.writePending()
        #expect(Ledger.read(folder: folder).ranges.map(\.at) == [1, 2])
        try ledger.writePending()
        #expect(try ledger.note(range(3, .lost)))
        #expect(Ledger.read(folder: folder).ranges.map(\.at) == [1, 2, 3])
    }

    /// Whatever happens, its size is bounded, sums are right, and losses outlive what was shipped.
    @Test func itIsBounded() throws {
        let folder = try folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let ledger = Ledger(folder: folder)
        let count: Int64 = 60_000
        for number in 0..<count {
            try ledger.note(range(number, number % 1000 == 0 ? .lost : .shipped))
        }
        let size = try #require(
            try FileManager.default.attributesOfItem(atPath: folder + "/ledger.jsonl")[.size]
                as? Int)
        #expect(size <= 4_000_000)
        let content = Ledger.read(folder: folder)
        #expect(content.totals[.lost] == Ledger.Sum(ranges: 60, bytes: 600))
        #expect(
            content.totals[.shipped] == Ledger.Sum(ranges: count - 60, bytes: (count - 60) * 10))
        #expect(content.ranges.count { $0.what == .lost } == 60)
        #expect(content.ranges.last?.source == "s\(count - 1)")
    }

    /// A crash may cut the last line off anywhere.
    @Test func aCutLineIsLeftOut() throws {
        let folder = try folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let ledger = Ledger(folder: folder)
        try ledger.note(range(1, .lost))
        let first = try #require(FileManager.default.contents(atPath: folder + "/ledger.jsonl"))
            .count
        try ledger.note(range(2, .lost))
        let whole = try #require(FileManager.default.contents(atPath: folder + "/ledger.jsonl"))
        for end in first..<(whole.count - 1) {
            try whole.prefix(end).write(to: URL(fileURLWithPath: folder + "/ledger.jsonl"))
            #expect(Ledger.read(folder: folder).ranges.map(\.at) == [1])
            // What is noted next is not cut off with it.
            try Ledger(folder: folder).note(range(3, .lost))
            #expect(Ledger.read(folder: folder).ranges.map(\.at) == [1, 3])
        }
    }
}

@Suite(.serialized) struct RegistryJournalTests {
    /// The journal of sources is cut off by a crash: what is left of it is true, and nothing is lost or
    /// sent twice.
    @Test func aJournalThatIsCutOff() async throws {
        for cut in [1, 7, 40, 200] {
            let scene = try AgentScene()
            try scene.append("app.log", AgentScene.lines(0..<50))
            try scene.start()
            try await scene.untilArrived(50)
            try scene.append("b.log", AgentScene.lines(50..<100))
            try await scene.untilArrived(100)
            try await scene.stop()
            let path = scene.state + "/sources.journal"
            if let journal = FileManager.default.contents(atPath: path), journal.count > cut {
                try journal.dropLast(cut).write(to: URL(fileURLWithPath: path))
            }
            try scene.append("app.log", AgentScene.lines(100..<150))
            try scene.start()
            try await scene.untilArrived(150)
            try await scene.stop()
            scene.expectOnce(0..<150)
        }
    }

    /// A crash between replacing the file and removing the journal: the journal is older than the file.
    @Test func aJournalOfAnEarlierGenerationSaysNothing() async throws {
        let scene = try AgentScene()
        let journal = scene.state + "/sources.journal"
        try scene.append("app.log", AgentScene.lines(0..<50))
        try scene.start()
        try await scene.untilAcknowledged(50)
        try await scene.stop()
        let old = try #require(FileManager.default.contents(atPath: journal))
        // Half a line: the next start writes all anew.
        try (old + Data("{".utf8)).write(to: URL(fileURLWithPath: journal))
        try scene.append("app.log", AgentScene.lines(50..<100))
        try scene.start()
        try await scene.untilAcknowledged(100)
        try await scene.stop()
        let newer = try #require(FileManager.default.contents(atPath: journal))
        try (newer + Data("{".utf8)).write(to: URL(fileURLWithPath: journal))
        try scene.start()
        try await scene.stop()
        try old.write(to: URL(fileURLWithPath: journal))
        let size = Int64(AgentScene.lines(0..<100).utf8.count)
        #expect(try acknowledged(scene) == [size])
        // And what is noted from now on counts.
        try scene.append("app.log", AgentScene.lines(100..<150))
        try scene.start()
        try await scene.untilAcknowledged(150)
        try await scene.stop()
        #expect(try acknowledged(scene) == [Int64(AgentScene.lines(0..<150).utf8.count)])
        scene.expectOnce(0..<150)
    }

    /// State folders of the first agents have no generations.
    @Test func aFileAndAJournalWithoutGenerations() async throws {
        let scene = try AgentScene()
        try scene.append("app.log", AgentScene.lines(0..<50))
        try scene.start()
        try await scene.untilAcknowledged(50)
        try await scene.stop()
        for name in ["sources.json", "sources.journal"] {
            let file = URL(fileURLWithPath: scene.state + "/" + name)
            let text = String(decoding: try Data(contentsOf: file), as: UTF8.self)
            let without = text.replacing(/\{"generation":[0-9]+\}\n/, with: "")
                .replacing(/"generation":[0-9]+,/, with: "")
            #expect(without != text)
            try without.write(to: file, atomically: true, encoding: .utf8)
        }
        let size = Int64(AgentScene.lines(0..<50).utf8.count)
        #expect(try acknowledged(scene) == [size])
        try scene.append("app.log", AgentScene.lines(50..<100))
        try scene.start()
        try await scene.untilAcknowledged(100)
        try await scene.stop()
        scene.expectOnce(0..<100)
        #expect(try acknowledged(scene) == [2 * size])
    }

    /// What the registry says, without the running agent's last status.
    private func acknowledged(_ scene: AgentScene) throws -> [Int64] {
        try? FileManager.default.removeItem(atPath: scene.state + "/status.json")
        return try AgentStatus.read(state: scene.state).files.map(\.acknowledged)
    }
}
