import Agent
import ArgumentParser
import CMemory
import Foundation
import Hummingbird
import Logback
import Logging
import NIOCore
import Server
import ServiceLifecycle

/// `cordwood agent run`, or `cordwood agent` alone.
struct AgentRunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Follow the files and ship their entries (the default).")

    @OptionGroup var options: AgentOptions
    @Option(help: "Serve /metrics and /ready on this address, HOST:PORT.")
    var metricsListen: String?
    @Option(help: "How much to log: debug, info, warning or error.")
    var logLevel: Logger.Level = .info

    func run() async throws {
        // Before the first thread of ours: bodies of megabytes come and go.
        cmemory_settle(1 << 20, 8 << 20)
        // Reading the arguments took half of what it ever needs of code.
        cmemory_give_back()
        // Before anybody listens for it, the signal would end the process.
        signal(SIGHUP, SIG_IGN)
        LoggingSystem.bootstrap { StreamLogHandler.standardError(label: $0) }
        var logger = Logger(label: "cordwood.agent")
        logger.logLevel = logLevel
        let agent: AgentSet
        let settings: AgentConfiguration
        let applications: [LogbackConfiguration]
        do {
            applications = try options.applications()
            for application in applications {
                for appender in application.appenders {
                    let globs = appender.globs.joined(separator: " and ")
                    logger.info("\(application.source): \(appender.name) writes \(globs)")
                    guard globs.contains(Variables.undefinedMark) else { continue }
                    logger.warning(
                        "\(globs) is named by a variable that nothing defines here: give it to this command's environment, or name the application by --pid"
                    )
                }
            }
            var chosen = try options.settings(applications)
            if let metricsListen { chosen.metricsListen = metricsListen }
            settings = chosen
            cmemory_give_back()
            agent = try AgentSet(settings, logger: logger)
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
        let reloading = Reloading(
            options: options, applications: applications, listen: settings.metricsListen,
            agent: agent, logger: logger)
        reloading.begin()
        defer { reloading.end() }
        let group = ServiceGroup(
            configuration: .init(
                services: services,
                gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
        do { try await group.run() } catch let error as IOError {
            StandardError.say("agent: \(ListenError(settings.metricsListen ?? "", error))")
            throw ExitCode.error
        }
    }

    private func metricsServer(
        _ listen: String, _ agent: AgentSet, _ logger: Logger
    ) throws -> any Service {
        guard let colon = listen.lastIndex(of: ":"),
            let port = Int(listen[listen.index(after: colon)...])
        else { throw ValidationError("--metrics-listen \(listen): expected HOST:PORT") }
        let router = Router()
        router.get("/metrics") { _, _ in
            Response(
                status: .ok, headers: [.contentType: "text/plain; version=0.0.4"],
                body: .init(byteBuffer: .init(string: agent.prometheusText)))
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
