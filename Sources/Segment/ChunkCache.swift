import Synchronization

/// COLUMNS chunks that nobody reads at the moment, of all segments that share the cache, with what
/// was unpacked of them: headers with templates, dictionaries, filters, the pages read last. The least
/// recently used go first.
package final class ChunkCache: Sendable {
    /// @unchecked: a chunk is in the list, or with the one thread that took it out.
    private struct Kept: @unchecked Sendable {
        var owner: ObjectIdentifier
        var chunk: ColumnsChunk
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

    /// Bytes that are kept, about.
    package var bytes: Int { state.withLock { $0.bytes } }

    /// Takes a chunk out, if it is there.
    func take(_ owner: ObjectIdentifier, frame: Int) -> ColumnsChunk? {
        state.withLock { state -> Kept? in
            guard
                let index = state.kept.lastIndex(where: {
                    $0.owner == owner && $0.chunk.frame == frame
                })
            else { return nil }
            let kept = state.kept.remove(at: index)
            state.bytes -= kept.bytes
            return kept
        }?.chunk
    }

    func put(_ owner: ObjectIdentifier, _ chunk: ColumnsChunk) {
        let new = Kept(owner: owner, chunk: chunk, bytes: chunk.memory)
        state.withLock { state in
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
