import Agent
import ArgumentParser
import Logback

/// `cordwood agent explain`: what the agent would do, and why. Nothing is shipped or remembered.
struct AgentExplainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Show what is followed and how it is read, and ship nothing.",
        discussion: """
            Prints every value that was derived and where it comes from, lines of the real files as \
            they are read, what may go wrong, and the agent.yaml that says the same. Exit codes: 0, \
            or 2 when something cannot be read.
            """)

    @OptionGroup var options: AgentOptions
    @Option(help: "Entries to show of each file.")
    var lines = 10

    func run() async throws {
        try await reporting {
            guard (0...1000).contains(lines) else {
                throw Failure("--lines \(lines): a number from 0 to 1000")
            }
            let applications = try options.applications()
            var text = ""
            var owners: [String: String] = [:]
            for application in applications {
                text += try AgentExplanation(application, lines: lines).text(owners: &owners)
            }
            var groups: [SourceGroup] = []
            if let config = options.config { groups = try AgentConfiguration.read(config).groups }
            if !options.files.isEmpty { groups.append(SourceGroup(paths: options.files)) }
            for group in groups { text += AgentExplanation.text(group, lines: lines) }
            if applications.isEmpty, groups.isEmpty {
                throw Failure("nothing to explain: name --logback, --pid, --config or files")
            }
            if options.config == nil {
                text += "\nagent.yaml that says the same\n\n"
                text += try AgentYAML.text(applications, options: options)
            }
            EntryPrinter.write(Array(TerminalText.safe(text, keepingNewlines: true).utf8))
        }
    }
}
