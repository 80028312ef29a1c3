import Foundation

/// Reads the logging configuration of one application, as Logback and Spring Boot do when it starts,
/// and notes where each value comes from.
///
/// Owned by one call of `read`.
package final class ConfigurationReader {
    let application: Application
    let classPath = ClassPath()
    let settings: SpringSettings
    let profiles: Derived<[String]>
    let bootVersion: Derived<String>?
    let logbackVersion: Derived<String>?
    let boot: BootDefaults
    /// What the environment, Spring and Boot say.
    let outer: OuterVariables
    var variables: Variables
    var remarks: [String] = []
    /// Short class names, by `<import>`.
    var imports: [String: String] = [:]
    var conversionRules: Set<String> = []
    /// Names that somebody refers to, and who: "" is a logger.
    var references: [String: Set<String>] = [:]
    /// Where each name is referred to first.
    var referencePlaces: [String: String] = [:]
    /// Of all appenders, whatever they write to.
    var appenderNames: Set<String> = []
    var appenders: [FileAppender] = []
    var otherAppenders: [String] = []
    private var isScanning = false
    /// Where the configuration stands, and what it includes.
    var filesRead: [String] = []
    var lastCondition: Bool?
    /// Both branches of some `<if>` are taken into account, of which the application has one.
    var isUndecided = false

    package static func read(
        _ application: Application
    ) throws(LogbackError) -> LogbackConfiguration {
        let reader = try ConfigurationReader(application)
        return try reader.configuration()
    }

    private init(_ application: Application) throws(LogbackError) {
        self.application = application
        var passedOver: [String] = []
        for path in application.classPath {
            if path.hasSuffix(".jar"), application.classPath.count > 1 {
                classPath.addLibrary(path)
            }
            // What the JVM passes over, so do we.
            let isAlone = application.classPath.count == 1
            do { try classPath.add(path) } catch {
                if isAlone { throw error }
                if FileManager.default.fileExists(atPath: path) { passedOver.append("\(error)") }
            }
        }
        (settings, profiles) = try SpringSettings.load(application, classPath)
        remarks = application.remarks + passedOver + settings.remarks
        bootVersion =
            classPath.manifestEntry("Spring-Boot-Version") ?? classPath.version(of: "spring-boot")
        logbackVersion = classPath.version(of: "logback-classic")
        boot = BootDefaults(bootVersion?.value)
        variables = Variables { _ in nil }
        outer = OuterVariables(application, settings, boot, classPath)
        variables.outer = { [outer] in outer.lookup($0) }
    }

    var applicationName: Derived<String>? {
        settings["spring.application.name"].flatMap { $0.value.isEmpty ? nil : $0 }
    }

    var dialect: CompiledLayout.Dialect {
        let version = logbackVersion?.value ?? (boot.major >= 3 ? "1.4" : "1.2")
        if logbackVersion == nil, bootVersion == nil { return .current }
        let numbers = version.split(separator: ".").compactMap { Int($0) }
        return numbers.count > 1 && numbers[0] == 1 && numbers[1] < 3 ? .legacy : .current
    }

    var isBoot: Bool {
        bootVersion != nil || settings["logging.config"] != nil
            || writesFile
    }

    private var writesFile: Bool {
        settings.written("logging.file.name") != nil || settings.written("logging.file.path") != nil
    }

    private func configuration() throws(LogbackError) -> LogbackConfiguration {
        let source: String
        if let (bytes, path) = try configurationFile() {
            source = path
            let root = try XMLTree.parse(bytes, file: path)
            guard root.name == "configuration" else {
                throw .invalid(
                    place: root.place,
                    reason: "expected <configuration>, found <\(root.name)>: this is no "
                        + "configuration of Logback")
            }
            filesRead.append(path)
            let scan = root.attributes["scan"]?.lowercased() ?? ""
            isScanning = !scan.isEmpty && scan != "false"
            try walk(root, including: [path])
        } else if isBoot {
            let structured = settings["logging.structured.format.file"]
            guard writesFile else { throw .noFiles(Self.consoleOnly) }
            let root = boot.configuration(
                writesFile: true, isStructured: !(structured?.value ?? "").isEmpty)
            source =
                bootVersion.map { "Spring Boot \($0.value)'s defaults" } ?? "Spring Boot's defaults"
            try walk(root, including: [])
        } else {
            throw .noFiles(
                "\(application.classPath.first ?? "the application"): no logback.xml, "
                    + "logback-spring.xml or application.yml in it: name the configuration file")
        }
        return try finished(source)
    }

    private static let consoleOnly = """
        the application has no logging configuration, and Spring Boot's default writes to the console \
        only: set logging.file.name, or name its files
        """

    private func finished(_ source: String) throws(LogbackError) -> LogbackConfiguration {
        let used = usedAppenders
        for appender in appenders where !used.contains(appender.name) {
            remarks.append(
                "\(appender.place): the appender \(appender.name) is left out: no logger refers to it"
            )
        }
        for (name, place) in referencePlaces.sorted(by: { $0.value < $1.value })
        where !appenderNames.contains(name) {
            remarks.append(
                "\(place): there is no appender \(name): what refers to it writes nothing")
        }
        let kept = started.filter { used.contains($0.name) }
        guard !kept.isEmpty else {
            throw .noFiles(
                "\(source): no appender that writes a file"
                    + (otherAppenders.isEmpty
                        ? "" : " (there are \(otherAppenders.joined(separator: ", ")))"))
        }
        if isScanning {
            remarks.append(
                "\(source) is scanned for changes while the application runs: the agent reads it again, "
                    + "too; one with an agent.yaml of its own does not")
        }
        var result = LogbackConfiguration(
            source: source, profiles: profiles, appenders: kept,
            workingDirectory: application.workingDirectory)
        result.applicationName = applicationName
        result.bootVersion = bootVersion
        result.logbackVersion = logbackVersion
        result.otherAppenders = otherAppenders
        result.scanned = isScanning ? filesRead.filter { !$0.contains("!/") } : []
        result.remarks = remarks
        return result
    }

    /// Those that Logback starts: of several with one file, or with one pattern of rolled names, the
    /// first. Before 1.3 it starts appenders that nobody refers to, too.
    private var started: [FileAppender] {
        var first: [String: FileAppender] = [:]
        return appenders.filter { appender in
            guard dialect == .legacy || usedAppenders.contains(appender.name) else { return false }
            if isUndecided { return true }
            let names = [appender.file?.value, appender.rolledNames?.value.text].compactMap {
                // Only the application knows the name.
                $0.flatMap { $0.contains { "*\(Variables.open)".contains($0) } ? nil : $0 }
            }
            if let name = names.first(where: { first[$0] != nil }), let other = first[name] {
                remarks.append(
                    "\(appender.place): the appender \(appender.name) is left out: \(other.name) "
                        + "(\(other.place)) has \(name), and Logback does not start a second one")
                return false
            }
            for name in names { first[name] = appender }
            return true
        }
    }

    /// Appenders that a logger reaches, through others or not.
    private var usedAppenders: Set<String> {
        var reached: Set<String> = [""]
        var open = [""]
        while let name = open.popLast() {
            for next in references[name] ?? [] where reached.insert(next).inserted {
                open.append(next)
            }
        }
        return reached
    }

    /// The file that Logback or Spring Boot would take.
    private func configurationFile() throws(LogbackError) -> ([UInt8], String)? {
        if let named = application.configurationFile {
            return (try ClassPath.bytes(ofFile: named.value), named.value)
        }
        let own = isBoot ? settings["logging.config"] : nil
        let plain = isBoot ? nil : application.systemProperties["logback.configurationFile"]
        if let named = own ?? plain, !named.value.isEmpty { return try file(named) }
        var names = ["logback-test.xml", "logback.xml"]
        if isBoot { names += ["logback-test-spring.xml", "logback-spring.xml"] }
        for name in names {
            if let found = try classPath.read(name) { return (found.bytes, found.path) }
        }
        // A jar of Spring's without the version in it, or a folder of sources.
        if !isBoot, let found = try classPath.read("logback-spring.xml") {
            return (found.bytes, found.path)
        }
        for name in ["logback.groovy", "logback-spring.groovy"] {
            if let found = try classPath.read(name) {
                throw .unreadable(
                    path: found.path, reason: "Groovy configurations are not read: name the files")
            }
        }
        return nil
    }

    private func file(_ named: Derived<String>) throws(LogbackError) -> ([UInt8], String) {
        var name = named.value.replacing("file://", with: "").replacing("file:", with: "")
        if name.hasPrefix("classpath:") || !name.hasPrefix("/") {
            name = name.replacing("classpath:", with: "")
            let resource = name.hasPrefix("/") ? String(name.dropFirst()) : name
            if let found = try classPath.read(resource) { return (found.bytes, found.path) }
        }
        if name.contains("://") {
            throw .unreadable(
                path: name, reason: "named by \(named.origin): addresses are not fetched")
        }
        let path = absolute(name)
        return (try ClassPath.bytes(ofFile: path), path)
    }

    func absolute(_ path: String) -> String {
        let whole = path.hasPrefix("/") ? path : application.workingDirectory.value + "/" + path
        return (whole as NSString).standardizingPath
    }
}
