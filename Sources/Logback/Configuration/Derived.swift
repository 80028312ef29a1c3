/// A value that was found out, and where it comes from, in words: `logback.xml:12`, `the environment
/// variable LOG_HOME`, `the default of Logback`.
package struct Derived<Value: Sendable>: Sendable {
    package var value: Value
    package var origin: String

    package init(_ value: Value, _ origin: String) {
        self.value = value
        self.origin = origin
    }

    package func map<T>(_ body: (Value) -> T) -> Derived<T> { Derived<T>(body(value), origin) }
}

/// Why a configuration cannot be read. Texts name the file and what to do.
package enum LogbackError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The file cannot be read, or is none of those that are understood.
    case unreadable(path: String, reason: String)
    /// A place in a file that says something impossible.
    case invalid(place: String, reason: String)
    /// There is a configuration, and no file that it writes.
    case noFiles(String)

    package var description: String {
        switch self {
        case .unreadable(let path, let reason): "\(path): \(reason)"
        case .invalid(let place, let reason): "\(place): \(reason)"
        case .noFiles(let text): text
        }
    }
}

/// Bounds of what a configuration may ask for. It is a file of the application, and no friend.
enum ConfigurationLimits {
    /// Text of one configuration file, in bytes: the largest seen have some 100 KiB.
    static let fileBytes = 4 << 20
    /// Elements of one file, and how deep they stand.
    static let elements = 20_000
    static let depth = 64
    /// Files that include each other.
    static let includeDepth = 16
    /// Appenders that a configuration defines.
    static let appenders = 1000
    /// A value with its variables put in, in bytes; and the variables that it may take.
    static let valueBytes = 64 * 1024
    static let lookups = 10_000
    static let substitutionDepth = 32
    /// Keys of an application's settings.
    static let settings = 20_000
    /// An archive within an archive, and all of them together, in bytes: they are held in memory.
    static let nestedArchiveBytes = 64 << 20
    static let nestedArchives = 1000
}
