import ArgumentParser

/// `cordwood agent`: follows log files and ships their entries, or tells how far it is.
struct AgentCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "agent", abstract: "Follow log files and ship their entries to a server.",
        discussion: """
            Either --config agent.yaml, or the simple case:
              cordwood agent --server http://HOST:3100 --label app=shop --state DIR 'logs/*.log'
            How far it is, and what it could not ship:
              cordwood agent status --state DIR
            `cordwood agent run --help` lists the options.
            """,
        subcommands: [AgentRunCommand.self, AgentStatusCommand.self],
        defaultSubcommand: AgentRunCommand.self)
}
