import LogModel
import Logback

/// Reads a file whose stamps tell no date from the first of them to its end, to learn when it began:
/// from the time it was last written back over every midnight. It happens once for a file, at its
/// beginning, and costs as much as reading what is there by then.
struct DateSurvey {
    /// Nanoseconds; nil when the file cannot be read.
    let start: Int64?

    /// `assembler`: in front of the first stamp. `base`: the offset of the content's first byte.
    init(of content: FileContent, from assembler: EventAssembler, base: Int64, name: String) {
        var assembler = assembler
        guard let status = FileIdentity.status(of: content.descriptor) else {
            start = nil
            return
        }
        let modified = status.modified * Nanoseconds.second
        if content.kind == .plain {
            // What comes later was not there at the time of that modification.
            while assembler.offset < status.size {
                let left = Int(min(Int64(FileContent.blockBytes), status.size - assembler.offset))
                let block = FileContent.read(
                    content.descriptor, at: assembler.offset, count: left)
                guard !block.isEmpty else { break }
                _ = assembler.add(block, now: modified)
            }
        } else {
            var stream = UnpackedStream(descriptor: content.descriptor, kind: content.kind)
            var toSkip = Int(clamping: assembler.offset - base)
            while let block = stream.next(FileContent.blockBytes) {
                let skipped = min(toSkip, block.count)
                toSkip -= skipped
                _ = assembler.add(block[skipped...], now: modified)
            }
        }
        _ = assembler.finish(now: modified)
        start = assembler.dateless.start(
            modified: modified, lastDay: RolledName.day(of: name), zone: assembler.zoneRule)
    }
}
