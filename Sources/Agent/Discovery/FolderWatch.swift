import CFiles
import Foundation

/// The kernel's news of folders (inotify(7)): which names in them were made, changed or taken away.
/// Whatever it cannot tell is found by the sweep: folders that cannot be watched, news that did not
/// fit into the kernel's queue. Owned by discovery's thread.
final class FolderWatch {
    enum News: Equatable {
        /// Something under this name is new, gone or other than it was.
        case name(folder: String, name: String)
        /// Bytes were added to the file under this name.
        case growth(folder: String, name: String)
        /// A folder came or went: patterns may reach other places now.
        case folders
        /// News were lost.
        case overflow
    }

    /// Why folders are swept more often instead of being watched; each is told once.
    enum Blindness: Hashable, CustomStringConvertible {
        case system(Int32)
        case remote

        var description: String {
            switch self {
            case .system(ENOSPC):
                "the limit of watches is reached: raise fs.inotify.max_user_watches"
            case .system(EMFILE):
                "the limit of inotify instances is reached: raise fs.inotify.max_user_instances"
            case .system(let code): String(cString: strerror(code))
            case .remote: "the file system is shared with other machines, whose writes are not told"
            }
        }
    }

    private let descriptor: Int32
    private static let foldersMask = UInt32(
        IN_CREATE | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR | IN_MASK_ADD)

    /// Folders by watch: two paths may lead to one folder.
    private var folders: [Int32: Set<String>] = [:]
    private var watches: [String: Int32] = [:]
    /// What each path led to when its watch began: a link may lead elsewhere by now.
    private var identities: [String: FileIdentity] = [:]
    /// Of these, folders in which only folders are waited for.
    private var awaiting: Set<String> = []
    /// Folders that are not watched, and why.
    private(set) var blind: [String: Blindness] = [:]
    private let startError: Int32

    private static let mask = UInt32(
        IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB
            | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)
    /// A kernel's event without its name: int32 watch, uint32 mask, uint32 cookie, uint32 length.
    private static let headBytes = 16
    /// Read at once: some hundreds of events.
    private static let blockBytes = 64 * 1024

    init() {
        descriptor = inotify_init1(Int32(IN_NONBLOCK | IN_CLOEXEC))
        startError = descriptor < 0 ? errno : 0
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Folders that are watched.
    var count: Int { watches.count }

    /// For everything that happens in it.
    func isWatched(_ folder: String) -> Bool {
        watches[folder] != nil && !awaiting.contains(folder)
    }

    /// Watches a folder from now on; what is listed afterwards is complete. The reason when it cannot
    /// be watched, the first time it is asked for.
    func watch(_ folder: String) -> Blindness? {
        let identity = FileIdentity.status(of: folder)?.identity
        if isWatched(folder) {
            if identity == nil || identity == identities[folder] { return nil }
            leave(folder)
        }
        let reason: Blindness
        if cfiles_is_remote(folder) {
            reason = .remote
        } else if descriptor < 0 {
            reason = .system(startError)
        } else {
            let watch = inotify_add_watch(descriptor, folder, Self.mask)
            if watch >= 0 {
                watches[folder] = watch
                folders[watch, default: []].insert(folder)
                identities[folder] = identity
                awaiting.remove(folder)
                blind[folder] = nil
                return nil
            }
            // Gone, or none that may be read: the sweep comes to the same.
            if errno == ENOENT || errno == ENOTDIR || errno == EACCES { return nil }
            reason = .system(errno)
        }
        let isNews = blind[folder] == nil
        blind[folder] = reason
        return isNews ? reason : nil
    }

    /// Tells when folders, and links to folders, come in this one.
    func watchForFolders(_ folder: String) {
        guard descriptor >= 0, watches[folder] == nil else { return }
        let watch = inotify_add_watch(descriptor, folder, Self.foldersMask)
        // What cannot be watched is swept, as ever.
        guard watch >= 0 else { return }
        watches[folder] = watch
        folders[watch, default: []].insert(folder)
        awaiting.insert(folder)
    }

    /// Stops watching what the patterns do not reach any more.
    func keep(_ reached: Set<String>) {
        for folder in watches.keys where !reached.contains(folder) { leave(folder) }
        for folder in blind.keys where !reached.contains(folder) { blind[folder] = nil }
    }

    private func leave(_ folder: String) {
        guard let watch = watches[folder] else { return }
        watches[folder] = nil
        identities[folder] = nil
        awaiting.remove(folder)
        folders[watch]?.remove(folder)
        if folders[watch]?.isEmpty ?? true {
            folders[watch] = nil
            inotify_rm_watch(descriptor, watch)
        }
    }

    /// Waits until there is news, at most so long.
    func wait(milliseconds: Int32) {
        guard descriptor >= 0 else {
            usleep(UInt32(milliseconds) * 1000)
            return
        }
        var descriptors = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        poll(&descriptors, 1, milliseconds)
    }

    /// All news since the last call.
    func news() -> [News] {
        guard descriptor >= 0 else { return [] }
        var news: [News] = []
        var block = [UInt8](repeating: 0, count: Self.blockBytes)
        while true {
            let count = read(descriptor, &block, block.count)
            guard count > 0 else { return news }
            take(block[..<count], &news)
            if count < Self.blockBytes / 2 { return news }
        }
    }

    private func take(_ block: ArraySlice<UInt8>, _ news: inout [News]) {
        func word(_ at: Int) -> UInt32 {
            (0..<4).reduce(0) { $0 | UInt32(block[at + $1]) << (8 * UInt32($1)) }
        }
        var at = block.startIndex
        while at + Self.headBytes <= block.endIndex {
            let watch = Int32(bitPattern: word(at))
            let mask = Int32(bitPattern: word(at + 4))
            let end = at + Self.headBytes + Int(word(at + 12))
            guard end <= block.endIndex else { return }
            let name = String(
                decoding: block[(at + Self.headBytes)..<end].prefix { $0 != 0 }, as: UTF8.self)
            at = end
            if mask & IN_Q_OVERFLOW != 0 { add(.overflow, &news) }
            if mask & (IN_IGNORED | IN_DELETE_SELF | IN_MOVE_SELF) != 0 {
                forget(watch, isGone: mask & IN_IGNORED != 0)
                add(.folders, &news)
            } else if mask & IN_ISDIR != 0 {
                if mask & IN_ATTRIB == 0 || mask & IN_CREATE != 0 { add(.folders, &news) }
            } else {
                for folder in folders[watch] ?? [] {
                    // A link to a folder, as `current` of deployments, is told as a file.
                    if mask & (IN_CREATE | IN_MOVED_TO) != 0,
                        FileIdentity.isFolder(folder + "/" + name) == true
                    {
                        add(.folders, &news)
                    }
                    add(
                        mask & ~IN_MODIFY == 0
                            ? .growth(folder: folder, name: name)
                            : .name(folder: folder, name: name), &news)
                }
            }
        }
    }

    private func add(_ one: News, _ news: inout [News]) {
        if news.last != one { news.append(one) }
    }

    private func forget(_ watch: Int32, isGone: Bool) {
        for folder in folders[watch] ?? [] {
            watches[folder] = nil
            identities[folder] = nil
            awaiting.remove(folder)
        }
        folders[watch] = nil
        if !isGone { inotify_rm_watch(descriptor, watch) }
    }
}
