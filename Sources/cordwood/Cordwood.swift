import ArgumentParser

/// The program: one subcommand a part it can play.
@main
struct Cordwood: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cordwood",
        abstract: "Collects the logs of scaled-out servers and answers questions about them.",
        version: version,
        subcommands: [
            ServeCommand.self, AgentCommand.self, QueryCommand.self, TailCommand.self,
            LabelsCommand.self, SeriesCommand.self, RepairCommand.self,
        ])

    static let version = "0.1.0"
}
