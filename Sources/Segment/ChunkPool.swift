import Synchronization

/// COLUMNS chunks that nobody reads at the moment, of all segments: slices beside each other are
/// mostly asked for one after the other.
final class ChunkPool: Sendable {
    /// What is kept in all, in chunks: a few MB each, however many segments there are.
    private static let most = 6
    static let shared = ChunkPool()

    /// @unchecked: a chunk is in the list, or with the one thread that took it out.
    private struct Kept: @unchecked Sendable {
        var owner: ObjectIdentifier
        var chunk: ColumnsChunk
    }
    /// The last used at the end.
    private let kept = Mutex<[Kept]>([])

    /// Takes a chunk out, if it is there.
    func take(_ owner: ObjectIdentifier, frame: Int) -> ColumnsChunk? {
        kept.withLock { kept in
            kept.firstIndex { $0.owner == owner && $0.chunk.frame == frame }
                .map { kept.remove(at: $0) }
        }?.chunk
    }

    func put(_ owner: ObjectIdentifier, _ chunk: ColumnsChunk) {
        let new = Kept(owner: owner, chunk: chunk)
        kept.withLock { kept in
            kept.append(new)
            if kept.count > Self.most { kept.removeFirst() }
        }
    }

    func forget(_ owner: ObjectIdentifier) {
        kept.withLock { $0.removeAll { $0.owner == owner } }
    }
}
