import AsyncHTTPClient
import Foundation
import NIOSSL

/// Why a connection cannot be prepared: a certificate that cannot be read, a proxy that is none.
package struct AccessError: Error, Sendable, CustomStringConvertible {
    package let description: String
}

/// How a server is reached: through which proxy, and whom of TLS's partners is believed.
package struct HTTPAccess: Sendable, Equatable {
    package struct TLS: Sendable, Equatable {
        /// PEM files: authorities that are believed instead of the system's; the client's own
        /// certificate with what leads to it; its key.
        package var caFile: String?
        package var certificateFile: String?
        package var keyFile: String?
        /// The name that the server's certificate must have, when it is not that of the address.
        package var serverName: String?
        /// Anybody may be the server then.
        package var skipsVerification = false

        package init() {}
    }

    package var tls: TLS?
    /// `http://[USER:PASSWORD@]HOST:PORT`, which must allow CONNECT to the server's port, or
    /// `socks5://HOST:PORT`.
    package var proxy: String?

    package init() {}

    /// Host and port of the proxy, without the password that may stand in front of them.
    var proxyName: String? {
        proxy.flatMap { ProxyAddress($0) }.map { "\($0.host):\($0.port)" }
    }

    /// Throws what a session would fail for: files that are missing or are none of their kind.
    package func check() throws(AccessError) { _ = try configuration() }

    /// The address to ask for: that of the server, under the name that its certificate has.
    package func address(of server: String) -> String {
        guard let name = tls?.serverName, var parts = URLComponents(string: server) else {
            return server
        }
        parts.host = name
        return parts.string ?? server
    }

    func configuration() throws(AccessError) -> HTTPClient.Configuration {
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
        if let tls { configuration.tlsConfiguration = try Self.context(tls) }
        if let proxy { configuration.proxy = try Self.proxy(proxy) }
        return configuration
    }

    private static func context(_ tls: TLS) throws(AccessError) -> TLSConfiguration {
        var context = TLSConfiguration.makeClientConfiguration()
        if let path = tls.caFile {
            let found = try read(path) { try NIOSSLCertificate.fromPEMFile(path) }
            guard !found.isEmpty else {
                throw AccessError(description: "\(path): there is no certificate in it")
            }
            context.trustRoots = .certificates(found)
        }
        switch (tls.certificateFile, tls.keyFile) {
        case (nil, nil): break
        case (let certificate?, let key?):
            context.certificateChain = try read(certificate) {
                try NIOSSLCertificate.fromPEMFile(certificate).map { .certificate($0) }
            }
            let parsed = try read(key) { try NIOSSLPrivateKey(file: key, format: .pem) }
            context.privateKey = .privateKey(parsed)
            // The client says so only when it connects; a mistake is to be found before.
            let probe = context
            _ = try read(key) { try NIOSSLContext(configuration: probe) }
        default: throw AccessError(description: "cert_file and key_file belong together")
        }
        if tls.skipsVerification { context.certificateVerification = .none }
        return context
    }

    private static func read<T>(
        _ path: String, _ body: () throws -> T
    ) throws(AccessError) -> T {
        // What the library says of these is no more than that it failed.
        guard access(path, R_OK) == 0 else {
            throw AccessError(
                description: "\(path) cannot be read: \(String(cString: strerror(errno)))")
        }
        do { return try body() } catch {
            throw AccessError(description: "\(path) cannot be used: \(error)")
        }
    }

    private static func proxy(
        _ text: String
    ) throws(AccessError) -> HTTPClient.Configuration.Proxy {
        guard let address = ProxyAddress(text) else {
            throw AccessError(
                description: "\"\(text)\" is no http://HOST:PORT or socks5://HOST:PORT")
        }
        if address.isSOCKS { return .socksServer(host: address.host, port: address.port) }
        guard let user = address.user else {
            return .server(host: address.host, port: address.port)
        }
        return .server(
            host: address.host, port: address.port,
            authorization: .basic(username: user, password: address.password ?? ""))
    }
}

/// The address of a proxy, taken apart.
private struct ProxyAddress {
    var isSOCKS: Bool
    var host: String
    var port: Int
    var user: String?
    var password: String?

    init?(_ text: String) {
        let kinds = [("http://", false, 3128), ("socks5://", true, 1080)]
        guard let kind = kinds.first(where: { text.hasPrefix($0.0) }) else { return nil }
        isSOCKS = kind.1
        var rest = text.dropFirst(kind.0.count)
        if rest.hasSuffix("/") { rest.removeLast() }
        if let at = rest.lastIndex(of: "@") {
            let parts = rest[..<at].split(separator: ":", maxSplits: 1)
            user = parts.first.map { $0.removingPercentEncoding ?? String($0) }
            password = parts.count > 1 ? parts[1].removingPercentEncoding ?? String(parts[1]) : nil
            rest = rest[rest.index(after: at)...]
        }
        let parts = rest.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count <= 2, let name = parts.first, !name.isEmpty else { return nil }
        host = String(name)
        port = kind.2
        if parts.count == 2 {
            guard let number = Int(parts[1]), (1...65_535).contains(number) else { return nil }
            port = number
        }
    }
}
