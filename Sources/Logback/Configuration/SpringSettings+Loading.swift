import Foundation

/// Which settings files count, in Spring Boot's order: those within the archive, those beside it, or
/// those of `spring.config.location` instead; then `spring.config.additional-location`. At each place
/// those of a profile count more, and what a document imports counts more than itself.
extension SpringSettings {
    /// The settings of an application and the profiles that are active.
    static func load(
        _ application: Application, _ classPath: ClassPath
    ) throws(LogbackError) -> (SpringSettings, Derived<[String]>) {
        let bare = SpringSettings(application)
        // Profiles may be named by the settings that count without any.
        var files = SettingsFiles(application, classPath, bare)
        var general = bare
        for document in try files.documents(profiles: nil) { general.add(document.values) }
        let active = Self.profiles(application, general)
        // So may the platform.
        files = SettingsFiles(
            application, classPath, bare, platform: platform(application, general))
        var settings = bare
        for document in try files.documents(profiles: active.value) {
            settings.add(document.values)
        }
        settings.remarks += files.remarks
        return (settings, active)
    }

    private static func profiles(
        _ application: Application, _ settings: SpringSettings
    ) -> Derived<[String]> {
        var found =
            application.profiles ?? settings.list("spring.profiles.active")
            ?? settings.list("spring.profiles.default")
            ?? Derived([], "nothing names any: the profile \"default\"")
        for name in settings.list("spring.profiles.include")?.value ?? []
        where !found.value.contains(name) {
            found.value.insert(name, at: 0)
        }
        // A group may name another one.
        var next = 0
        while next < found.value.count, next < ConfigurationLimits.settings {
            let group = settings.list("spring.profiles.group.\(found.value[next])")?.value ?? []
            found.value += group.filter { !found.value.contains($0) }
            next += 1
        }
        return found
    }
}

extension SpringSettings {
    /// Where the application runs, as Boot finds it out: it is told, or the environment tells.
    fileprivate static func platform(
        _ application: Application, _ settings: SpringSettings
    ) -> String {
        if let told = settings["spring.main.cloud-platform"] { return platform(named: told.value) }
        let signs = [
            ("VCAP_APPLICATION", "cloud-foundry"), ("VCAP_SERVICES", "cloud-foundry"),
            ("DYNO", "heroku"), ("KUBERNETES_SERVICE_HOST", "kubernetes"),
        ]
        return signs.first { application.variable($0.0) != nil }?.1 ?? "none"
    }

    fileprivate static func platform(named name: String) -> String {
        name.trimmed.lowercased().replacing("_", with: "-")
    }
}

/// The settings files of an application, read once.
private struct SettingsFiles {
    typealias Document = SpringSettings.Document

    /// A file, or a folder, whose name ends with a slash.
    private struct Place {
        /// An absolute path, or `classpath:` with a name of the class path.
        var address: String
        var isYAML: Bool?
        var isFolder: Bool { address.hasSuffix("/") || address == "classpath:" }
        var directory: String {
            let end = address.lastIndex { $0 == "/" || $0 == ":" }
            return end.map { String(address[...$0]) } ?? ""
        }
    }

    private let application: Application
    private let classPath: ClassPath
    private let settings: SpringSettings
    private let platform: String
    /// Names without profile and extension.
    private let names: [String]
    /// Nil: what counts under no profile at all.
    private var profiles: [String]?
    /// Files that are being read, outermost first.
    private var open: [String] = []
    private(set) var remarks: [String] = []

    init(
        _ application: Application, _ classPath: ClassPath, _ settings: SpringSettings,
        platform: String? = nil
    ) {
        self.platform = platform ?? SpringSettings.platform(application, settings)
        self.application = application
        self.classPath = classPath
        self.settings = settings
        names = settings.list("spring.config.name")?.value ?? ["application"]
    }

    /// All documents that count, the least important first.
    mutating func documents(profiles: [String]?) throws(LogbackError) -> [Document] {
        self.profiles = profiles
        var out: [Document] = []
        for group in groups { out += try documents(at: group) }
        return out
    }

    private static let origins = ["spring.config.location", "spring.config.additional-location"]

    /// Places of one group count alike: all files for a profile count more than all without one.
    private var groups: [[Place]] {
        let directory = application.workingDirectory.value
        var groups: [[Place]] = []
        if settings[Self.origins[0]] == nil {
            groups.append(["classpath:", "classpath:config/"].map { Place(address: $0) })
            // A folder that is looked at as the class path already.
            if !application.classPath.contains(directory) {
                let config = directory + "/config/"
                groups.append(
                    ([directory + "/", config] + Self.folders(in: config)).map {
                        Place(address: $0)
                    })
            }
        }
        for origin in Self.origins {
            for group in settings.list(origin)?.value ?? [] {
                groups.append(
                    group.split(separator: ";").flatMap { places(String($0), directory + "/") })
            }
        }
        return groups
    }

