import Foundation

/// `configtree:/etc/config/`, as secrets and configurations of containers are mounted: each file is a
/// setting, its path below the folder is the name, and its content the value.
///
///     /etc/config/logging/file/name   →   logging.file.name
extension SpringSettings {
    /// What the import of a tree names, without `optional:`; nil for any other import.
    static func tree(_ location: String) -> String? {
        let prefix = "configtree:"
        guard location.hasPrefix(prefix) else { return nil }
        var path = String(location.dropFirst(prefix.count))
        if path.hasPrefix("file:") { path = String(path.dropFirst("file:".count)) }
        while !path.isEmpty, path.hasSuffix("/") { path.removeLast() }
        return path.isEmpty ? nil : path
    }

    /// The settings in a tree; nil when there is no such folder. Throws when it has too many.
    static func document(ofTree folder: String) throws(LogbackError) -> Document? {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder),
            isFolder.boolValue
        else { return nil }
        var document = Document()
        try take(folder, "", 0, &document)
        return document
    }

    private static func take(
        _ folder: String, _ prefix: String, _ depth: Int, _ document: inout Document
    ) throws(LogbackError) {
        // Links may lead in circles.
        guard depth < ConfigurationLimits.includeDepth else { return }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        // Two points: what Kubernetes keeps the versions of a volume under, whose files are linked.
        for name in names.sorted() where !name.hasPrefix("..") {
            let path = folder + "/" + name
            var isFolder: ObjCBool = false
            guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
                continue
            }
            if isFolder.boolValue {
                try take(path, prefix + name + ".", depth + 1, &document)
                continue
            }
            guard document.values.count < ConfigurationLimits.settings else {
                throw .invalid(
                    place: folder, reason: "more than \(ConfigurationLimits.settings) settings")
            }
            // A larger one, such as a key store, is no setting of the logging.
            let attributes = try? FileManager.default.attributesOfItem(atPath: path)
            guard let size = attributes?[.size] as? Int, size <= ConfigurationLimits.valueBytes,
                let content = FileManager.default.contents(atPath: path)
            else { continue }
            var value = String(decoding: content, as: UTF8.self)
            if value.hasSuffix("\n") || value.hasSuffix("\r\n") { value.removeLast() }
            document.values[canonical(prefix + name)] = Derived(value, path)
        }
    }
}
