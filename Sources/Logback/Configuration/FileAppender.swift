/// One appender that writes files, as the configuration describes it: every value with its origin.
package struct FileAppender: Sendable {
    package enum Policy: Sendable, Equatable {
        case none, time, sizeAndTime, fixedWindow
        /// A class that is not Logback's.
        case other(String)

        package var text: String {
            switch self {
            case .none: "none: one file for ever"
            case .time: "by time"
            case .sizeAndTime: "by size and time"
            case .fixedWindow: "fixed window: names are shifted, .1 is the newest"
            case .other(let name): "\(name), a class that is not known"
            }
        }
    }

    package enum Format: Sendable {
        case pattern(String)
        /// `stamps`: the pattern of the time, when it is not the encoder's own.
        case json(JSONLayout, stamps: String?)
        /// A class that is not known: lines are read by the automatic rule.
        case unknown(String)
    }

    package var name: String
    /// Where it is defined.
    package var place: String
    /// The active file, absolute, `*` where only the application knows; nil when rolled names serve.
    package var file: Derived<String>?
    package var rolledNames: Derived<FileNamePattern>?
    package var policy = Derived(Policy.none, "no rolling policy")
    package var maxFileSize: Derived<String>?
    /// In periods, or in files for a fixed window; 0: nothing is deleted.
    package var maxHistory: Derived<Int>?
    package var totalSizeCap: Derived<String>?
    package var cleanHistoryOnStart: Derived<Bool>?
    package var isPrudent: Derived<Bool>?
    package var immediateFlush: Derived<Bool>?
    /// False: the file is emptied when the application starts. Logback heeds it where nothing is rolled.
    package var appends: Derived<Bool>?
    package var charset: Derived<String>?
    package var format: Derived<Format>
    package var zone: Derived<String>?
    package var writesHeader = false
    package var conversionRules: Set<String> = []
    package var dialect = CompiledLayout.Dialect.current
    /// What a person should know about it.
    package var remarks: [String] = []

    /// Paths to follow: the active file and what it is rolled to.
    package var globs: [String] { activeGlobs + rolledGlobs }

    /// Paths of what is written to.
    package var activeGlobs: [String] {
        (file?.value ?? rolledNames?.value.glob).map { [$0] } ?? []
    }

    /// Paths of rolled files, where they have names of their own.
    package var rolledGlobs: [String] {
        guard let rolled = rolledNames?.value.glob, !activeGlobs.contains(rolled) else { return [] }
        return [rolled]
    }

    /// The rule that reads its lines.
    package func layout() throws(PatternError) -> LayoutRule {
        switch format.value {
        case .pattern(let pattern):
            return LayoutRule(
                compiled: try CompiledLayout(
                    pattern, dialect: dialect, conversionRules: conversionRules))
        case .json(let json, let stamps):
            return LayoutRule(
                json: json, format: stamps.flatMap { TimestampFormat($0, letters: dialect.letters) }
            )
        case .unknown: return .automatic
        }
    }

    /// A size as Logback reads it, in bytes: `10MB`, `512 kb`, `1000`.
    package static func bytes(_ text: String) -> Int64? {
        let text = text.trimmed.lowercased()
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let value = Int64(digits) else { return nil }
        let factor: Int64
        switch text.dropFirst(digits.count).trimmed {
        case "": factor = 1
        case "kb", "k": factor = 1 << 10
        case "mb", "m": factor = 1 << 20
        case "gb", "g": factor = 1 << 30
        default: return nil
        }
        let (product, overflow) = value.multipliedReportingOverflow(by: factor)
        return overflow ? nil : product
    }
}

/// What was found out about the logging of one application.
package struct LogbackConfiguration: Sendable {
    /// Where the configuration stands; Spring Boot's defaults when there is none.
    package var source: String
    package var applicationName: Derived<String>?
    package var bootVersion: Derived<String>?
    package var logbackVersion: Derived<String>?
    package var profiles: Derived<[String]>
    package var appenders: [FileAppender]
    /// Appenders that write no files, by name.
    package var otherAppenders: [String] = []
    package var workingDirectory: Derived<String>
    /// Files that the application reads again when they change, while it runs.
    package var scanned: [String] = []
    package var remarks: [String] = []
}
