import ArgumentParser
import CMemory
import Foundation
import Logging
import Server
import Storage

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Take logs in, keep them, answer questions about them.")

    @Option(help: "Settings (server.yaml). Flags win over it.")
    var config: String?

    @Option(help: "Folder of the data. Default: ./cordwood-data")
    var data: String?

    @Option(help: "HOST:PORT to listen on; port 0 takes any. Default: 127.0.0.1:3100")
    var listen: String?

    func run() async throws {
        Memory.settle()
        do {
            let settings = try configuration()
            let node = ServerNode(configuration: settings, logger: Self.logger(settings.logLevel))
            try await node.run { address in
                print("cordwood listening on \(address)")
                fflush(nil)
            }
        } catch let error as ExitCode {
            throw error
        } catch {
            StandardError.say("serve: \(error)")
            throw ExitCode.error
        }
    }

    private func configuration() throws -> ServerConfiguration {
        var settings = ServerConfiguration()
        if let config { settings = try ConfigurationFile.read(config) }
        if let data { settings.data = data }
        if let listen { try settings.listen(listen) }
        return settings
    }

    static func logger(_ level: Logger.Level) -> Logger {
        var logger = Logger(label: "cordwood") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = level
        return logger
    }
}

/// How the allocator behaves in a server of many threads and large, short-lived buffers.
private enum Memory {
    /// Bodies of pushes, frames and chunks are unpacked all the time. Had from the kernel anew each time, its
    /// clearing their pages took half of a search through text and a seventh of what ingest costs.
    private static let largestInHeap = 32 << 20
    private static let keptFree = 64 << 20

    static func settle() {
        cmemory_settle(largestInHeap, keptFree)
        // Segments and connections both need descriptors.
        var limit = rlimit()
        if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
            limit.rlim_cur = min(limit.rlim_max, 65_536)
            setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        }
    }
}
