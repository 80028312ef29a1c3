import Logging
import Synchronization

/// Keeps what is logged.
final class ToldLog: LogHandler {
    private let kept = Mutex<[String]>([])

    /// How often a message was logged of a file.
    func count(_ message: String, of path: String) -> Int {
        kept.withLock { $0.count { $0 == "\(message) \(path)" } }
    }

    /// Whether a message with such words was logged.
    func has(_ words: String) -> Bool { kept.withLock { $0.contains { $0.contains(words) } } }

    func log(event: LogEvent) {
        let path = event.metadata?["path"].map { "\($0)" } ?? ""
        kept.withLock { $0.append("\(event.message) \(path)") }
    }

    var logLevel: Logger.Level {
        get { .debug }
        set {}
    }
    var metadata: Logger.Metadata {
        get { [:] }
        set {}
    }
    subscript(metadataKey _: String) -> Logger.Metadata.Value? {
        get { nil }
        set {}
    }
}
