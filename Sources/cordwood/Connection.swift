import ArgumentParser
import Foundation
import LogModel
import LogQL
import Wire

/// The options of every command that asks a server, and the asking.
struct Connection: ParsableArguments {
    @Option(help: "The server. Default: $CORDWOOD_ADDR, else http://127.0.0.1:3100.")
    var server: String?
    @Option(help: "The tenant, sent as X-Scope-OrgID.")
    var orgID: String?
    /// Servers end a query that takes too long themselves, after a minute by default; only one that
    /// hangs should be given up here.
    @Option(help: "How long to wait for an answer, such as 30s.")
    var timeout = "5m"

    var base: String {
        var base =
            server ?? ProcessInfo.processInfo.environment["CORDWOOD_ADDR"]
            ?? "http://127.0.0.1:3100"
        while base.hasSuffix("/") { base.removeLast() }
        return base
    }

    /// Lends a session to the body and closes it after that.
    func withSession<Result>(
        _ body: (HTTPSession) async throws -> Result
    ) async throws -> Result {
        guard let span = DurationText.parse(timeout), span > 0 else {
            throw Failure("--timeout \(timeout): expected a duration such as 30s or 5m")
        }
        if let fault = ServerAddress.fault(in: base) { throw Failure("--server \(base): \(fault)") }
        let session = HTTPSession(requestSeconds: (span - 1) / Nanoseconds.second + 1)
        do {
            let result = try await body(session)
            await session.close()
            return result
        } catch {
            await session.close()
            throw error
        }
    }

    /// Asks and returns the `data` of the answer.
    ///
    /// Errors: a `Failure` when there is no answer, or one that is no success.
    func ask(
        _ session: HTTPSession, _ path: String, _ parameters: [(String, String)]
    ) async throws -> Any? {
        var form = URLComponents()
        form.queryItems = parameters.map { URLQueryItem(name: $0.0, value: $0.1) }
        let encoded = (form.percentEncodedQuery ?? "").replacing("+", with: "%2B")
        var headers = [("Content-Type", "application/x-www-form-urlencoded")]
        if let orgID { headers.append(("X-Scope-OrgID", orgID)) }
        let answer: HTTPSession.Answer
        do {
            answer = try await session.post(
                base + path, body: Array(encoded.utf8), headers: headers)
        } catch {
            throw failure(error)
        }
        guard answer.status == 200 else {
            throw Failure(
                "\(base) answered \(answer.status): \(answer.text)", status: answer.status)
        }
        guard
            let document = try? JSONSerialization.jsonObject(with: Data(answer.body))
                as? [String: Any]
        else { throw Failure("\(base)\(path) answered something else than JSON") }
        return document["data"]
    }

    private func failure(_ error: TransportError) -> Failure {
        switch error.cause {
        case .noConnection:
            Failure(
                "cannot reach \(base): \(error.reason); is the server running? "
                    + "--server names another", isUnreachable: true)
        case .time:
            Failure("\(base): \(error.reason); --timeout waits longer", isUnreachable: true)
        case .noAnswer: Failure("\(base): \(error.reason)", isUnreachable: true)
        case .address: Failure("--server \(base): \(error.reason)")
        case .answer: Failure("\(base): \(error.reason)")
        }
    }
}

/// What ends a command with `ExitCode.error`.
struct Failure: Error, CustomStringConvertible {
    let description: String
    /// The status of the answer, when a server refused.
    let status: Int?
    /// True when asking again later may help: nothing answered, or something in between was busy.
    var mayPass: Bool { isUnreachable || status.map { $0 >= 500 || $0 == 429 } ?? false }
    private let isUnreachable: Bool

    init(_ description: String, status: Int? = nil, isUnreachable: Bool = false) {
        self.description = description
        self.isUnreachable = isUnreachable
        self.status = status
    }
}

extension AsyncParsableCommand {
    /// Runs the body; failures go to stderr and end with `ExitCode.error`.
    func reporting(_ body: () async throws -> Void) async throws {
        do { try await body() } catch let code as ExitCode { throw code } catch {
            StandardError.say("\(error)")
            throw ExitCode.error
        }
    }
}
