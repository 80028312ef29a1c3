import Foundation
import Logback

/// Configurations in a folder of their own, read as `--logback FOLDER` reads them.
struct ConfigurationFolder {
    let path: String

    init(_ files: [String: String]) throws {
        path = NSTemporaryDirectory() + "cordwood-configuration-\(UUID().uuidString)"
        for (name, text) in files {
            let file = path + "/" + name
            try FileManager.default.createDirectory(
                atPath: (file as NSString).deletingLastPathComponent,
                withIntermediateDirectories: true)
            try Data(text.utf8).write(to: URL(fileURLWithPath: file))
        }
    }

    func remove() { try? FileManager.default.removeItem(atPath: path) }

    func read(_ change: (inout Application) -> Void = { _ in }) throws -> LogbackConfiguration {
        var application = try Application.at(path)
        change(&application)
        return try ConfigurationReader.read(application)
    }
}
