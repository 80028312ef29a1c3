import Foundation

/// What the commands tell beside their answers.
enum StandardError {
    /// A sentence for the person at the terminal, without control characters.
    static func say(_ text: String) {
        let safe = TerminalText.safe(text, keepingNewlines: true)
        FileHandle.standardError.write(Data("cordwood: \(safe)\n".utf8))
    }
}
