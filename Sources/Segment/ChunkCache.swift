import LogModel
import Synchronization

/// What readers keep of a frame for whoever reads it next.
protocol KeptFrame: AnyObject {
    var frame: Int { get }
    /// Bytes of memory that it holds, about.
    var memory: Int { get }
}

/// Lines of a frame of text, unpacked.
final class TextFrame: KeptFrame {
    let frame: Int
    let entries: Entries
    let hasLines: Bool

    init(_ frame: Int, _ entries: Entries, hasLines: Bool) {
        self.frame = frame
        self.entries = entries
        self.hasLines = hasLines
    }

    var memory: Int {
        entries.lineBytes.count + entries.count * 16 + entries.metadataSets.count * 160
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
    }
    private let limitBytes: Int
    private let state = Mutex(State())

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
            var gone = 0
            while state.bytes > limitBytes, gone < state.kept.count {
                state.bytes -= state.kept[gone].bytes
                gone += 1
            }
            state.kept.removeFirst(gone)
        }
    }

    func forget(_ owner: ObjectIdentifier) {
        state.withLock { state in
            for kept in state.kept where kept.owner == owner { state.bytes -= kept.bytes }
            state.kept.removeAll { $0.owner == owner }
        }
    }
}
