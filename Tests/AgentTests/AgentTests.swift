import Agent
import Foundation
import Testing

@Suite struct AgentConfigurationTests {
    private func read(_ text: String) throws -> AgentConfiguration {
        let file = FileManager.default.temporaryDirectory
            .appendingPathComponent("agent-\(UUID().uuidString).yaml")
        try text.write(to: file, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(at: file) }
        return try AgentConfiguration.read(file.path)
    }

    @Test func theSampleIsUnderstood() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let path = root.appendingPathComponent("Samples/agent.yaml").path
        let sample = try AgentConfiguration.read(path)
        try sample.validate()
        #expect(sample.groups.count == 7)
        #expect(sample.groups[0].level == .label)
        #expect(sample.labels == ["env": "prod"])
    }

    @Test func anUnknownKeyIsNamedWithItsLine() {
        do {
            _ = try read(
                "server: http://x:1\nstate: /tmp/x\nsources:\n  - paths: [a]\n    levle: label\n")
            Issue.record("read")
        } catch {
            #expect("\(error)".hasSuffix(":5: unknown key \"levle\""))
        }
    }

    @Test(arguments: [
        "server: nonsense\nstate: /tmp/x\nsources: [{paths: [a]}]",
        "server: http://x:1\nstate: /tmp/x\nsources: []",
        "server: http://x:1\nstate: /tmp/x\nlabels: {a-b: c}\nsources: [{paths: [a]}]",
    ])
    func whatCannotBeIsRefused(text: String) throws {
        #expect(throws: AgentError.self) { try read(text).validate() }
    }

    @Test(arguments: [
        "server: http://x:1\nstate: /tmp/x\nzone: Mars/Olympus",
        "server: http://x:1\nstate: /tmp/x\nbatch: {bytes: 1}",
        "server: http://x:1\nstate: /tmp/x\nsources: [{paths: [a], first_line: '('}]",
        "server: http://x:1", "- a", "a: [",
    ])
    func whatCannotBeReadIsRefused(text: String) {
        #expect(throws: AgentError.self) { try read(text) }
    }

    private func field(_ field: String) -> String {
        "server: http://x:1\nstate: /tmp/x\nlabels: {env: prod}\n"
            + "sources: [{paths: [a], fields: [\(field)]}]"
    }

    @Test(arguments: [
        (
            "{name: trace-id, regex: x, as: label}",
            "label \"trace-id\": letters, digits and _ only, no digit in front, not _ alone"
        ),
        (
            "{name: __, regex: x}",
            "label \"__\": letters, digits and _ only, no digit in front, not _ alone"
        ),
        (
            "{name: 1st, regex: x}",
            "label \"1st\": letters, digits and _ only, no digit in front, not _ alone"
        ),
        (
            "{name: host, regex: x, as: label}",
            "\"host\": every entry has a label of that name already; choose another name"
        ),
        (
            "{name: env, regex: x}",
            "\"env\": every entry has a label of that name already; choose another name"
        ),
        (
            "{name: a, regex: x}, {name: a, regex: y}",
            "\"a\": given twice; one field may have alternatives: (a|b)"
        ),
    ])
    func namesOfFieldsAreChecked(text: String, expected: String) throws {
        do {
            try read(field(text)).validate()
            Issue.record("accepted")
        } catch { #expect("\(error)".hasSuffix(": \(expected)"), "\(error)") }
    }

    @Test func aFieldMayBeTheLevel() throws {
        try read(field("{name: level, regex: 'sev=(\\w+)', as: label}")).validate()
    }

    @Test func keysOfJSONLines() throws {
        let found = try read(
            "server: http://x:1\nstate: /tmp/x\nsources: [{paths: [a], "
                + "timestamp: {key: eventTime}, level: {as: label, key: sev}}]")
        #expect(found.groups[0].level == .label)
        #expect(throws: AgentError.self) {
            try read("server: http://x:1\nstate: /x\nsources: [{paths: [a], level: {is: x}}]")
        }
    }
}
