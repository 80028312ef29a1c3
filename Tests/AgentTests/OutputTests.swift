import Agent
import Foundation
import Testing

@Suite struct OutputTests {
    private func read(_ text: String) throws -> AgentConfiguration {
        let file = FileManager.default.temporaryDirectory
            .appendingPathComponent("agent-\(UUID().uuidString).yaml")
        try text.write(to: file, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(at: file) }
        return try AgentConfiguration.read(file.path)
    }

    private static let rest = "state: /tmp/x\nsources: [{paths: [a]}]\n"

    @Test func severalOutputs() throws {
        let found = try read(
            """
            \(Self.rest)outputs:
              - { name: main, server: 'https://logs:3100/', tls: { server_name: l }, tenant: t }
              - { kind: loki, server: 'http://loki:3100', format: protobuf }
              - { kind: stdout }
            """)
        try found.validate()
        #expect(found.outputs.map(\.name) == ["main", "loki", "stdout"])
        #expect(found.outputs[0].server == "https://logs:3100")
        #expect(found.outputs[0].access.address(of: "https://logs:3100") == "https://l:3100")
        #expect(found.outputs[1].format == .protobuf)
    }

    @Test func aStateFolderForEach() throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("agent-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var one = AgentConfiguration(server: "", state: folder)
        one.outputs = ["a", "b"].map { Output(name: $0) }
        #expect(try one.perOutput().map(\.state) == [folder, folder + "/outputs/b"])
        // Whoever was first keeps its place.
        one.outputs = ["b", "a"].map { Output(name: $0) }
        #expect(try one.perOutput().map(\.state) == [folder + "/outputs/b", folder])
        one.outputs = [Output(name: "b")]
        #expect(try one.perOutput().map(\.state) == [folder + "/outputs/b"])
    }

    @Test(arguments: [
        ("outputs: [{ kind: lokki }]", "expected one of cordwood, loki, stdout, file"),
        ("outputs: [{ kind: loki }]", "needs server"),
        ("outputs: [{ kind: file }]", "needs path"),
        ("outputs: [{ name: 'a/b', kind: stdout }]", "letters, digits"),
        ("outputs: [{ kind: stdout, headers: { Content-Type: x } }]", "the agent's own"),
        ("server: http://x:1\nheaders: { 'a b': x }", "is no name of a header"),
        (
            "server: http://x:1\nbearer_token: a\nbasic_auth: { username: u, password: p }",
            "keep one"
        ),
        ("server: http://x:1\nbasic_auth: { username: u }", "password_file"),
        ("server: http://x:1\ntls: { insecure_skip_verify: maybe }", "expected true or false"),
        ("server: http://x:1\noutputs: [{ kind: stdout }]", "keep one of the two"),
        ("outputs: [{ kind: stdout }, { kind: stdout }]", "two are called stdout"),
    ])
    func whatCannotBeRead(text: String, expected: String) {
        do {
            _ = try read(Self.rest + text)
            Issue.record("accepted")
        } catch { #expect("\(error)".contains(expected), "\(error)") }
    }

    @Test(arguments: [
        ("server: http://x:1\ntls: { ca_file: /nowhere/ca.pem }", "no https:// address"),
        (
            "server: https://x:1\ntls: { ca_file: /nowhere/ca.pem }",
            "/nowhere/ca.pem cannot be read: No such file"
        ),
        ("server: https://x:1\ntls: { cert_file: /nowhere/c.pem }", "belong together"),
        ("server: http://x:1\nproxy: 'ftp://x'", "socks5://HOST:PORT"),
        ("server: http://x:1\nbearer_token_file: /nowhere/token", "/nowhere/token"),
        (
            "outputs: [{ kind: cordwood, server: 'http://x:1', format: protobuf }]",
            "protobuf is for"
        ),
    ])
    func whatCannotBe(text: String, expected: String) throws {
        let found = try read(Self.rest + text)
        do {
            try found.validate()
            Issue.record("accepted")
        } catch { #expect("\(error)".contains(expected), "\(error)") }
    }

    @Test func everyFaultIsToldWithItsLine() {
        do {
            _ = try read("server: http://x:1\nstte: /x\nsources:\n  - paths: [a]\n    zone: Mars\n")
            Issue.record("accepted")
        } catch {
            let lines = "\(error)".split(separator: "\n")
            #expect(lines.count == 3)
            #expect(lines.contains { $0.hasSuffix(":2: unknown key \"stte\"") })
            #expect(lines.contains { $0.hasSuffix(":5: unknown time zone \"Mars\"") })
        }
    }

    @Test func wordsOfErrorsAreOneLine() {
        var metrics = AgentMetrics()
        // A line feed behind a carriage return, and a quote with an accent, are characters of their own.
        metrics.lastError = "502: <html>\r\n\\ \"\u{301}"
        #expect(
            metrics.prometheusText.unicodeScalars.split(separator: "\n").contains {
                String($0).utf8.elementsEqual(
                    "cordwood_agent_last_error{error=\"502: <html>\r\\n\\\\ \\\"\u{301}\"} 1".utf8)
            })
    }

    @Test func metricsOfSeveralAreOnePage() {
        let text = "# HELP a x y\n# TYPE a counter\na 1\n# HELP b z\n# TYPE b gauge\nb{p=\"q\"} 2\n"
        #expect(
            MetricPages.merged([("m", text), ("n", text)]) == """
                # HELP a x y
                # TYPE a counter
                a{output="m"} 1
                a{output="n"} 1
                # HELP b z
                # TYPE b gauge
                b{output="m",p="q"} 2
                b{output="n",p="q"} 2

                """)
    }
}
