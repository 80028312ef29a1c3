/// What Spring Boot configures when the application says nothing, and the files that it offers for
/// inclusion, by version.
struct BootDefaults {
    /// 2.7, 3.4 …; the latest when it is not known.
    let major: Int
    let minor: Int
    private let origin: String

    init(_ version: String?) {
        let numbers = (version ?? "").split(separator: ".").compactMap { Int($0) }
        major = numbers.first ?? 3
        minor = numbers.count > 1 ? numbers[1] : version == nil ? 5 : 0
        origin = version.map { "the default of Spring Boot \($0)" } ?? "the default of Spring Boot"
    }

    private static let folder = "org/springframework/boot/logging/logback/"

    /// The elements of a file of Spring Boot's; nil for none of them.
    func elements(ofResource name: String) -> [XMLTree]? {
        guard name.hasPrefix(Self.folder) else { return nil }
        switch name.dropFirst(Self.folder.count) {
        case "defaults.xml": return defaults
        case "console-appender.xml", "structured-console-appender.xml": return [console]
        case "file-appender.xml": return [file(isStructured: false)]
        case "structured-file-appender.xml": return [file(isStructured: true)]
        case "base.xml":
            return defaults + [
                property(
                    "LOG_FILE",
                    "${LOG_FILE:-${LOG_PATH:-${LOG_TEMP:-${java.io.tmpdir:-/tmp}}}/spring.log}"),
                console, file(isStructured: false), root(["CONSOLE", "FILE"]),
            ]
        default: return nil
        }
    }

    /// The whole configuration of an application that has none.
    func configuration(writesFile: Bool, isStructured: Bool) -> XMLTree {
        let appenders = writesFile ? [console, file(isStructured: isStructured)] : [console]
        return element(
            "configuration",
            defaults + appenders + [root(writesFile ? ["CONSOLE", "FILE"] : ["CONSOLE"])])
    }

    private func element(
        _ name: String, _ children: [XMLTree] = [], _ attributes: [String: String] = [:],
        text: String = ""
    ) -> XMLTree {
        XMLTree(
            name: name, attributes: attributes, children: children, text: text, place: origin)
    }

    private func property(_ name: String, _ value: String) -> XMLTree {
        element("property", [], ["name": name, "value": value])
    }

    private func root(_ names: [String]) -> XMLTree {
        element("root", names.map { element("appender-ref", [], ["ref": $0]) })
    }

    private var defaults: [XMLTree] {
        let rules =
            ["clr", "wex", "wEx"] + (major >= 3 ? ["correlationId", "applicationName", "esb"] : [])
        return rules.map { word in
            element("conversionRule", [], ["conversionWord": word])
        } + [
            property("FILE_LOG_PATTERN", "${FILE_LOG_PATTERN:-\(filePattern)}"),
            property("FILE_LOG_CHARSET", "${FILE_LOG_CHARSET:-${file.encoding:-UTF-8}}"),
        ]
    }

    /// The layout of files. What stands for the name of the application changed several times.
    private var filePattern: String {
        let date = major >= 3 ? "yyyy-MM-dd'T'HH:mm:ss.SSSXXX" : "yyyy-MM-dd HH:mm:ss.SSS"
        let names =
            switch (major, minor) {
            case (...2, _), (3, ...1): ""
            case (3, 2...3): "${LOGGED_APPLICATION_NAME:-}"
            default: "%esb(){APPLICATION_NAME}%esb{APPLICATION_GROUP}"
            }
        let correlation =
            major > 3 || (major == 3 && minor >= 2) ? "${LOG_CORRELATION_PATTERN:-}" : ""
        return "%d{${LOG_DATEFORMAT_PATTERN:-\(date)}} ${LOG_LEVEL_PATTERN:-%5p} ${PID:- } --- "
            + "\(names)[%t] \(correlation)%-40.40logger{39} : "
            + "%m%n${LOG_EXCEPTION_CONVERSION_WORD:-%wEx}"
    }

    private var console: XMLTree {
        element(
            "appender", [], ["name": "CONSOLE", "class": "ch.qos.logback.core.ConsoleAppender"])
    }

