import Foundation

/// Variables that a configuration finds without defining them: those of Spring Boot, system
/// properties, the environment, and the few that Logback knows by itself.
struct OuterVariables {
    private let application: Application
    private let settings: SpringSettings
    private let boot: BootDefaults
    /// The version of Micrometer's tracing among the libraries.
    private let tracing: Derived<String>?

    init(
        _ application: Application, _ settings: SpringSettings, _ boot: BootDefaults,
        _ classPath: ClassPath
    ) {
        tracing = classPath.version(of: "micrometer-tracing")
        self.application = application
        self.settings = settings
        self.boot = boot
    }

    func lookup(_ name: String) -> Derived<String>? {
        if let value = application.systemProperties[name] { return value }
        if let value = ofBoot(name) { return value }
        if let value = application.variable(name) { return value }
        return known(name)
    }

    private func ofBoot(_ name: String) -> Derived<String>? {
        switch name {
        case "LOG_FILE":
            if let file = settings.written("logging.file.name") ?? settings.written("logging.file")
            {
                return file
            }
            return folder.map { path in
                Derived(
                    path.value.hasSuffix("/")
                        ? path.value + "spring.log" : path.value + "/spring.log", path.origin)
            }
        case "LOG_PATH": return folder
        case "LOG_CORRELATION_PATTERN":
            if let pattern = settings["logging.pattern.correlation"] { return pattern }
            return correlation
        case "LOGGED_APPLICATION_NAME":
            return bracketed("spring.application.name", "logging.include-application-name")
        case "PID":
            // Another one after each start, so that what the process has now says nothing.
            return Derived("\(Variables.open)PID\(Variables.close)", "the process")
        default: break
        }
        for (variable, setting) in BootDefaults.variables where variable == name {
            if let value = settings[setting], !value.value.isEmpty { return value }
            if let old = BootDefaults.oldVariables[name], let value = settings[old] { return value }
        }
        return nil
    }

    /// Boot writes ids of traces where a library of tracing is there, unless it is switched off.
    private var correlation: Derived<String>? {
        if let isExpected = settings["logging.expect-correlation-id"] {
            return isExpected.value == "true" ? isExpected.map { _ in "%correlationId" } : nil
        }
        guard let tracing else { return nil }
        for key in ["management.tracing.enabled", "management.tracing.export.enabled"]
        where settings[key]?.value.lowercased() == "false" { return nil }
        return Derived("%correlationId", tracing.origin)
    }

    private var folder: Derived<String>? {
        settings.written("logging.file.path") ?? settings.written("logging.path")
    }

    /// `[value] `, nil when there is none or it is not to be written.
    func bracketed(_ key: String, _ switchKey: String) -> Derived<String>? {
        guard settings[switchKey]?.value.lowercased() != "false", let value = settings[key],
            !value.value.isEmpty
        else { return nil }
        return value.map { "[\($0)] " }
    }

    private func known(_ name: String) -> Derived<String>? {
        switch name {
        case "HOSTNAME": return Derived(ProcessInfo.processInfo.hostName, "this machine")
        case "CONTEXT_NAME": return Derived("default", "the default of Logback")
        default: return Self.ofJava(name, application)
        }
    }

    /// What every JVM knows, unless it is told otherwise.
    static func ofJava(_ name: String, _ application: Application) -> Derived<String>? {
        switch name {
        case "user.dir": return application.workingDirectory
        case "user.home":
            return Derived(application.environment["HOME"] ?? NSHomeDirectory(), "the home folder")
        case "user.name":
            return application.variable("USER")
        case "java.io.tmpdir": return Derived("/tmp", "the default of Java")
        case "file.separator": return Derived("/", "this machine")
        default:
            // Dotted settings, which some configurations take for variables.
            return nil
        }
    }
}
