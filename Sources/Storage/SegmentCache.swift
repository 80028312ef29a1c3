import Segment
import Synchronization

/// A segment that is open for reading.
struct OpenSegment: Sendable {
    let record: SegmentRecord
    let reader: SegmentReader
    let shared: SharedFrames

    init(_ record: SegmentRecord, _ reader: SegmentReader) {
        self.record = record
        self.reader = reader
        shared = SharedFrames(reader)
    }
}

/// Readers with their directories, kept up to a number of bytes; the least recently used go first.
/// Whoever holds a reader keeps it, and its file, alive.
final class SegmentCache: Sendable {
    private struct Kept {
        var segment: OpenSegment
        var used: UInt64
    }
    private struct State {
        var kept: [String: Kept] = [:]
        var bytes = 0
        var clock: UInt64 = 0
    }

    private let store: FileObjectStore
    private let limitBytes: Int
    private let limitFiles: Int
    private let state = Mutex(State())
    private let chunks: ChunkCache
    private let labelSets: LabelSets

    init(
        store: FileObjectStore, limitBytes: Int, limitFiles: Int, chunkBytes: Int,
        labelSets: LabelSets
    ) {
        self.labelSets = labelSets
        chunks = ChunkCache(limitBytes: chunkBytes)
        self.store = store
        self.limitBytes = limitBytes
        self.limitFiles = limitFiles
    }

    func open(_ record: SegmentRecord) throws -> OpenSegment {
        let found = state.withLock { state -> OpenSegment? in
            state.clock += 1
            state.kept[record.object]?.used = state.clock
            return state.kept[record.object]?.segment
        }
        if let found { return found }
        let file = try store.open(record.object)
        let segment: OpenSegment
        do {
            segment = OpenSegment(
                record,
                try SegmentReader(size: file.size, chunks: chunks, share: labelSets.shared) {
                    try file.read($0)
                })
        } catch let error as SegmentError {
            throw StorageError.corrupt(object: record.object, detail: "\(error)")
        }
        state.withLock { state in
            state.clock += 1
            if state.kept[record.object] == nil { state.bytes += segment.reader.directoryBytes }
            state.kept[record.object] = Kept(segment: segment, used: state.clock)
            while state.bytes > limitBytes || state.kept.count > limitFiles,
                let oldest = state.kept.min(by: { $0.value.used < $1.value.used })
            {
                state.bytes -= oldest.value.segment.reader.directoryBytes
                state.kept[oldest.key] = nil
            }
        }
        return segment
    }

    func forget(_ object: String) {
        state.withLock { state in
            guard let gone = state.kept.removeValue(forKey: object) else { return }
            state.bytes -= gone.segment.reader.directoryBytes
        }
    }
}