    private func file(isStructured: Bool) -> XMLTree {
        let prefix = major == 2 && minor < 4 ? "FILE_LOG" : "LOGBACK_ROLLINGPOLICY"
        func policy(_ name: String, _ value: String) -> XMLTree {
            element(name, text: "${\(prefix)_" + value)
        }
        let encoder =
            isStructured
            ? element(
                "encoder", [element("format", text: "${FILE_LOG_STRUCTURED_FORMAT}")],
                ["class": "org.springframework.boot.logging.logback.StructuredLogEncoder"])
            : element("encoder", [element("pattern", text: "${FILE_LOG_PATTERN}")])
        var withCharset = encoder
        withCharset.children.append(element("charset", text: "${FILE_LOG_CHARSET}"))
        return element(
            "appender",
            [
                withCharset, element("file", text: "${LOG_FILE}"),
                element(
                    "rollingPolicy",
                    [
                        policy("cleanHistoryOnStart", "CLEAN_HISTORY_ON_START:-false}"),
                        policy(
                            "fileNamePattern",
                            "FILE_NAME_PATTERN:-${LOG_FILE}.%d{yyyy-MM-dd}.%i.gz}"),
                        policy("maxFileSize", "MAX_FILE_SIZE:-10MB}"),
                        policy("maxHistory", "MAX_HISTORY:-7}"),
                        policy("totalSizeCap", "TOTAL_SIZE_CAP:-0}"),
                    ],
                    [
                        "class":
                            "ch.qos.logback.core.rolling.SizeAndTimeBasedRollingPolicy"
                    ]),
            ],
            ["name": "FILE", "class": "ch.qos.logback.core.rolling.RollingFileAppender"])
    }

    /// Variables that Spring Boot sets from settings, by their names in the configuration.
    static let variables: [(variable: String, setting: String)] = [
        ("FILE_LOG_PATTERN", "logging.pattern.file"),
        ("CONSOLE_LOG_PATTERN", "logging.pattern.console"),
        ("LOG_DATEFORMAT_PATTERN", "logging.pattern.dateformat"),
        ("LOG_LEVEL_PATTERN", "logging.pattern.level"),
        ("LOG_CORRELATION_PATTERN", "logging.pattern.correlation"),
        ("LOG_EXCEPTION_CONVERSION_WORD", "logging.exception-conversion-word"),
        ("FILE_LOG_CHARSET", "logging.charset.file"),
        ("CONSOLE_LOG_CHARSET", "logging.charset.console"),
        ("FILE_LOG_STRUCTURED_FORMAT", "logging.structured.format.file"),
        (
            "LOGBACK_ROLLINGPOLICY_FILE_NAME_PATTERN",
            "logging.logback.rollingpolicy.file-name-pattern"
        ),
        (
            "LOGBACK_ROLLINGPOLICY_CLEAN_HISTORY_ON_START",
            "logging.logback.rollingpolicy.clean-history-on-start"
        ),
        ("LOGBACK_ROLLINGPOLICY_MAX_FILE_SIZE", "logging.logback.rollingpolicy.max-file-size"),
        ("LOGBACK_ROLLINGPOLICY_TOTAL_SIZE_CAP", "logging.logback.rollingpolicy.total-size-cap"),
        ("LOGBACK_ROLLINGPOLICY_MAX_HISTORY", "logging.logback.rollingpolicy.max-history"),
        ("FILE_LOG_FILE_NAME_PATTERN", "logging.pattern.rolling-file-name"),
        ("FILE_LOG_MAX_FILE_SIZE", "logging.file.max-size"),
        ("FILE_LOG_MAX_HISTORY", "logging.file.max-history"),
        ("FILE_LOG_TOTAL_SIZE_CAP", "logging.file.total-size-cap"),
        ("FILE_LOG_CLEAN_HISTORY_ON_START", "logging.file.clean-history-on-start"),
    ]

    /// Settings of 2.3 and before under their old names.
    static let oldVariables: [String: String] = [
        "LOGBACK_ROLLINGPOLICY_FILE_NAME_PATTERN": "logging.pattern.rolling-file-name",
        "LOGBACK_ROLLINGPOLICY_MAX_FILE_SIZE": "logging.file.max-size",
        "LOGBACK_ROLLINGPOLICY_MAX_HISTORY": "logging.file.max-history",
        "LOGBACK_ROLLINGPOLICY_TOTAL_SIZE_CAP": "logging.file.total-size-cap",
        "LOGBACK_ROLLINGPOLICY_CLEAN_HISTORY_ON_START": "logging.file.clean-history-on-start",
    ]
}