    private static func folders(in folder: String) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.sorted().map { folder + $0 + "/" }.filter {
            var isFolder: ObjCBool = false
            return FileManager.default.fileExists(atPath: $0, isDirectory: &isFolder)
                && isFolder.boolValue
        }
    }

    /// What a location means; empty for what only the application can ask. `parent`: the folder that
    /// a name without a prefix is relative to.
    private func places(_ location: String, _ parent: String) -> [Place] {
        var text = location.trimmed
        if text.hasPrefix("optional:") { text = String(text.dropFirst("optional:".count)) }
        var isYAML: Bool?
        // `file:/etc/shop[.yml]`: what a name without an extension is.
        if text.hasSuffix("]"), let bracket = text.lastIndex(of: "[") {
            isYAML = !text[bracket...].hasSuffix("properties]")
            text = String(text[..<bracket])
        }
        for prefix in ["classpath*:", "classpath:"] where text.hasPrefix(prefix) {
            let name = text.dropFirst(prefix.count).drop { $0 == "/" }
            return [Place(address: "classpath:" + name, isYAML: isYAML)]
        }
        var folder = parent
        if text.hasPrefix("file:") {
            text = String(text.dropFirst("file:".count))
            if text.hasPrefix("//") { text = String(text.dropFirst(2)) }
            folder = application.workingDirectory.value + "/"
        } else if text.prefixMatch(of: /[A-Za-z][A-Za-z0-9+.-]*:/) != nil {
            return []
        }
        if !text.hasPrefix("/") {
            text = folder + (text.hasPrefix("./") ? String(text.dropFirst(2)) : text)
        }
        if text.hasSuffix("/*/") {
            return Self.folders(in: String(text.dropLast(2))).map { Place(address: $0) }
        }
        return [Place(address: text, isYAML: isYAML)]
    }

    /// Those of one group: all without a profile, then all for the first profile, and so on.
    private mutating func documents(at places: [Place]) throws(LogbackError) -> [Document] {
        var out: [Document] = []
        for suffix in [""] + active.map({ "-" + $0 }) {
            for place in places {
                for file in files(at: place, suffix) { out += try read(file) ?? [] }
            }
        }
        return out
    }

    /// What a place holds under names with a suffix, there or not.
    private func files(at place: Place, _ suffix: String) -> [Place] {
        guard place.isFolder else {
            let end = place.address.lastIndex(of: ".") ?? place.address.endIndex
            let address = "\(place.address[..<end])\(suffix)\(place.address[end...])"
            return [Place(address: address, isYAML: place.isYAML)]
        }
        // Where several stand beside each other, properties count more than YAML.
        return names.flatMap { name in
            ["yaml", "yml", "properties"].map {
                Place(address: "\(place.address)\(name)\(suffix).\($0)")
            }
        }
    }

    /// The documents of a file that count, and what they import; nil when there is no such file.
    private mutating func read(_ place: Place) throws(LogbackError) -> [Document]? {
        guard let found = try resource(place.address), !open.contains(found.path) else {
            return nil
        }
        guard open.count < ConfigurationLimits.includeDepth else {
            throw .invalid(
                place: found.path,
                reason: "more than \(ConfigurationLimits.includeDepth) files import each other")
        }
        open.append(found.path)
        defer { open.removeLast() }
        let isYAML = place.isYAML ?? !place.address.hasSuffix(".properties")
        var out: [Document] = []
        let all = try SpringSettings.documents(found.bytes, name: found.path, isYAML: isYAML)
        for document in all where isMeant(document) {
            out.append(document)
            for text in document.imports {
                out += try imported(settings.resolved(text.value), text.origin, place.directory)
            }
        }
        return out
    }

    /// The profiles that count; none as long as they are not known.
    private var active: [String] {
        profiles.map { $0.isEmpty ? ["default"] : $0 } ?? []
    }

    private func isMeant(_ document: Document) -> Bool {
        if let meant = document.platform, SpringSettings.platform(named: meant) != platform {
            return false
        }
        guard let expression = document.profiles else { return true }
        guard profiles != nil else { return false }
        return ProfileExpression.isFulfilled(expression, by: Set(active)) ?? false
    }

    private mutating func imported(
        _ location: String, _ origin: String, _ directory: String
    ) throws(LogbackError) -> [Document] {
        let documents: [Document]
        let isOptional = location.hasPrefix("optional:")
        let bare = isOptional ? String(location.dropFirst("optional:".count)) : location
        let tree = SpringSettings.tree(bare)
        let places = tree == nil ? places(bare, directory) : []
        if let tree {
            let directory = application.workingDirectory.value + "/"
            let path = tree.hasPrefix("/") ? tree : directory + tree
            let folders =
                path.hasSuffix("/*") ? Self.folders(in: String(path.dropLast())) : [path]
            documents = try Self.trees(folders)
        } else {
            documents = try self.documents(at: places)
        }
        if tree == nil, places.isEmpty {
            remarks.append(
                "\(origin): what spring.config.import names, \(location), is known to the "
                    + "application alone: passed over")
        } else if documents.isEmpty, !isOptional {
            remarks.append(
                "\(origin): \(location), which is imported, is not there: passed over")
        }
        return documents
    }

    /// Those of the folders that are there.
    private static func trees(_ folders: [String]) throws(LogbackError) -> [Document] {
        var documents: [Document] = []
        for folder in folders {
            if let document = try SpringSettings.document(ofTree: folder) {
                documents.append(document)
            }
        }
        return documents
    }

    private func resource(_ address: String) throws(LogbackError) -> ClassPath.Resource? {
        let prefix = "classpath:"
        if address.hasPrefix(prefix) {
            return try classPath.read(String(address.dropFirst(prefix.count)))
        }
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: address, isDirectory: &isFolder),
            !isFolder.boolValue
        else { return nil }
        return ClassPath.Resource(bytes: try ClassPath.bytes(ofFile: address), path: address)
    }
}
