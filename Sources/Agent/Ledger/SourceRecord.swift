import Foundation
import LogModel
import Logback

/// A source as the state folder remembers it.
struct SourceRecord: Codable, Sendable {
    var id: String
    var identity: FileIdentity
    var fingerprint: Fingerprint
    var path: String
    /// Acknowledged by the server: what counts with a server that keeps no positions, and a hint
    /// otherwise.
    var offset: Int64
    /// The clock of the source at `offset`.
    var events: Int64
    /// Read to its end, which will not move any more; or closed until it grows.
    var isFinished: Bool
    /// Seconds since the epoch of the last change here.
    var touched: Int64

    // Below is what state folders of the first agents lack.

    /// The bytes before an offset that the server has.
    var mark: ContentMark?
    /// The largest size that was seen.
    var size: Int64?
    /// The clock at the start of the file, handed on by its predecessor.
    var seed: Int64?
    /// The source before this one under the same name, as long as its clock is awaited.
    var predecessor: String?
    /// Rises with every source that is followed.
    var order: Int64?
    /// Tells apart files of one stream that are written at the same time.
    var lane: Int64?
    /// The source has shown headers.
    var hasHeaders: Bool?
    /// Stamps alone are headers in it, though levels came later.
    var hasBareStamps: Bool?
    /// A stamp with a date stands in what its fingerprint is of: what begins like it and has its last bytes is
    /// a copy.
    var hasDates: Bool?
    /// Other content stands in its file: it was truncated in place. Its rest may stand in a copy.
    var isDetached: Bool?
    /// The content stands in the spool, not in a file of the application's, from this offset on.
    var spooledFrom: Int64?
    /// Noted in the ledger as shipped up to here.
    var ledgered: Int64?
    /// A new configuration does not ask for it: it rests until a pattern names it again.
    var isLeft: Bool?

    /// What the source of agent.yaml asks for that it belongs to (`SourceGroup.key`).
    var group: String?

    /// Where the file stood, when its path led to it over links.
    var place: String?

    /// Another file had its name, or it had none, when `size` was looked at: its end is known.
    var isRolled: Bool?
    /// The newest rolled name of its family when it began under another one: its own comes next.
    var rollBefore: String?

    init(id: String, identity: FileIdentity, path: String, touched: Int64) {
        self.id = id
        self.identity = identity
        self.path = path
        self.touched = touched
        fingerprint = Fingerprint([])
        offset = 0
        events = 0
        isFinished = false
    }

    /// What its lines have shown.
    var known: EventAssembler.Known {
        .init(hasSeenHeader: hasHeaders ?? false, hasBareStamps: hasBareStamps ?? false)
    }

    /// Where a line's stamp ends, at most.
    private static let mostStampBytes: Int64 = 64

    mutating func note(_ known: EventAssembler.Known) {
        hasHeaders = known.hasSeenHeader
        if known.hasBareStamps { hasBareStamps = true }
        if let line = known.firstDate, line + Self.mostStampBytes <= Int64(Fingerprint.length) {
            hasDates = true
        }
    }

    var folder: String { FollowedFile.split(path).folder }
    var name: String { FollowedFile.split(path).name }

    /// What a file and its rolls have in common.
    var family: String { Self.family(of: path) }

    static func family(of path: String) -> String {
        let (folder, name) = FollowedFile.split(path)
        return folder + "/" + RolledName.root(of: name)
    }

    /// Bytes that are known to be missing; nil when nobody knows.
    var unread: Int64? { size.map { max(0, $0 - offset) } }

    /// True when the content begins as the source did, and has the bytes that were read last.
    func matches(_ content: FileContent, first: [UInt8]) -> Bool {
        fingerprint.matches(first) && (mark?.matches(content) ?? true)
    }
}
