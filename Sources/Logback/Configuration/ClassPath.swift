import Bytes
import Foundation

/// Where an application's own files lie: folders and archives, asked in order.
///
/// Owned by whoever reads a configuration; it keeps archives open until then.
final class ClassPath {
    private enum Entry {
        case folder(String)
        /// `prefix`: what stands in front of names of the class path, `BOOT-INF/classes/`.
        case archive(ZipArchive, name: String, prefix: String)
    }

    struct Resource {
        var bytes: [UInt8]
        /// `/opt/shop/app.jar!/BOOT-INF/classes/application.yml`.
        var path: String
    }

    private var entries: [Entry] = []
    /// Names of libraries, `logback-classic-1.5.18.jar`, with where they lie.
    private(set) var libraries: [String] = []
    /// What manifests have named: they may name each other.
    private var seen: Set<String> = []
    private var manifests: [(text: String, origin: String)] = []
    /// Archives within archives, opened when something is looked for in libraries.
    private var nested: [(archive: ZipArchive, names: [String])] = []
    private var nestedEntries: [(ZipArchive, String)]?

    /// Prefixes of the class path within a jar of Spring Boot, a war, and a plain jar.
    private static let prefixes = ["BOOT-INF/classes/", "WEB-INF/classes/", ""]
    private static let libraryFolders = ["BOOT-INF/lib/", "WEB-INF/lib/", "WEB-INF/lib-provided/"]

