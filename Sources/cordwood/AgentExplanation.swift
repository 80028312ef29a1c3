import Agent
import Foundation
import Logback

/// What was derived of one application, in words.
struct AgentExplanation {
    private let application: LogbackConfiguration
    private let lines: Int

    init(_ application: LogbackConfiguration, lines: Int) {
        self.application = application
        self.lines = lines
    }

    /// `owners`: files by the appender that writes them, over all applications.
    func text(owners: inout [String: String]) throws -> String {
        var out = "\(application.source)\n"
        out += Self.row("application", application.applicationName)
        out += Self.row("Spring Boot", application.bootVersion)
        out += Self.row("Logback", application.logbackVersion)
        out += Self.row(
            "profiles",
            application.profiles.map { $0.isEmpty ? "default" : $0.joined(separator: ", ") })
        out += Self.row("folder", application.workingDirectory)
        for remark in application.remarks { out += "  ! \(remark)\n" }
        for appender in application.appenders {
            out += try self.text(appender, &owners)
        }
        return out + "\n"
    }

    private static func row(_ name: String, _ value: Derived<String>?) -> String {
        guard let value else { return "" }
        return row(name, value.value, value.origin)
    }

    private static func row(_ name: String, _ value: String, _ origin: String) -> String {
        let title = name + String(repeating: " ", count: max(1, 16 - name.count))
        return "  \(title)\(value)\n" + String(repeating: " ", count: 20) + "from \(origin)\n"
    }

    private func text(
        _ appender: FileAppender, _ owners: inout [String: String]
    ) throws -> String {
        let files = FoundFiles(appender.globs)
        var out = "\nappender \(appender.name), \(appender.place)\n"
        out += Self.row("file", appender.file)
        out += Self.row("rolled names", appender.rolledNames?.map(\.text))
        if let names = appender.rolledNames {
            out += Self.row("", "followed as \(names.value.glob)", "the same")
            out += Self.row(
                "packed", names.value.compression?.rawValue ?? "no", "the end of the name")
            if let period = names.value.period {
                out += Self.row("rolled each", period.rawValue, "the date of the name")
            }
        }
        out += Self.row("order", Self.order(appender), "the rolling policy and the names")
        out += Self.row("policy", appender.policy.map(\.text))
        out += Self.row("size of a file", appender.maxFileSize)
        out += Self.row("kept", appender.maxHistory?.map { Self.kept($0, appender) })
        out += Self.row("kept at most", appender.totalSizeCap)
        out += Self.row("cleaned at start", appender.cleanHistoryOnStart?.map { "\($0)" })
        out += Self.row("prudent", appender.isPrudent?.map { "\($0)" })
        out += Self.row(
            "characters",
            appender.charset
                ?? Derived("UTF-8", "nothing names them: the default of Java 18 and later"))
        out += Self.row(
            "zone",
            appender.zone
                ?? Derived(
                    TimeZone.current.identifier, "nothing names it: the zone of this machine"))
        let group = try SourceGroup(appender)
        out += Self.text(appender.format, group.layout)
        for trap in AgentTraps(appender, files).all(owners: &owners) { out += "  ! \(trap)\n" }
        out += ParsedSample(files, group).text(lines)
        return out
    }

    private static func order(_ appender: FileAppender) -> String {
        switch appender.policy.value {
        case .none: "one file"
        case .fixedWindow: "the largest number is the oldest, then down to the active file"
        case .time: "by the date of the name, then the active file"
        case .sizeAndTime: "by the date of the name, then by its number, then the active file"
        case .other: "by the times of the files"
        }
    }

    private static func kept(_ count: Int, _ appender: FileAppender) -> String {
        if case .fixedWindow = appender.policy.value { return "\(count) files" }
        guard count > 0 else { return "for ever" }
        return "\(count) x one \(appender.rolledNames?.value.period?.rawValue ?? "period")"
    }

    private static func text(_ format: Derived<FileAppender.Format>, _ layout: LayoutRule) -> String
    {
        switch format.value {
        case .pattern(let pattern):
            var out = row("layout", pattern, format.origin)
            if let names = layout.compiled?.fieldNames, !names.isEmpty {
                out += row("fields", names.joined(separator: ", "), "the words of the layout")
            }
            return out
        case .json(let json, let stamps):
            var out = row("layout", "JSON lines of \(json.encoder.rawValue)", format.origin)
            for (role, name) in json.names.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
                out += row(role.rawValue, "under \"\(name)\"", format.origin)
            }
            if let stamps { out += row("stamps", stamps, format.origin) }
            return out
        case .unknown(let name):
            return row("layout", "not known (\(name)): the automatic rule", format.origin)
        }
    }

    /// A group of agent.yaml, or of files that are named.
    static func text(_ group: SourceGroup, lines: Int) -> String {
        var out = group.paths.joined(separator: "\n") + "\n"
        if let encoding = group.encoding { out += row("characters", encoding.name, "encoding") }
        if let compiled = group.layout.compiled {
            out += row("layout", compiled.pattern, "layout: pattern")
            for remark in compiled.remarks { out += "  ! \(remark)\n" }
        } else if let json = group.layout.json {
            out += row("layout", "JSON lines of \(json.encoder.rawValue)", "layout: json")
        } else {
            out += row("layout", "the automatic rule, or first_line", "agent.yaml or the files")
        }
        let files = FoundFiles(group.paths)
        for path in files.unreadable { out += "  ! \(path): may not be read: permission denied\n" }
        return out + ParsedSample(files, group).text(lines) + "\n"
    }
}
