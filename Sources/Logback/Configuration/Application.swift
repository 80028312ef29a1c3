import Foundation

/// What is known of an application from outside: where its classes lie, how it was started.
package struct Application: Sendable {
    /// The configuration file, when somebody names one.
    package var configurationFile: Derived<String>?
    /// Jars, wars and folders of its class path.
    package var classPath: [String] = []
    /// Paths without an own folder are relative to this.
    package var workingDirectory: Derived<String>
    package var systemProperties: [String: Derived<String>] = [:]
    package var environment: [String: String] = [:]
    /// Whose environment that is, where it is not the application's own.
    package var environmentOwner = ""
    /// `--name=value` of its command line.
    package var arguments: [String: Derived<String>] = [:]
    /// Profiles that somebody says to be active.
    package var profiles: Derived<[String]>?
    /// Of a running one.
    package var processID: Int?
    package var javaVersion: Derived<Int>?
    /// It sees other file systems than this process, as in a container.
    package var hasOwnFileSystems = false
    /// What a person should know about it.
    package var remarks: [String] = []

    /// A variable of the environment.
    func variable(_ name: String) -> Derived<String>? {
        environment[name].map {
            Derived($0, "the environment variable \(name)\(environmentOwner)")
        }
    }

    package init(workingDirectory: Derived<String>) { self.workingDirectory = workingDirectory }

    /// From what `--logback` names: a configuration file, a jar, a war, or a folder.
    package static func at(_ path: String) throws(LogbackError) -> Application {
        let current = FileManager.default.currentDirectoryPath
        let absolute = path.hasPrefix("/") ? path : current + "/" + path
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: absolute, isDirectory: &isFolder) else {
            throw .unreadable(path: path, reason: "there is no such file or folder")
        }
        let folder = (absolute as NSString).deletingLastPathComponent
        if isFolder.boolValue {
            let name = absolute.hasSuffix("/") ? String(absolute.dropLast()) : absolute
            var application = Application(
                workingDirectory: Derived(name, "the folder that is given"))
            application.classPath = [name]
            // The folder of a deployment: the application's archive, and its configuration beside it.
            let archives = ClassPath.jars(in: name)
            if archives.count == 1 { application.classPath += archives }
            return application
        }
        switch (absolute as NSString).pathExtension.lowercased() {
        case "jar", "war", "zip", "ear":
            var application = Application(
                workingDirectory: Derived(
                    folder, "the folder of \(path); --directory names another"))
            application.classPath = [absolute]
            return application
        case "xml":
            var application = Application(
                workingDirectory: Derived(
                    current, "the current folder; --directory names another"))
            application.configurationFile = Derived(absolute, "--logback")
            // What it includes as a resource, and the application's settings, lie beside it.
            application.classPath = [folder]
            return application
        default:
            throw .unreadable(
                path: path, reason: "expected a .xml file, a .jar, a .war, or a folder")
        }
    }
}
