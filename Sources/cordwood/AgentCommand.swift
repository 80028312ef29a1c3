import ArgumentParser

/// `cordwood agent`: follows log files and ships their entries, explains how it would, or tells how far
/// it is.
struct AgentCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "agent", abstract: "Follow log files and ship their entries to a server.",
        discussion: """
            The application's own logging configuration tells everything:
              cordwood agent --server http://HOST:3100 --state DIR --logback app.jar
              cordwood agent --server http://HOST:3100 --state DIR --pid 4242
            Or name the files:
              cordwood agent --server http://HOST:3100 --label app=shop --state DIR 'logs/*.log'
            Or write all of it down:
              cordwood agent --config agent.yaml
            `cordwood agent check` tells what is wrong with that file; a running agent reads it again \
            on SIGHUP.
            `cordwood agent run --help` lists the options; `cordwood agent explain` takes the same, \
            prints every value and where it comes from, and ships nothing. How far a running agent is, \
            and what it could not ship:
              cordwood agent status --state DIR
            """,
        subcommands: [
            AgentRunCommand.self, AgentExplainCommand.self, AgentStatusCommand.self,
            AgentCheckCommand.self,
        ],
        defaultSubcommand: AgentRunCommand.self)
}
