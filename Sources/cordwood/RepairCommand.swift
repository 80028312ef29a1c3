import ArgumentParser
import Foundation
import Logging
import Storage

struct RepairCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "repair",
        abstract: "Rebuild the catalog of a data folder from its segments.",
        discussion: "Stop the server first. The old catalog is kept beside the new one.")

    @Option(help: "Folder of the data.")
    var data: String

    func run() async throws {
        do {
            let report = try Store.repair(folder: data, logger: ServeCommand.logger(.info))
            print(
                "\(report.segments) segments, \(report.rows) entries, \(report.streams) streams, "
                    + "\(report.positions) positions")
            for name in report.damaged { print("damaged and set aside: \(name)") }
            if !report.damaged.isEmpty { throw ExitCode.error }
        } catch let error as StorageError {
            StandardError.say("repair: \(error)")
            throw ExitCode.error
        }
    }
}
