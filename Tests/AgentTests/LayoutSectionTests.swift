import Agent
import Foundation
import Logback
import Testing

/// `layout:`, `encoding:` and `zone:` of a source.
@Suite struct LayoutSectionTests {
    private func group(_ source: String) throws -> SourceGroup {
        let file = FileManager.default.temporaryDirectory
            .appendingPathComponent("agent-\(UUID().uuidString).yaml")
        let text = "server: http://x:1\nstate: /tmp/x\nsources:\n  - paths: [a]\n" + source
        try text.write(to: file, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(at: file) }
        let groups = try AgentConfiguration.read(file.path).groups
        return try #require(groups.first)
    }

    @Test func aPatternIsCompiled() throws {
        let found = try group(
            "    encoding: MS949\n    layout: { pattern: '%d{yyyy-MM-dd HH:mm:ss, Asia/Seoul} %level - %msg%n', logback: 1.2.11 }\n"
        )
        #expect(found.encoding?.name == TextEncoding("MS949")?.name && found.encoding != nil)
        #expect(found.layout.compiled?.dialect == .legacy)
        #expect(found.zone.offset(atLocal: 1_790_000_000) == 9 * 3600)
        let own = try group(
            "    zone: '+01:00'\n    layout: { pattern: '%d{yyyy-MM-dd HH:mm:ss, Asia/Seoul} %level - %msg%n' }\n"
        )
        #expect(own.zone.offset(atLocal: 1_790_000_000) == 3600)
    }

    @Test func jsonKeysHaveNames() throws {
        let found = try group("    layout: { json: logstash, names: { thread: th } }\n")
        let line = Array(#"{"@timestamp":"2026-11-21T10:00:00Z","th":"main","x":1}"#.utf8)
        let fields = line.withUnsafeBytes { found.layout.fields(of: $0) }
        #expect(fields.map { "\($0.name)=\($0.value)" }.sorted() == ["thread=main", "x=1"])
    }

    @Test(arguments: [
        "    layout: { pattern: '%d{yyyy', json: ecs }\n", "    layout: { json: xml }\n",
        "    layout: {}\n", "    layout: { pattern: '%(' }\n",
        "    layout: { pattern: '%d %msg', logback: new }\n",
        "    layout: { pattern: '%d %msg' }\n    first_line: x\n",
        "    layout: { pattern: '%d %msg' }\n    timestamp: { format: UNIX }\n",
        "    layout: { json: ecs, names: { thred: x } }\n", "    encoding: ''\n",
    ])
    func whatCannotBeIsRefused(source: String) {
        #expect(throws: AgentError.self) { try group(source) }
    }
}
