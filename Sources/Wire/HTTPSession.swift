import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import NIOPosix

/// Why a request got no answer. An answer with an error status is an answer.
package struct TransportError: Error, Sendable, CustomStringConvertible {
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
    private let requestSeconds: Int64
    private let maxAnswerBytes: Int

    package init(
        connectSeconds: Int64 = 10, requestSeconds: Int64 = 60,
        maxAnswerBytes: Int = 256 * 1024 * 1024, connections: Int = 8
    ) {
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow,
            timeout: .init(connect: .seconds(connectSeconds), read: .seconds(requestSeconds)))
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = connections
        configuration.httpVersion = .http1Only
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
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
            return Answer(
                status: Int(response.status.code),
                headers: response.headers.map { (name: $0.name, value: $0.value) },
                body: Array(body.readableBytesView))
        } catch is CancellationError {
            throw TransportError(url: request.url, reason: "cancelled")
        } catch is NIOTooManyBytesError {
            throw TransportError(
                url: request.url, reason: "the answer is larger than \(maxAnswerBytes) bytes")
        } catch {
            throw TransportError(url: request.url, reason: Self.sentence(error))
        }
    }

    /// What went wrong in a person's words.
    private static func sentence(_ error: any Error) -> String {
        if let error = error as? NIOConnectionError {
            let causes = error.connectionErrors.map { "\($0.error)" }
            return causes.isEmpty ? "cannot connect" : causes.joined(separator: "; ")
        }
        guard let error = error as? HTTPClientError else { return "\(error)" }
        switch error {
        case .connectTimeout: return "no connection in time"
        case .deadlineExceeded, .readTimeout: return "no answer in time"
        case .remoteConnectionClosed: return "the server closed the connection"
        case .invalidURL, .emptyHost, .emptyScheme: return "not an http:// or https:// address"
        default: return error.description
        }
    }

    /// Closes idle connections; no call may follow.
    package func close() async {
        // A pool that is closed already has nothing left to close.
        try? await client.shutdown()
    }
}
