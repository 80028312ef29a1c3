import Foundation

extension FollowedFile {
    /// A path as folder and name.
    static func split(_ path: String) -> (folder: String, name: String) {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return ("", path) }
        return (String(path[..<slash]), String(path[path.utf8.index(after: slash)...]))
    }

    /// Of the folder in which the file stands now, wherever links lead; nil when nobody knows.
    var folderIdentity: FileIdentity? {
        let link = "/proc/self/fd/\(content.descriptor)"
        guard let path = try? FileManager.default.destinationOfSymbolicLink(atPath: link) else {
            return nil
        }
        return FileIdentity.status(of: Self.split(path).folder)?.identity
    }
}
