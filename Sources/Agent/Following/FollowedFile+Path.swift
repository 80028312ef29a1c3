extension FollowedFile {
    /// A path as folder and name.
    static func split(_ path: String) -> (folder: String, name: String) {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return ("", path) }
        return (String(path[..<slash]), String(path[path.utf8.index(after: slash)...]))
    }

    /// Of the folder in which the file stands now, wherever links lead; nil when nobody knows.
    var folderIdentity: FileIdentity? {
        FileIdentity.path(of: content.descriptor).flatMap {
            FileIdentity.status(of: Self.split($0).folder)?.identity
        }
    }
}
