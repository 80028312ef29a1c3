import LogModel
import Logging
import Storage

/// How one server runs: what `server.yaml` and the flags of `cordwood serve` say, with defaults.
package struct ServerConfiguration: Sendable {
    package var host = "127.0.0.1"
    /// 0 takes any free one.
    package var port = 3100
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
    /// Names in `limits_config` that have no effect here.
    package var ignoredNames: [String] = []

    package init() {}

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
        return options
    }
}
