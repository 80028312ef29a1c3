import Agent
import ArgumentParser
import CMemory
import Foundation
import Hummingbird
import Logging
import NIOCore
import Server
import ServiceLifecycle

/// `cordwood agent`, or `cordwood agent run`: follows log files and ships their entries.
struct AgentRunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Follow log files and ship their entries to a server.")

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
    @Option(help: "Serve /metrics and /ready on this address, HOST:PORT.")
    var metricsListen: String?
    @Option(help: "How much to log: debug, info, warning or error.")
    var logLevel: Logger.Level = .info
    @Argument(
        help: "Files to follow; patterns in quotes are followed as files come and go; - is stdin.")
    var files: [String] = []

    func run() async throws {
        // Before the first thread of ours: bodies of megabytes come and go.
        cmemory_settle()
        LoggingSystem.bootstrap { StreamLogHandler.standardError(label: $0) }
        var logger = Logger(label: "cordwood.agent")
        logger.logLevel = logLevel
        let agent: FileAgent
        let settings: AgentConfiguration
        do {
            settings = try configuration()
            agent = try FileAgent(settings, logger: logger)
        } catch {
            StandardError.say("agent: \(error)")
            throw ExitCode.error
        }
        // Behind the end of standard input there is nothing more to do.
        var services = [
            ServiceGroupConfiguration.ServiceConfiguration(
                service: agent, successTerminationBehavior: .gracefullyShutdownGroup)
        ]
        if let listen = settings.metricsListen {
            services.append(.init(service: try metricsServer(listen, agent, logger)))
        }
        let group = ServiceGroup(
            configuration: .init(
                services: services,
                gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
        do { try await group.run() } catch let error as IOError {
            StandardError.say("agent: \(ListenError(settings.metricsListen ?? "", error))")
            throw ExitCode.error
        }
    }

    private func configuration() throws -> AgentConfiguration {
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
        if let state { settings.state = state }
        if let tenant { settings.tenant = tenant }
        if let metricsListen { settings.metricsListen = metricsListen }
        for text in label {
            guard let equals = text.firstIndex(of: "="), equals > text.startIndex else {
                throw ValidationError("--label \(text): expected NAME=VALUE")
            }
            settings.labels[String(text[..<equals])] = String(text[text.index(after: equals)...])
        }
        if !files.isEmpty { settings.groups.append(SourceGroup(paths: files)) }
        if let host = settings.labels["host"] { settings.host = host }
        return settings
    }

    private func metricsServer(
        _ listen: String, _ agent: FileAgent, _ logger: Logger
    ) throws -> any Service {
        guard let colon = listen.lastIndex(of: ":"),
            let port = Int(listen[listen.index(after: colon)...])
        else { throw ValidationError("--metrics-listen \(listen): expected HOST:PORT") }
        let router = Router()
        router.get("/metrics") { _, _ in
            Response(
                status: .ok, headers: [.contentType: "text/plain; version=0.0.4"],
                body: .init(byteBuffer: .init(string: agent.currentMetrics.prometheusText)))
        }
        router.get("/ready") { _, _ in "ready\n" }
        var quiet = logger
        quiet.logLevel = .warning
        return Application(
            router: router,
            configuration: .init(address: .hostname(String(listen[..<colon]), port: port)),
            logger: quiet)
    }
}

extension Logger.Level: @retroactive ExpressibleByArgument {}
