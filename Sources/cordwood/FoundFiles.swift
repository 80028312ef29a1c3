import Foundation

/// The files of an appender that are there now, the oldest first.
struct FoundFiles {
    struct File {
        var path: String
        var sizeBytes: Int64
        /// Seconds since the epoch.
        var modified: Double
        var isPacked: Bool
    }

    private(set) var files: [File] = []
    /// Files, or folders of theirs, that this user may not read.
    private(set) var unreadable: [String] = []

    init(_ patterns: [String]) {
        var seen: Set<String> = []
        for pattern in patterns {
            for candidate in [pattern, pattern + ".gz", pattern + ".zip", pattern + ".xz"] {
                for path in Self.expand(candidate) where seen.insert(path).inserted { note(path) }
            }
            let folder = (pattern as NSString).deletingLastPathComponent
            if access(folder, F_OK) == 0, access(folder, R_OK | X_OK) != 0,
                !unreadable.contains(folder)
            {
                unreadable.append(folder)
            }
        }
        files.sort { $0.modified < $1.modified }
    }

    private static func expand(_ pattern: String) -> [String] {
        var found = glob_t()
        defer { globfree(&found) }
        guard glob(pattern, GLOB_NOSORT, nil, &found) == 0 else { return [] }
        return (0..<Int(found.gl_pathc)).compactMap { index in
            found.gl_pathv[index].map { String(cString: $0) }
        }
    }

    private mutating func note(_ path: String) {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return }
        if access(path, R_OK) != 0 { unreadable.append(path) }
        files.append(
            File(
                path: path, sizeBytes: Int64(status.st_size),
                modified: Double(status.st_mtim.tv_sec) + Double(status.st_mtim.tv_nsec) / 1e9,
                isPacked: [".gz", ".zip", ".xz"].contains(where: path.hasSuffix)))
    }

    /// What packed text is counted as, in bytes of text for each: logs pack to about a tenth.
    private static let packedFactor: Int64 = 10
    private static let day = 86_400.0

    /// Bytes a second of the last day with files, by their sizes and the times of their last changes;
    /// nil when one file alone says nothing.
    var bytesPerSecond: Double? {
        guard let newest = files.last else { return nil }
        let recent = files.filter { newest.modified - $0.modified <= Self.day }
        guard let oldest = recent.first, newest.modified - oldest.modified >= 1 else { return nil }
        let bytes = recent.dropFirst().reduce(Int64(0)) { sum, file in
            sum + file.sizeBytes * (file.isPacked ? Self.packedFactor : 1)
        }
        return Double(bytes) / (newest.modified - oldest.modified)
    }
}
