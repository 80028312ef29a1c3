import ArgumentParser
import CMemory
import Foundation

/// The program: one subcommand a part it can play.
@main
struct Cordwood: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cordwood",
        abstract: "Collects the logs of scaled-out servers and answers questions about them.",
        version: version,
        subcommands: [
            ServeCommand.self, AgentCommand.self, QueryCommand.self, TailCommand.self,
            LabelsCommand.self, SeriesCommand.self, InspectCommand.self, RepairCommand.self,
        ])

    static let version = "0.1.0"

    /// Runs what the arguments say. Whatever goes wrong ends with `ExitCode.error`, wrong arguments
    /// too: the parser's own code for those (64) is none that the help tells.
    static func main() async {
        // The loader went through tables of all libraries, which nobody needs any more.
        cmemory_give_back()
        do {
            var command = try parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch let code as ExitCode {
            exit(withError: code)
        } catch {
            // Help and version come this way, too.
            guard !exitCode(for: error).isSuccess else { exit(withError: error) }
            let text = TerminalText.safe(fullMessage(for: error), keepingNewlines: true)
            FileHandle.standardError.write(Data("\(text)\n".utf8))
            exit(withError: ExitCode.error)
        }
    }
}

/// The exit codes of all commands; 0 is success.
extension ExitCode {
    /// All went well, and there was nothing to print.
    static let nothingFound = ExitCode(1)
    static let error = ExitCode(2)
}
