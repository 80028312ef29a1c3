/// A request that cannot be taken: the HTTP status and Loki's text for it.
package struct WireError: Error, Equatable, Sendable {
    package let status: Int
    package let message: String

    package init(status: Int, message: String) {
        self.status = status
        self.message = message
    }

    package static func badRequest(_ message: String) -> WireError {
        WireError(status: 400, message: message)
    }
}
