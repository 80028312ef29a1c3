import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix

/// Why a request got no answer. An answer with an error status is an answer.
package struct TransportError: Error, Sendable, CustomStringConvertible {
    package enum Cause: Sendable {
        /// The address is none that can be asked, now or later.
        case address
        /// Nobody listens there, or the way there is closed.
        case noConnection
        /// It was reached and did not answer in time.
        case time
        /// It was reached and went away.
        case noAnswer
        /// It answered what may not be taken.
        case answer
    }

    package let cause: Cause
    package let url: String
    package let reason: String

    package var description: String { "\(url): \(reason)" }
}

/// The HTTP client of the agent and the command line: bounded in time, in connections and in the
/// size of an answer. Owned by whoever made it, who calls `close`.
package struct HTTPSession: Sendable {
    package struct Answer: Sendable {
        package let status: Int
        package let headers: [(name: String, value: String)]
        package let body: [UInt8]

        /// The first value under a name, whose case does not matter.
        package func header(_ name: String) -> String? {
            headers.first { $0.name.lowercased() == name.lowercased() }?.value
        }

        package var text: String { String(decoding: body, as: UTF8.self) }
    }

    private let client: HTTPClient
    private let connectSeconds: Int64
    private let requestSeconds: Int64
    private let maxAnswerBytes: Int
    private let access: HTTPAccess
    /// The host behind the name of the server's certificate, when it is another.
    private let override: String?

    package init(
        connectSeconds: Int64 = 10, requestSeconds: Int64 = 60,
        maxAnswerBytes: Int = 256 * 1024 * 1024, connections: Int = 8
    ) {
        self.init(
            HTTPClient.Configuration(redirectConfiguration: .disallow), HTTPAccess(), nil,
            connectSeconds: connectSeconds, requestSeconds: requestSeconds,
            maxAnswerBytes: maxAnswerBytes, connections: connections)
    }

    /// Reaches one server, by its own way. Throws when a file of the access cannot be used.
    package init(
        _ access: HTTPAccess, server: String, requestSeconds: Int64 = 60,
        maxAnswerBytes: Int = 16 * 1024 * 1024
    ) throws(AccessError) {
        var configuration = try access.configuration()
        var override: String?
        if let name = access.tls?.serverName, let host = URL(string: server)?.host, host != name {
            // The client believes who has the name that it asked for: it asks for this one, at the
            // other's address.
            configuration.dnsOverride = [name: host]
            override = host
        }
        self.init(
            configuration, access, override, connectSeconds: 10, requestSeconds: requestSeconds,
            maxAnswerBytes: maxAnswerBytes, connections: 2)
    }

    private init(
        _ given: HTTPClient.Configuration, _ access: HTTPAccess, _ override: String?,
        connectSeconds: Int64, requestSeconds: Int64, maxAnswerBytes: Int, connections: Int
    ) {
        self.access = access
        self.override = override
        var configuration = given
        configuration.timeout = .init(
            connect: .seconds(connectSeconds), read: .seconds(requestSeconds))
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = connections
        configuration.httpVersion = .http1Only
        // Who asks knows better whether and when to ask again, and a person wants to know at once.
        configuration.connectionPool.retryConnectionEstablishment = false
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        self.connectSeconds = connectSeconds
        self.requestSeconds = requestSeconds
        self.maxAnswerBytes = maxAnswerBytes
    }

    package func get(
        _ url: String, headers: [(String, String)] = []
    ) async throws(TransportError) -> Answer {
        var request = HTTPClientRequest(url: url)
        request.headers = HTTPHeaders(headers)
        return try await send(request)
    }

    package func post(
        _ url: String, body: [UInt8], headers: [(String, String)] = []
    ) async throws(TransportError) -> Answer {
        var request = HTTPClientRequest(url: url)
        request.method = .POST
        request.headers = HTTPHeaders(headers)
        request.body = .bytes(body)
        return try await send(request)
    }

    private func send(_ request: HTTPClientRequest) async throws(TransportError) -> Answer {
        do {
            let response = try await client.execute(request, timeout: .seconds(requestSeconds))
            let body = try await response.body.collect(upTo: maxAnswerBytes)
            let answer = Answer(
                status: Int(response.status.code),
                headers: response.headers.map { (name: $0.name, value: $0.value) },
                body: Array(body.readableBytesView))
            if TLSFailure.isAnswerToPlain(status: answer.status, body: answer.text) {
                // Not an answer to what was asked: nothing must be given up for it.
                throw PlainOnTLS()
            }
            return answer
        } catch is CancellationError {
            throw TransportError(cause: .noAnswer, url: request.url, reason: "cancelled")
        } catch is NIOTooManyBytesError {
            throw TransportError(
                cause: .answer, url: request.url,
                reason: "the answer is larger than \(maxAnswerBytes) bytes")
        } catch {
            let (cause, reason) = await explain(error, of: request.url)
            let way = cause == .noConnection ? way : ""
            throw TransportError(cause: cause, url: request.url, reason: reason + way)
        }
    }

    private struct PlainOnTLS: Error {}

    /// What the address does not tell of how the server is reached.
    private var way: String {
        let parts = [override.map { "at \($0)" }, access.proxyName.map { "by the proxy \($0)" }]
        let told = parts.compactMap { $0 }
        return told.isEmpty ? "" : " (\(told.joined(separator: ", ")))"
    }

    /// What went wrong in a person's words.
    private func explain(
        _ error: any Error, of url: String
    ) async -> (TransportError.Cause, String) {
        let tls = TLSFailure(url: url, access: access, override: override)
        if let reason = await tls?.sentence(error) { return (.noConnection, reason) }
        let isNoHTTP =
            error is PlainOnTLS || error is HTTPParserError
            || (error as? HTTPClientError) == .remoteConnectionClosed
        if isNoHTTP, let reason = await tls?.sentenceOfPlain() { return (.noConnection, reason) }
        if error is HTTPParserError { return (.noAnswer, "what answers there is no HTTP") }
        if let error = error as? NIOConnectionError { return (.noConnection, Self.sentence(error)) }
        if let error = error as? IOError {
            let isLost = error.errnoCode == ECONNRESET || error.errnoCode == EPIPE
            return (isLost ? .noAnswer : .noConnection, Self.sentence(error))
        }
        guard let error = error as? HTTPClientError else { return (.noAnswer, "\(error)") }
        switch error {
        case .connectTimeout: return (.noConnection, "no connection in \(connectSeconds) s")
        case .deadlineExceeded, .readTimeout: return (.time, "no answer in \(requestSeconds) s")
        case .remoteConnectionClosed: return (.noAnswer, "the connection was closed")
        case .invalidURL, .emptyHost, .emptyScheme:
            return (.address, "not an http:// or https:// address")
        default: return (.noAnswer, error.description)
        }
    }

    private static func sentence(_ error: NIOConnectionError) -> String {
        // A name may stand for several addresses, each with its own failure.
        var causes: [String] = []
        for failure in error.connectionErrors.map({ sentence($0.error) })
        where !causes.contains(failure) {
            causes.append(failure)
        }
        if !causes.isEmpty { return causes.joined(separator: "; ") }
        return error.dnsAError == nil && error.dnsAAAAError == nil
            ? "cannot connect" : "the name \(error.host) is not known"
    }

    private static func sentence(_ error: any Error) -> String {
        guard let error = error as? IOError else { return "\(error)" }
        return String(cString: strerror(error.errnoCode)).lowercased()
    }

    /// Closes idle connections; no call may follow.
    package func close() async {
        // A pool that is closed already has nothing left to close.
        try? await client.shutdown()
    }
}
