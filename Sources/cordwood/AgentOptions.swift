import Agent
import ArgumentParser
import Foundation
import Logback

/// What an agent follows: the options of `agent run` and `agent explain`.
struct AgentOptions: ParsableArguments {
    @Option(help: "The configuration file.")
    var config: String?
    @Option(help: "The server, http://HOST:PORT.")
    var server: String?
    @Option(help: "A label of every entry, NAME=VALUE; may be given several times.")
    var label: [String] = []
    @Option(help: "The folder of what the agent must remember.")
    var state: String?
    @Option(help: "The tenant, sent as X-Scope-OrgID.")
    var tenant: String?
    @Option(
        help: ArgumentHelp(
            "An application's own logging configuration; may be given several times.",
            discussion: "A logback.xml or logback-spring.xml, a jar, a war, or a folder of one.",
            valueName: "path"))
    var logback: [String] = []
    @Option(
        help: ArgumentHelp(
            "A running Java application, by its process id; may be given several times.",
            valueName: "id"))
    var pid: [Int] = []
    @Option(help: "The folder that the application of --logback is started in.")
    var directory: String?
    @Option(help: "An active profile of the application of --logback; may be given several times.")
    var profile: [String] = []
    @Argument(
        help: "Files to follow; patterns in quotes are followed as files come and go; - is stdin.")
    var files: [String] = []

    /// Of the environment, what says something about this command alone.
    private static let ownVariables: Set = ["HOME", "LOGNAME", "PWD", "OLDPWD", "TZ", "USER"]

    /// What the applications' configurations say, in the order of the options.
    func applications() throws -> [LogbackConfiguration] {
        var found: [LogbackConfiguration] = []
        for path in logback {
            var application = try Application.at(path)
            application.environment = ProcessInfo.processInfo.environment.filter {
                !Self.ownVariables.contains($0.key)
            }
            application.environmentOwner = " of this command"
            if let directory {
                let current = FileManager.default.currentDirectoryPath
                application.workingDirectory = Derived(
                    directory.hasPrefix("/") ? directory : current + "/" + directory, "--directory")
            }
            if !profile.isEmpty { application.profiles = Derived(profile, "--profile") }
            found.append(try ConfigurationReader.read(application))
        }
        for id in pid { found.append(try ConfigurationReader.read(try Application.process(id))) }
        return found
    }

    /// All that an agent needs. `applications`: see above.
    func settings(_ applications: [LogbackConfiguration]) throws -> AgentConfiguration {
        var settings: AgentConfiguration
        if let config {
            settings = try AgentConfiguration.read(config)
        } else {
            guard let server, let state else {
                throw ValidationError("--server and --state are needed without --config")
            }
            settings = AgentConfiguration(server: server, state: state)
        }
        if let server { settings.server = server }
        if !settings.outputs.isEmpty, server != nil || tenant != nil {
            throw ValidationError(
                "--server and --tenant: \(config ?? "") names outputs; keep one of the two")
        }
        if let state { settings.state = state }
        if let tenant { settings.tenant = tenant }
        settings.labels.merge(try labels) { $1 }
        settings.groups += try groups(applications)
        if let host = settings.labels["host"] { settings.host = host }
        return settings
    }

    var labels: [String: String] {
        get throws {
            var labels: [String: String] = [:]
            for text in label {
                guard let equals = text.firstIndex(of: "="), equals > text.startIndex else {
                    throw ValidationError("--label \(text): expected NAME=VALUE")
                }
                labels[String(text[..<equals])] = String(text[text.index(after: equals)...])
            }
            return labels
        }
    }

    /// Groups of the applications' appenders and of files that are named.
    func groups(_ applications: [LogbackConfiguration]) throws -> [SourceGroup] {
        var groups: [SourceGroup] = []
        for application in applications {
            for appender in application.appenders {
                var group = try SourceGroup(appender)
                if let name = application.applicationName, try labels["app"] == nil {
                    group.labels["app"] = name.value
                }
                groups.append(group)
            }
        }
        if !files.isEmpty { groups.append(SourceGroup(paths: files)) }
        return groups
    }
}

extension SourceGroup {
    /// The files of an appender, and how they are read.
    init(_ appender: FileAppender) throws {
        self.init(paths: appender.activeGlobs)
        rolledPaths = appender.rolledGlobs
        layout = try appender.layout()
        retention = appender.retention
        if let zone = appender.zone.flatMap({ ZoneRule($0.value) }) { self.zone = zone }
        if let charset = appender.charset {
            guard let encoding = TextEncoding(charset.value) else {
                throw ValidationError("\(charset.origin): no encoding is called \(charset.value)")
            }
            self.encoding = encoding
        }
    }
}
