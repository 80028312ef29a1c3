import Bytes
import LogModel

/// The read positions that a segment's pushes moved, as the segment's attachment: so that a lost
/// catalog can be rebuilt with them.
enum PositionList {
    static func encode(_ positions: [Position]) -> [UInt8] {
        var out: [UInt8] = []
        out.appendVarint(UInt64(positions.count))
        for position in positions {
            out.appendString(position.source)
            out.appendZigzag(position.offset)
            out.appendZigzag(position.events)
        }
        return out
    }

    static func decode(_ bytes: [UInt8]) throws(BytesError) -> [Position] {
        if bytes.isEmpty { return [] }
        var reader = ByteReader(bytes)
        var out: [Position] = []
        for _ in 0..<(try reader.readCount(limit: reader.remaining)) {
            out.append(
                Position(
                    source: try reader.readString(), offset: try reader.readZigzag(),
                    events: try reader.readZigzag()))
        }
        return out
    }

    /// The furthest of each source.
    static func furthest(_ positions: [Position]) -> [Position] {
        var best: [String: Position] = [:]
        for position in positions where (best[position.source]?.offset ?? -1) < position.offset {
            best[position.source] = position
        }
        return best.values.sorted { $0.source < $1.source }
    }
}
