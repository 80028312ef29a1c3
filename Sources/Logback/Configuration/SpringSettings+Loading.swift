import Foundation

/// Which settings files count, in Spring Boot's order: those within the archive, those for a profile
/// within it, those beside it, those for a profile beside it.
extension SpringSettings {
    private struct File {
        var name: String
        var documents: [Document]
    }

    /// The settings of an application and the profiles that are active.
    static func load(
        _ application: Application, _ classPath: ClassPath
    ) throws(LogbackError) -> (SpringSettings, Derived<[String]>) {
        let overrides = application.systemProperties.merging(application.arguments) { $1 }
        var settings = SpringSettings(
            environment: application.environment, overrides: overrides)
        let names = settings["spring.config.name"]?.value ?? "application"
        let bases = names.split(separator: ",").map { $0.trimmed }
        var inside: [Document] = []
        var outside: [Document] = []
        for base in bases {
            inside += try documents(base) { name throws(LogbackError) in try classPath.read(name) }
            outside += try self.outside(base, application, settings)
        }
        // Profiles may be named by the settings that count without any.
        for document in inside + outside where document.profiles == nil {
            settings.add(document.values)
        }
        let active = Self.profiles(application, settings)
        var final = SpringSettings(environment: application.environment, overrides: overrides)
        let set = Set(active.value.isEmpty ? ["default"] : active.value)
        func addAll(_ documents: [Document]) {
            for document in documents {
                let isMeant = document.profiles.map {
                    ProfileExpression.isFulfilled($0, by: set) ?? false
                }
                if isMeant ?? true { final.add(document.values) }
            }
        }
        let ofProfiles = bases.flatMap { base in active.value.map { "\(base)-\($0)" } }
        addAll(inside)
        for name in ofProfiles {
            addAll(try documents(name) { name throws(LogbackError) in try classPath.read(name) })
        }
        addAll(outside)
        for name in ofProfiles { addAll(try self.outside(name, application, settings)) }
        return (final, active)
    }

    private static func documents(
        _ base: String, _ read: (String) throws(LogbackError) -> ClassPath.Resource?
    ) throws(LogbackError) -> [Document] {
        var out: [Document] = []
        for folder in ["", "config/"] {
            // Where several stand beside each other, properties count more than YAML.
            for suffix in ["yaml", "yml", "properties"] {
                guard let found = try read("\(folder)\(base).\(suffix)") else { continue }
                out += try documents(
                    found.bytes, name: found.path, isYAML: suffix != "properties")
            }
        }
        return out
    }

    /// Beside the application: its folder, `config/`, and what `spring.config.location` adds.
    private static func outside(
        _ base: String, _ application: Application, _ settings: SpringSettings
    ) throws(LogbackError) -> [Document] {
        let directory = application.workingDirectory.value
        // A folder that is looked at as the class path already.
        var out: [Document] =
            application.classPath.contains(directory)
            ? []
            : try documents(base) { name throws(LogbackError) in
                try file(directory + "/" + name)
            }
        let more =
            (settings.list("spring.config.location")?.value ?? [])
            + (settings.list("spring.config.additional-location")?.value ?? [])
        for location in more {
            var path = location.replacing("optional:", with: "").replacing("file:", with: "")
            guard !path.hasPrefix("classpath:") else { continue }
            if !path.hasPrefix("/") { path = directory + "/" + path }
            if path.hasSuffix("/") {
                out += try documents(base) { name throws(LogbackError) in try file(path + name) }
            } else if base == "application", let found = try file(path) {
                out += try documents(
                    found.bytes, name: path, isYAML: !path.hasSuffix(".properties"))
            }
        }
        return out
    }

    private static func file(_ path: String) throws(LogbackError) -> ClassPath.Resource? {
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        return ClassPath.Resource(bytes: try ClassPath.bytes(ofFile: path), path: path)
    }

    private static func profiles(
        _ application: Application, _ settings: SpringSettings
    ) -> Derived<[String]> {
        var found =
            application.profiles ?? settings.list("spring.profiles.active")
            ?? Derived([], "nothing names any: the profile \"default\"")
        for name in settings.list("spring.profiles.include")?.value ?? []
        where !found.value.contains(name) {
            found.value.insert(name, at: 0)
        }
        for name in found.value {
            let group = settings.list("spring.profiles.group.\(name)")?.value ?? []
            found.value += group.filter { !found.value.contains($0) }
        }
        return found
    }
}
