import LogModel
import Synchronization

/// What readers keep of a frame for whoever reads it next.
protocol KeptFrame: AnyObject {
    var frame: Int { get }
    /// Bytes of memory that it holds, about.
    var memory: Int { get }
}

/// Sums over minutes of many streams, which the panels of a dashboard ask for again and again.
final class MinuteSums: KeptFrame {
    /// Below all frames.
    static let place = -1
    /// One question about all that a server holds asks for a few, by label.
    private static let most = 32
    /// Bytes of one segment's: a sixteenth of what a server keeps of all chunks.
    private static let mostBytes = 4 * 1024 * 1024

    var frame: Int { Self.place }
    private var kept: [(streams: [Int], run: MinuteRun, memory: Int)] = []

    var memory: Int { kept.reduce(0) { $0 + $1.memory } }

    subscript(streams: [Int]) -> MinuteRun? { kept.last { $0.streams == streams }?.run }

    func keep(_ run: MinuteRun, of streams: [Int]) {
        var counts = 0
        run.forEach { _, _, _, _ in counts += 1 }
        kept.append((streams, run, streams.count * 8 + counts * 32))
        while kept.count > Self.most || memory > Self.mostBytes { kept.removeFirst() }
    }
}

/// Frames that nobody reads at the moment, of all segments that share the cache: text as it was
/// unpacked, and COLUMNS chunks with their headers, dictionaries, filters, and the pages read last.
/// The least recently used go first.
package final class ChunkCache: Sendable {
    /// @unchecked: a frame is in the list, or with the one thread that took it out.
    private struct Kept: @unchecked Sendable {
        var owner: ObjectIdentifier
        var frame: any KeptFrame
        var bytes: Int
    }
    private struct State {
        /// The last used at the end.
        var kept: [Kept] = []
        var bytes = 0
        /// Those that are being merged.
        var merging: Set<ObjectIdentifier> = []

        /// Takes out the least recently used, of some or of all, until what they hold is within a limit.
        mutating func shrink(to limit: Int, _ isMeant: (Kept) -> Bool = { _ in true }) {
            var excess = kept.reduce(-limit) { $0 + (isMeant($1) ? $1.bytes : 0) }
            kept.removeAll { frame in
                guard excess > 0, isMeant(frame) else { return false }
                excess -= frame.bytes
                bytes -= frame.bytes
                return true
            }
        }
    }
    /// Bytes that merges keep at most: each chunk is read once, but by one stream after the other. What comes in
    /// between must not drive out what queries ask for again.
    private static let mergedBytes = 16 * 1024 * 1024
    private let limitBytes: Int
    private let state = Mutex(State())
    let shapes = ShapeNumbers()

    package init(limitBytes: Int) { self.limitBytes = limitBytes }

    /// Takes a frame out, if it is there.
    func take(_ owner: ObjectIdentifier, frame: Int) -> (any KeptFrame)? {
        state.withLock { state -> Kept? in
            guard
                let index = state.kept.lastIndex(where: {
                    $0.owner == owner && $0.frame.frame == frame
                })
            else { return nil }
            let kept = state.kept.remove(at: index)
            state.bytes -= kept.bytes
            return kept
        }?.frame
    }

    func put(_ owner: ObjectIdentifier, _ frame: any KeptFrame) {
        let new = Kept(owner: owner, frame: frame, bytes: frame.memory)
        state.withLock { state in
            // Of text one frame is enough: merging reads a segment from front to back, and must not
            // drive out what queries ask for again.
            if frame is TextFrame {
                state.kept.removeAll { kept in
                    guard kept.owner == owner, kept.frame is TextFrame else { return false }
                    state.bytes -= kept.bytes
                    return true
                }
            }
            state.kept.append(new)
            state.bytes += new.bytes
            if state.merging.contains(owner) {
                let merging = state.merging
                state.shrink(to: Self.mergedBytes) { merging.contains($0.owner) }
            }
            if state.bytes > limitBytes { state.shrink(to: limitBytes) }
        }
    }

    /// What is read of a segment from now on, until it is forgotten, is read to be merged.
    func beginMerge(_ owner: ObjectIdentifier) {
        state.withLock { _ = $0.merging.insert(owner) }
    }

    func forget(_ owner: ObjectIdentifier) {
        state.withLock { state in
            state.merging.remove(owner)
            state.shrink(to: 0) { $0.owner == owner }
        }
    }
}
