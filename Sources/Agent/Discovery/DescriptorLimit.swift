import Foundation

/// How many files may be open at once. Every followed file holds a descriptor, so the limit of the
/// process is raised as far as it may be.
enum DescriptorLimit {
    /// Not more than this is asked for: the kernel keeps tables of that size.
    private static let most: rlim_t = 65_536
    /// Left to connections, the state folder and a look into folders.
    private static let reserve = 32
    /// A process that may open nearly nothing still follows some files.
    private static let fewest = 8

    /// Raises the soft limit of this process to the hard one; the files that may be followed at once.
    static func raise() -> Int {
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0 else { return fewest }
        let wanted = min(limit.rlim_max, max(most, limit.rlim_cur))
        if wanted > limit.rlim_cur {
            limit.rlim_cur = wanted
            setrlimit(resource, &limit)
            getrlimit(resource, &limit)
        }
        return max(fewest, Int(min(limit.rlim_cur, most)) - reserve)
    }
}
