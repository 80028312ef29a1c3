import Foundation

/// What stops an agent, or one of its files.
package enum AgentError: Error, Sendable, CustomStringConvertible {
    case configuration(String)
    case state(String)

    package var description: String {
        switch self {
        case .configuration(let text), .state(let text): text
        }
    }

    static func system(_ operation: String, _ path: String) -> AgentError {
        .state("\(operation) \(path): \(String(cString: strerror(errno)))")
    }
}
