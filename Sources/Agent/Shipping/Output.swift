import Foundation
import Wire

/// Where entries go: one of possibly several, each with its own progress.
package struct Output: Sendable, Equatable {
    package enum Kind: String, Sendable, CaseIterable {
        /// Keeps positions with the lines: exactly once.
        case cordwood
        /// Any server that takes Loki's pushes: positions are kept here, at least once.
        case loki
        /// An object a line, at least once.
        case stdout
        case file

        var isServer: Bool { self == .cordwood || self == .loki }
    }
    package enum Format: String, Sendable, CaseIterable { case json, protobuf }

    package var name: String
    package var kind = Kind.cordwood
    /// `http://HOST:PORT` or `https://…`, without a slash at the end.
    package var server = ""
    /// Sent as `X-Scope-OrgID`.
    package var tenant: String?
    /// Of pushes to a Loki; where positions travel along, it is JSON.
    package var format = Format.json
    /// The file that is written.
    package var path = ""
    package var access = HTTPAccess()
    package var credentials: Credentials?
    /// Further headers of every request.
    package var headers: [String: String] = [:]

    package init(name: String) { self.name = name }

    /// What tells it in messages and in `status.json`; never a secret.
    package var place: String {
        switch kind {
        case .cordwood, .loki: server
        case .stdout: "standard output"
        case .file: path
        }
    }

    /// True when something is said of how a server is reached.
    var tellsOfServer: Bool {
        !server.isEmpty || tenant != nil || access != HTTPAccess() || credentials != nil
            || !headers.isEmpty
    }

    /// Throws when something is missing or cannot be. `key`: where it stands in agent.yaml.
    func validate(_ key: String) throws(AgentError) {
        switch kind {
        case .stdout: break
        case .file:
            guard path.hasPrefix("/") else {
                throw .configuration("\(key)path: \"\(path)\" is no absolute path of a file")
            }
        case .cordwood, .loki:
            if let fault = ServerAddress.fault(in: server) {
                throw .configuration("\(key)server: \"\(server)\": \(fault)")
            }
            guard access.tls == nil || server.lowercased().hasPrefix("https:") else {
                throw .configuration("\(key)tls: \(server) is no https:// address")
            }
            if let fault = tenant.flatMap(TenantID.fault) {
                throw .configuration("\(key)tenant: \(fault)")
            }
            do { try access.check() } catch { throw .configuration("\(key)\(error)") }
            if let credentials { _ = try credentials.header() }
        }
        guard format == .json || kind == .loki else {
            throw .configuration(
                "\(key)format: protobuf is for outputs of kind loki; \(kind.rawValue) has its own")
        }
    }
}

/// Who the agent is, for a server or what stands in front of it.
package enum Credentials: Sendable, Equatable {
    case basic(user: String, Secret)
    case bearer(Secret)

    /// The value of `Authorization`. A secret that stands in a file is read again each time: whoever
    /// changes it need not tell.
    func header() throws(AgentError) -> String {
        switch self {
        case .basic(let user, let password):
            let pair = Data("\(user):\(try password.value())".utf8)
            return "Basic " + pair.base64EncodedString()
        case .bearer(let token): return "Bearer " + (try token.value())
        }
    }

    package var secret: Secret {
        switch self {
        case .basic(_, let secret), .bearer(let secret): secret
        }
    }
}

/// A password or a token, or the file that it stands in.
package enum Secret: Sendable, Equatable {
    case text(String)
    case file(String)

    /// Longer than any token; a wrong path may lead to anything.
    private static let maxBytes = 64 * 1024

    /// Without white space around it, which editors leave at the end of a file.
    func value() throws(AgentError) -> String {
        switch self {
        case .text(let text): return text
        case .file(let path):
            let descriptor = open(path, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else { throw .system("reading the secret in", path) }
            defer { close(descriptor) }
            let bytes = FileContent.read(descriptor, at: 0, count: Self.maxBytes + 1)
            let text = String(decoding: bytes, as: UTF8.self)
                .trimmingCharacters(in: .whitespacesAndNewlines)
            guard bytes.count <= Self.maxBytes, !text.isEmpty,
                !text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7f })
            else { throw .configuration("\(path) holds no secret: expected one line of text") }
            return text
        }
    }
}
