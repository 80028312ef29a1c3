import LogModel
import Logging
import Storage
import Synchronization

/// How one server runs: what `server.yaml` and the flags of `cordwood serve` say, with defaults.
package struct ServerConfiguration: Sendable {
    package var host = "127.0.0.1"
    /// 0 takes any free one.
    package var port = 3100
    /// What `port` has become, once the server listens; copies of the configuration share it.
    let takenPort = TakenPort()
    package var data = "./cordwood-data"
    /// True: a request without `X-Scope-OrgID` is refused. False: it belongs to tenant `fake`.
    package var authEnabled = false
    package var limits = Limits()
    /// Bytes of stored segments; 0 = no bound.
    package var maxDiskBytes = 0
    package var logLevel = Logger.Level.info
    /// Sizes and ages of `storage`, over the defaults of the store.
    package var level0AgeSeconds: Int?
    package var level2Bytes: Int?
    package var cacheBytes: Int?
    package var chunkCacheBytes: Int?
    /// Settings of the file that have no effect here, as `section.name` or `section`.
    package var ignoredNames: [String] = []

    package init() {}

    /// `host:port` as it is listened on, or as it will be.
    package var address: String {
        let host = host.contains(":") ? "[\(host)]" : host
        return "\(host):\(takenPort.value ?? port)"
    }

    /// Takes `host:port`, `[::1]:port` or `:port`.
    ///
    /// Errors: when there is no port in it.
    package mutating func listen(_ text: String) throws(ConfigurationError) {
        guard let colon = text.lastIndex(of: ":"),
            let port = UInt16(text[text.index(after: colon)...])
        else {
            throw ConfigurationError(
                "'\(text)' is no address to listen on: write HOST:PORT, such as 127.0.0.1:3100")
        }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        self.host = host.isEmpty ? "0.0.0.0" : String(host)
        self.port = Int(port)
    }

    package var storeOptions: StoreOptions {
        var options = StoreOptions(folder: data)
        options.limits = limits
        options.maxDiskBytes = maxDiskBytes
        if let level0AgeSeconds { options.level0AgeSeconds = level0AgeSeconds }
        if let level2Bytes { options.level2Bytes = level2Bytes }
        if let cacheBytes { options.directoryCacheBytes = cacheBytes }
        if let chunkCacheBytes { options.chunkCacheBytes = chunkCacheBytes }
        return options
    }
}

/// The port that the system gave.
final class TakenPort: Sendable {
    private let port = Mutex<Int?>(nil)

    var value: Int? { port.withLock { $0 } }

    func set(_ taken: Int) { port.withLock { $0 = taken } }
}
