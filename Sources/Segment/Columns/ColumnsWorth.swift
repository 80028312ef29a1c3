import Bytes

/// Tells whether lines are worth the structure of columns: clearly smaller than frames of zstd, and
/// the more so the slower they are to be read.
struct ColumnsWorth {
    /// More than this of zstd's size, and columns do not pay.
    private static let worthwhile = 0.9
    /// The same for lines of little but values, which are slower to read from columns than from
    /// frames: that must be paid for.
    private static let worthwhileIfDense = 0.6
    /// Line bytes for each value and strip, from which on columns are read as fast as frames.
    private static let looseBytes = 12
    /// Lines shorter than this on average have nothing that a structure could tell.
    private static let shortest = 4
    /// Samples are too small for zstd to do its best: less than some share of what they promise is less than
    /// frames would take.
    private struct Sampling {
        var bytes: Int
        var clearly: Double
    }
    private static let small = Sampling(bytes: 32 * 1024, clearly: 0.5)
    /// From this size on zstd has nearly its best settings, and samples leave few doubts: trying all frames costs
    /// as much as encoding the columns does.
    private static let large = Sampling(bytes: 128 * 1024, clearly: 0.65)
    /// Lines of which large samples are a small part.
    private static let manyBytes = 1024 * 1024
    /// Now and then frames take more than samples promise, but not by so much.
    private static let hopeless = 1.25
    private static let samples = 2

    private let lines: [UInt8]
    private let lineEnds: [UInt32]
    /// What frames of zstd take, or somewhat more; nil for lines too few for samples.
    private let expected: Double?
    private let sampling: Sampling

    init(_ lines: [UInt8], _ lineEnds: [UInt32]) {
        self.lines = lines
        self.lineEnds = lineEnds
        sampling = lines.count >= Self.manyBytes ? Self.large : Self.small
        let bytes = sampling.bytes
        guard lines.count >= Self.samples * bytes * 2 else {
            expected = nil
            return
        }
        var size = 0
        for sample in 1...Self.samples {
            let start = (lines.count - bytes) / (Self.samples + 1) * sample
            size += Self.packed(lines, start..<start + bytes)
        }
        expected = Double(size) * Double(lines.count) / Double(Self.samples * bytes)
    }

    static func areTooShort(_ lines: [UInt8], _ lineEnds: [UInt32]) -> Bool {
        lines.count < shortest * lineEnds.count
    }

    static func isDense(_ lines: [UInt8], values: Int, strips: Int) -> Bool {
        lines.count < looseBytes * (values + strips)
    }

    private static func packed(_ lines: [UInt8], _ range: Range<Int>) -> Int {
        lines.withUnsafeBytes {
            Zstd.compress(UnsafeRawBufferPointer(rebasing: $0[range]), level: 3).count
        }
    }

    /// Whether columns that take `size` bytes, for a share of the lines, are so far from paying that
    /// nothing more need be known.
    func isHopeless(_ size: Int, share: Double, isDense: Bool) -> Bool {
        guard let expected else { return false }
        let worthwhile = isDense ? Self.worthwhileIfDense : Self.worthwhile
        return Double(size) > worthwhile * Self.hopeless * expected * share
    }

    /// Samples mostly tell; where they leave a doubt, all frames are tried. Lines of many strips, as
    /// stack traces are, repeat over more than a sample, and leave a doubt as well.
    func pays(_ size: Int, isDense: Bool, hasManyStrips: Bool) -> Bool {
        if isHopeless(size, share: 1, isDense: isDense) { return false }
        if let expected, Double(size) < sampling.clearly * expected, !hasManyStrips { return true }
        var plain = 0
        var start = 0
        // Frames end with the line that fills them.
        for end in lineEnds.lazy.map({ Int($0) })
        where end - start >= SegmentFormat.keptFrameBytes || end == lines.count && end > start {
            plain += Self.packed(lines, start..<end)
            start = end
        }
        let worthwhile = isDense ? Self.worthwhileIfDense : Self.worthwhile
        return Double(size) < worthwhile * Double(plain)
    }
}
