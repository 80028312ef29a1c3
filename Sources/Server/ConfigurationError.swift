/// A setting that cannot be taken, with the line of the file where it stands.
package struct ConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
    package let file: String?
    package let line: Int?
    package let message: String

    init(_ message: String, file: String? = nil, line: Int? = nil) {
        self.message = message
        self.file = file
        self.line = line
    }

    package var description: String {
        switch (file, line) {
        case (let file?, let line?): "\(file), line \(line): \(message)"
        case (let file?, nil): "\(file): \(message)"
        default: message
        }
    }
}
