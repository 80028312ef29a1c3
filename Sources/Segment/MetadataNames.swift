import Bytes
import LogModel

/// The names of structured metadata that a segment's entries have.
struct MetadataNames {
    /// Of more names none is told: a sender that makes them up would fill the directory.
    private static let most = 256

    private var names: Set<String> = []
    private var areAllTold = true

    mutating func note(_ entries: Entries) {
        guard areAllTold else { return }
        for set in entries.metadataSets {
            for label in set.pairs where !names.contains(label.name) {
                names.insert(label.name)
                areAllTold = names.count <= Self.most
                if !areAllTold { return }
            }
        }
    }

    func encode() -> [UInt8] {
        var out: [UInt8] = [areAllTold ? 1 : 0]
        let told = areAllTold ? names.sorted() : []
        out.appendVarint(UInt64(told.count))
        for name in told { out.appendString(name) }
        return out
    }

    /// Nil when not all are told.
    static func decode(_ bytes: [UInt8]) throws(BytesError) -> Set<String>? {
        var reader = ByteReader(bytes)
        let areAllTold = try reader.readUInt8() == 1
        var names: Set<String> = []
        for _ in 0..<(try reader.readCount(limit: most)) { names.insert(try reader.readString()) }
        return areAllTold ? names : nil
    }
}
