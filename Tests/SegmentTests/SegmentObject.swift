import LogModel
import Segment
import Synchronization

/// A segment in memory, as a test writes and reads it.
struct SegmentObject {
    var bytes: [UInt8]

    init(bytes: [UInt8]) { self.bytes = bytes }

    init(_ batches: [Batch], tenant: String = "t", level: Int = 0, attachment: [UInt8] = []) throws
    {
        var out: [UInt8] = []
        var writer = SegmentWriter(tenant: tenant, level: level) { out += $0 }
        for batch in batches { try writer.append(labels: batch.labels, entries: batch.entries) }
        _ = try writer.finish(attachment: attachment)
        bytes = out
    }

    func open() throws -> SegmentReader {
        let bytes = bytes
        return try SegmentReader(size: bytes.count) { Array(bytes[$0]) }
    }

    /// Everything that can be asked of the segment.
    func contents(_ projection: Selection.Projection = .lines) throws -> [Batch] {
        let reader = try open()
        return try reader.summary.streams.indices.map { stream in
            var entries = Entries()
            for slice in reader.slices(ofStream: stream) {
                try reader.load(slice, projection: projection, into: &entries)
            }
            return Batch(labels: reader.summary.streams[stream].labels, entries: entries)
        }
    }
}

extension Batch {
    var named: NamedRows { NamedRows(labels: labels, rows: entries.rows) }
}

/// A batch that can be compared.
struct NamedRows: Equatable {
    var labels: Labels
    var rows: [Row]
}
