import Bytes
import LogModel

/// A frame of text, unpacked as far as it was asked for. With thousands of short lines times and metadata cost
/// more than the lines: whoever looks for something looks at the lines first.
final class TextFrame: KeptFrame {
    let frame: Int
    let hasLines: Bool
    private let place: Frame
    private let lines: [UInt8]
    /// Pages T and M, until they are unpacked.
    private var head: [UInt8]
    private var known: Entries?

    /// Reads it, with its lines or without.
    init(
        _ frame: Int, _ place: Frame, withLines: Bool, read: SegmentReader.Read
    ) throws {
        self.frame = frame
        self.place = place
        hasLines = withLines
        let size = place.sizeT + place.sizeM
        let bytes = try read(place.offset..<place.offset + size + (withLines ? place.sizeL : 0))
        lines =
            withLines
            ? try Page.decode(
                bytes, size..<size + place.sizeL, limit: SegmentFormat.maxPageBytes) : []
        head = Array(bytes.prefix(size))
    }

    /// All of its rows, with their lines where it has them.
    func entries() throws -> Entries {
        if let known { return known }
        var entries = try FrameDecoder.head(head, place)
        if hasLines {
            guard lines.count == Int(entries.lineEnds.last ?? 0) else {
                throw SegmentError.corrupt("line bytes", offset: place.offset)
            }
            entries.lineBytes = lines
        }
        known = entries
        head = []
        return entries
    }

    /// Whether any line may fulfil a condition, as far as all of them together tell.
    func mayHold(_ question: LineQuestion) -> Bool {
        !hasLines || lines.withUnsafeBytes { question.mayHold(anyOf: $0) }
    }

    var memory: Int {
        lines.count + head.count + (known.map { $0.count * 16 + $0.metadataSets.count * 160 } ?? 0)
    }
}
