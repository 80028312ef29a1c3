import Foundation
import Logback

/// The agent.yaml that says the same as an application's logging configuration.
enum AgentYAML {
    static func text(
        _ applications: [LogbackConfiguration], options: AgentOptions
    ) throws -> String {
        var lines = [
            "server: \(quoted(options.server ?? "http://127.0.0.1:3100"))",
            "state: \(quoted(options.state ?? "/var/lib/cordwood-agent"))",
        ]
        if let tenant = options.tenant { lines.append("tenant: \(quoted(tenant))") }
        let labels = try options.labels
        if !labels.isEmpty { lines += ["labels: " + mapping(labels)] }
        lines.append("sources:")
        for application in applications {
            for appender in application.appenders {
                lines += source(appender, application, labels)
            }
        }
        for file in options.files { lines += ["  - paths: [\(quoted(file))]"] }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func source(
        _ appender: FileAppender, _ application: LogbackConfiguration, _ labels: [String: String]
    ) -> [String] {
        var lines = ["  - paths:"]
        lines += appender.activeGlobs.map { "      - \(quoted($0))" }
        if !appender.rolledGlobs.isEmpty {
            lines.append("    rolled_paths:")
            lines += appender.rolledGlobs.map { "      - \(quoted($0))" }
        }
        if let name = application.applicationName?.value, labels["app"] == nil {
            lines.append("    labels: " + mapping(["app": name]))
        }
        if let charset = appender.charset { lines.append("    encoding: \(quoted(charset.value))") }
        if let zone = appender.zone, ZoneRule(zone.value) != nil {
            lines.append("    zone: \(quoted(zone.value))")
        }
        if let retention = appender.retention {
            let limits = [
                retention.age.map { "age_seconds: \(Int(min($0, Self.longestAge)))" },
                retention.files.map { "count: \($0)" }, retention.bytes.map { "bytes: \($0)" },
            ].compactMap(\.self)
            lines.append("    rolled_files: { \(limits.joined(separator: ", ")) }")
        }
        switch appender.format.value {
        case .pattern(let pattern):
            lines.append("    layout:")
            lines.append("      pattern: \(quoted(pattern))")
            if appender.dialect == .legacy { lines.append("      logback: '1.2'") }
        case .json(let json, let stamps):
            lines.append("    layout:")
            lines.append("      json: \(json.encoder.rawValue)")
            if !json.names.isEmpty {
                let names = json.names.map { ($0.key.rawValue, $0.value) }
                lines.append(
                    "      names: " + mapping(Dictionary(names) { $1 }))
            }
            if let stamps { lines.append("    timestamp: { format: \(quoted(stamps)) }") }
        case .unknown: break
        }
        return lines
    }

    /// What `age_seconds` takes.
    private static let longestAge = 1e12

    private static func mapping(_ values: [String: String]) -> String {
        let pairs = values.sorted { $0.key < $1.key }.map { "\($0.key): \(quoted($0.value))" }
        return "{ " + pairs.joined(separator: ", ") + " }"
    }

    /// As YAML needs no escapes: single quotes are doubled. What is no text of one line is written
    /// with escapes.
    static func quoted(_ text: String) -> String {
        if text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7f }) {
            return "'" + text.replacing("'", with: "''") + "'"
        }
        let escaped = text.unicodeScalars.map { scalar in
            switch scalar {
            case "\"": "\\\""
            case "\\": "\\\\"
            case _ where scalar.value < 0x20 || scalar.value == 0x7f:
                "\\x" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
            default: String(scalar)
            }
        }
        return "\"" + escaped.joined() + "\""
    }
}
