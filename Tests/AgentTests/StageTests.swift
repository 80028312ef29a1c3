import Agent
import Foundation
import Logging
import Testing

/// Rules of agent.yaml, by an agent that reads a file and a server that takes what it sends.
@Suite struct StageTests {
    private static func yaml(_ url: String, _ folder: URL, _ source: String) -> String {
        let indented = source.split(separator: "\n").map { "    " + $0 }.joined(separator: "\n")
        let logs = folder.appendingPathComponent("logs/*.log").path
        return "server: \(url)\nstate: \(folder.path)/state\nlabels: { app: shop }\nhost: h\n"
            + "batch: { age_seconds: 0.05 }\nsources:\n  - paths: ['\(logs)']\n\(indented)\n"
    }

    private static func read(_ text: String, in folder: URL) throws -> AgentConfiguration {
        let file = folder.appendingPathComponent("agent.yaml")
        try text.write(to: file, atomically: true, encoding: .utf8)
        return try AgentConfiguration.read(file.path)
    }

    private static let header = "2026-11-21 10:00:00.500 [main] INFO  a.B - "

    /// What arrives of events with these messages, and what was dropped by which rule.
    private func run(
        _ source: String, _ messages: [String], level: @escaping (Int) -> String = { _ in "INFO " }
    ) async throws -> (entries: [PushServer.Entry], dropped: [String: Int64]) {
        let scene = try AgentScene()
        let read = try Self.read(
            Self.yaml(scene.server.url, scene.folder, source), in: scene.folder)
        let lines = messages.enumerated().map { index, message in
            Self.header.replacing("INFO ", with: level(index)) + message + "\n"
        }
        try scene.append("a.log", lines.joined())
        try scene.start { configuration in
            let patience = configuration.patience
            configuration = read
            configuration.patience = patience
        }
        try await scene.until("\(messages.count) events") {
            let metrics = scene.metrics
            return metrics.events + Int(metrics.dropped.values.reduce(0, +)) == messages.count
        }
        let dropped = scene.metrics.dropped
        try await scene.stop()
        return (scene.server.entries, dropped)
    }

    private func messages(_ entries: [PushServer.Entry]) -> [String] {
        entries.map { $0.line.replacing(Self.header, with: "") }
    }

    @Test func dropAndKeep() async throws {
        let found = try await run(
            "drop: ['|= \"health\"', '| logfmt | took < 5']\nkeep: ['|~ \"GET|POST\"', '|= \"!\"']",
            ["GET /health", "GET /a", "took=3 GET", "PUT /b", "took=9 !"])
        #expect(messages(found.entries) == ["GET /a", "took=9 !"])
        #expect(
            found.dropped == [
                "drop: |= \"health\"": 1, "drop: | logfmt | took < 5": 1,
                "keep: passes no filter": 1,
            ])
    }

    @Test func stagesChangeEntries() async throws {
        let found = try await run(
            """
            stages:
              - '| logfmt'
              - '| kind=~"a|b"'
              - '| line_format "{{.msg}} ({{.user}}, {{.app}})"'
              - '| keep user'
            """,
            ["msg=hi user=kim kind=a", "msg=no user=lee kind=c"])
        #expect(found.entries.map(\.line) == ["hi (kim, shop)"])
        // keep is about what was found; the stream stays what it was.
        #expect(found.entries[0].labels == ["app": "shop", "host": "h"])
        #expect(found.entries[0].metadata == ["user": "kim"])
        #expect(found.dropped == ["stages": 1])
    }

    @Test func labelsOfTheStreamChangeByName() async throws {
        let found = try await run(
            "stages: ['| label_format app=\"shop-{{.host}}\" | drop host']", ["x"])
        #expect(found.entries[0].labels == ["app": "shop-h"])
    }

    @Test func samplingIsTheSameEachTimeAndAsMuchAsAsked() async throws {
        let lines = (0..<8000).map { "line \($0)" }
        let level: (Int) -> String = { $0 % 2 == 0 ? "DEBUG" : "INFO " }
        let first = try await run("sample: { debug: 0.1 }", lines, level: level)
        let again = try await run("sample: { DEBUG: 0.1, trace: 0 }", lines, level: level)
        #expect(first.entries.map(\.line) == again.entries.map(\.line))
        let debug = first.entries.count { $0.line.contains("DEBUG") }
        #expect((300...500).contains(debug), "\(debug) of 4,000 at 0.1")
        #expect(first.entries.count - debug == 4000)
    }

    @Test func redactionComesLastAndReachesMetadata() async throws {
        let found = try await run(
            """
            stages: ['| logfmt', '| keep mail']
            redact: [email, {name: id, regex: 'id=(\\d)\\d+', with: 'id=${1}..'}]
            """, ["mail=kim@shop.co.kr id=12345"])
        #expect(messages(found.entries) == ["mail=<email> id=1.."])
        #expect(found.entries[0].metadata == ["mail": "<email>"])
    }

    @Test(arguments: [
        ("stages: ['| jsn']", ": | jsn: column"),
        ("keep: ['| json']", "no filter in it"),
        ("stages: ['| line_format \"{{ now }}\"']", "now is another time"),
        ("stages: ['| regexp \"(\"']", ":8: "),
        ("sample: { debug: 2 }", "expected a number from 0.0 to 1.0"),
        ("redact: [card]", "expected one of cards, tokens, email, rrn"),
        ("redact: [{name: a, regex: 'x*'}]", "it matches an empty text"),
        ("redact: [{name: a, regx: 'x'}]", "unknown key \"regx\""),
        ("drop: ['{app=\"x\"} |= \"y\"']", ":8: "),
    ])
    func whatIsNoRule(source: String, expected: String) throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("agent-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        do {
            _ = try Self.read(Self.yaml("http://x:1", folder, source), in: folder)
            Issue.record("accepted")
        } catch { #expect("\(error)".contains(expected), "\(error)") }
    }
}