    /// A jar, a war, or a folder of classes or jars.
    func add(_ path: String) throws(LogbackError) {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw .unreadable(path: path, reason: "there is no such file")
        }
        if isFolder.boolValue { addFolder(path) } else { try addArchive(path) }
    }

    /// What `folder/*` means in a class path.
    static func jars(in folder: String) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.filter { $0.lowercased().hasSuffix(".jar") }.sorted().map { folder + "/" + $0 }
    }

    private func addFolder(_ path: String) {
        for prefix in Self.prefixes {
            let folder = prefix.isEmpty ? path : path + "/" + prefix.dropLast()
            if FileManager.default.fileExists(atPath: folder) { entries.append(.folder(folder)) }
        }
        for folder in [path, path + "/lib"] + Self.libraryFolders.map({ path + "/" + $0 }) {
            libraries += Self.jars(in: folder)
        }
    }

    private func addArchive(_ path: String) throws(LogbackError) {
        let archive: ZipArchive
        do { archive = try ZipArchive(path: path) } catch {
            let isReadable = FileManager.default.isReadableFile(atPath: path)
            throw .unreadable(
                path: path,
                reason: isReadable
                    ? "this is no jar or war" : "it may not be read: permission denied")
        }
        let names = archive.names
        for prefix in Self.prefixes
        where prefix.isEmpty || names.contains(where: { $0.hasPrefix(prefix) }) {
            entries.append(.archive(archive, name: path, prefix: prefix))
        }
        let inner = names.filter { name in
            name.hasSuffix(".jar") && Self.libraryFolders.contains { name.hasPrefix($0) }
        }
        libraries += inner.map { "\(path)!/\($0)" }
        nested.append((archive, inner))
        if let manifest = try? archive.read("META-INF/MANIFEST.MF", limit: 1 << 20) {
            let text = String(decoding: manifest, as: UTF8.self)
            manifests.append((text, "\(path)!/META-INF/MANIFEST.MF"))
            addLibraries(Self.classPath(ofManifest: text, at: path), of: path)
        }
    }

    /// What a manifest names, each once under whatever names. What is not there, or no archive, is passed
    /// over, as the JVM does.
    private func addLibraries(_ paths: [String], of archive: String) {
        seen.insert(Self.canonical(archive))
        for path in paths where seen.count < Self.mostLibraries {
            let name = Self.canonical(path)
            guard FileManager.default.fileExists(atPath: name), seen.insert(name).inserted else {
                continue
            }
            libraries.append(name)
            try? add(name)
        }
    }

    private static func canonical(_ path: String) -> String {
        guard let real = realpath(path, nil) else { return path }
        defer { free(real) }
        return String(cString: real)
    }

    /// Paths of `Class-Path:`, which are relative to the jar; a line goes on behind a blank.
    private static func classPath(ofManifest text: String, at path: String) -> [String] {
        let whole = text.replacing("\r\n", with: "\n").replacing("\n ", with: "")
        guard let line = whole.split(separator: "\n").first(where: { $0.hasPrefix("Class-Path:") })
        else { return [] }
        let folder = (path as NSString).deletingLastPathComponent
        return line.dropFirst("Class-Path:".count).split(separator: " ").prefix(mostLibraries).map {
            var name = $0.removingPercentEncoding ?? String($0)
            if name.hasPrefix("file:") { name.removeFirst("file:".count) }
            return name.hasPrefix("/") ? name : folder + "/" + name
        }
    }

    /// Of all manifests: more than the largest application has.
    private static let mostLibraries = 2000

    /// A library that the application's command line names.
    func addLibrary(_ path: String) { libraries.append(path) }

    func read(_ name: String) throws(LogbackError) -> Resource? {
        for entry in entries {
            switch entry {
            case .folder(let folder):
                let path = folder + "/" + name
                guard FileManager.default.fileExists(atPath: path) else { continue }
                return Resource(bytes: try Self.bytes(ofFile: path), path: path)
            case .archive(let archive, let label, let prefix):
                let path = "\(label)!/\(prefix)\(name)"
                do {
                    let limit = ConfigurationLimits.fileBytes
                    if let bytes = try archive.read(prefix + name, limit: limit) {
                        return Resource(bytes: bytes, path: path)
                    }
                } catch { throw .unreadable(path: path, reason: "\(error)") }
            }
        }
        return nil
    }

    /// A file of a library within the archives.
    func readInLibraries(_ name: String) -> Resource? {
        if nestedEntries == nil { nestedEntries = openLibraries() }
        for (archive, label) in nestedEntries ?? [] {
            if let bytes = try? archive.read(name, limit: ConfigurationLimits.fileBytes) {
                return Resource(bytes: bytes, path: "\(label)!/\(name)")
            }
        }
        return nil
    }

    private func openLibraries() -> [(ZipArchive, String)] {
        var out: [(ZipArchive, String)] = []
        var room = ConfigurationLimits.nestedArchiveBytes
        for (archive, names) in nested {
            for name in names.prefix(ConfigurationLimits.nestedArchives) {
                guard let bytes = try? archive.read(name, limit: room),
                    let inner = try? ZipArchive(bytes)
                else { continue }
                room -= bytes.count
                out.append((inner, name))
            }
        }
        return out
    }

    /// A file of at most the bound.
    static func bytes(ofFile path: String) throws(LogbackError) -> [UInt8] {
        // Asked before it is opened: to open a pipe is to wait for whoever writes into it.
        guard FileManager.default.isPlainFile(path) != false else {
            throw .unreadable(path: path, reason: "this is no file")
        }
        guard let file = FileHandle(forReadingAtPath: path) else {
            let isThere = FileManager.default.fileExists(atPath: path)
            throw .unreadable(
                path: path,
                reason: isThere ? "it may not be read: permission denied" : "there is no such file")
        }
        defer { try? file.close() }
        let limit = ConfigurationLimits.fileBytes
        guard let data = try? file.read(upToCount: limit + 1) else { return [] }
        guard data.count <= limit else {
            throw .unreadable(path: path, reason: "more than \(limit >> 20) MiB")
        }
        return Array(data)
    }

    /// The version of a library by its file name: `logback-classic-1.5.18.jar`.
    func version(of library: String) -> Derived<String>? {
        for path in libraries {
            let name = path.split(separator: "/").last ?? ""
            guard name.hasPrefix(library + "-"), name.hasSuffix(".jar") else { continue }
            let version = name.dropFirst(library.count + 1).dropLast(4)
            if version.first?.isNumber == true { return Derived(String(version), path) }
        }
        return nil
    }

    /// An entry of a manifest: `Spring-Boot-Version`.
    func manifestEntry(_ key: String) -> Derived<String>? {
        for (text, origin) in manifests {
            for line in text.split(whereSeparator: \.isNewline) where line.hasPrefix(key + ":") {
                return Derived(line.dropFirst(key.count + 1).trimmed, origin)
            }
        }
        return nil
    }
}

extension FileManager {
    /// Nil where nothing is, or may be seen.
    fileprivate func isPlainFile(_ path: String) -> Bool? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return status.st_mode & S_IFMT == S_IFREG
    }
}
