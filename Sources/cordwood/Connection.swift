import ArgumentParser
import Foundation
import Wire

/// The options of every command that asks a server, and the asking.
struct Connection: ParsableArguments {
    @Option(help: "The server. Default: $CORDWOOD_ADDR, else http://127.0.0.1:3100.")
    var server: String?
    @Option(help: "The tenant, sent as X-Scope-OrgID.")
    var orgID: String?

    var base: String {
        var base =
            server ?? ProcessInfo.processInfo.environment["CORDWOOD_ADDR"]
            ?? "http://127.0.0.1:3100"
        while base.hasSuffix("/") { base.removeLast() }
        return base
    }

    /// Asks and returns the `data` of the answer; ends the program with 2 when there is none.
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
            throw Failure(
                "cannot reach \(base): \(error.reason). Is the server running? --server names another"
            )
        }
        guard answer.status == 200 else {
            throw Failure("\(base) answered \(answer.status): \(answer.text)")
        }
        guard
            let document = try? JSONSerialization.jsonObject(with: Data(answer.body))
                as? [String: Any]
        else { throw Failure("\(base)\(path) answered something else than JSON") }
        return document["data"]
    }
}

/// What ends a command with exit code 2.
struct Failure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

extension AsyncParsableCommand {
    /// Runs the body; failures go to stderr, without control characters, and end with 2.
    func reporting(_ body: () async throws -> Void) async throws {
        do { try await body() } catch let code as ExitCode { throw code } catch {
            let text = TerminalText.safe("\(error)", keepingNewlines: true)
            FileHandle.standardError.write(Data("cordwood: \(text)\n".utf8))
            throw ExitCode(2)
        }
    }
}
