import Agent
import ArgumentParser
import Foundation

/// `cordwood agent check`: what is wrong with a configuration, and what is likely to be.
struct AgentCheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Check a configuration; ship nothing.",
        discussion: """
            Prints ok, or each fault with its line, and warnings. The exit code is 0 when an agent would \
            start, else 2.
            """)

    @OptionGroup var options: AgentOptions

    /// Where the service's unit has it.
    private static let usualConfig = "/etc/cordwood/agent.yaml"

    func run() async throws {
        var options = options
        if options.config == nil, options.server == nil { options.config = Self.usualConfig }
        let settings: AgentConfiguration
        do {
            settings = try options.settings(try options.applications())
            try settings.validate()
        } catch {
            StandardError.say("\(error)")
            throw ExitCode(2)
        }
        for warning in ConfigurationCheck.warnings(settings, config: options.config) {
            print("warning: \(TerminalText.safe(warning))")
        }
        print("\(options.config ?? "configuration"): ok")
    }
}
