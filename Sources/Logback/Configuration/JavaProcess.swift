import Foundation

/// What /proc tells of a running Java application.
extension Application {
    /// Options of `java` that take the next argument.
    private static let optionsWithValue: Set<String> = [
        "-cp", "-classpath", "--class-path", "-p", "--module-path", "--add-modules", "--add-opens",
        "--add-exports", "--add-reads", "--patch-module", "-m", "--module",
    ]

    /// Errors: no such process, or one that belongs to somebody else.
    package static func process(_ id: Int, proc: String = "/proc") throws(LogbackError)
        -> Application
    {
        let folder = "\(proc)/\(id)"
        guard FileManager.default.fileExists(atPath: folder) else {
            throw .unreadable(path: "--pid \(id)", reason: "there is no such process")
        }
        guard
            let directory = try? FileManager.default.destinationOfSymbolicLink(
                atPath: folder + "/cwd")
        else {
            throw .unreadable(
                path: folder + "/cwd",
                reason: "it may not be read: run as the application's user, or as root")
        }
        let words = try texts(folder + "/cmdline")
        guard !words.isEmpty else {
            throw .unreadable(path: folder, reason: "the process has no command line: it ended")
        }
        var application = Application(
            workingDirectory: Derived(directory, "\(folder)/cwd"))
        application.processID = id
        application.takeJavaVersion(folder)
        application.noteFileSystems(folder)
        for text in (try? texts(folder + "/environ")) ?? [] {
            guard let equals = text.firstIndex(of: "=") else { continue }
            application.environment[String(text[..<equals])] = String(
                text[text.index(after: equals)...])
        }
        for name in ["JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS"] { application.takeOptions(name) }
        let line = ArgumentFile.expanded(Array(words.dropFirst())) {
            $0 == "-jar" || optionsWithValue.contains($0)
        } read: { path in
            try? ClassPath.bytes(ofFile: path.hasPrefix("/") ? path : directory + "/" + path)
        }
        application.take(commandLine: line, origin: "\(folder)/cmdline")
        // The JVM reads these behind its command line.
        application.takeOptions("_JAVA_OPTIONS")
        return application
    }

    private mutating func noteFileSystems(_ folder: String) {
        let files = FileManager.default
        let own = try? files.destinationOfSymbolicLink(atPath: "/proc/self/ns/mnt")
        let its = try? files.destinationOfSymbolicLink(atPath: folder + "/ns/mnt")
        guard let own, let its, own != its else { return }
        hasOwnFileSystems = true
        remarks.append(
            "process \(processID ?? 0) sees file systems of its own, as a container does: its paths may "
                + "be others here; run the agent where it runs, or name its files")
    }

    private mutating func takeOptions(_ variable: String) {
        for word in ArgumentFile.words(Array((environment[variable] ?? "").utf8)) {
            take(option: word, origin: "the environment variable \(variable)")
        }
    }

    private static func texts(_ path: String) throws(LogbackError) -> [String] {
        try ClassPath.bytes(ofFile: path).split(separator: 0)
            .map { String(decoding: $0, as: UTF8.self) }
    }

    private mutating func take(option: String, origin: String) {
        guard option.hasPrefix("-D") else { return }
        let parts = option.dropFirst(2).split(
            separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        systemProperties[String(parts[0])] = Derived(
            parts.count > 1 ? String(parts[1]) : "",
            "\(parts.count > 0 ? "-D\(parts[0])" : "") in \(origin)")
    }

    private mutating func take(commandLine words: [String], origin: String) {
        var at = 0
        var paths = environment["CLASSPATH"].map { $0.split(separator: ":").map(String.init) } ?? []
        options: while at < words.count {
            let word = words[at]
            at += 1
            switch word {
            case "-jar":
                if at < words.count { paths = [words[at]] }
                at += 1
                break options
            case "-cp", "-classpath", "--class-path":
                if at < words.count { paths = words[at].split(separator: ":").map(String.init) }
                at += 1
            case "-m", "--module":
                at += 1
                break options
            case _ where Self.optionsWithValue.contains(word): at += 1
            case _ where word.hasPrefix("-"): take(option: word, origin: origin)
            default: break options
            }
        }
        for word in words[min(at, words.count)...] where word.hasPrefix("--") {
            let parts = word.dropFirst(2).split(separator: "=", maxSplits: 1)
            guard let name = parts.first else { continue }
            arguments[String(name)] = Derived(
                parts.count > 1 ? String(parts[1]) : "", "the argument \(word)")
        }
        classPath = paths.flatMap { entry in
            let path = entry.hasPrefix("/") ? entry : workingDirectory.value + "/" + entry
            return path.hasSuffix("/*") ? ClassPath.jars(in: String(path.dropLast(2))) : [path]
        }
    }
}
