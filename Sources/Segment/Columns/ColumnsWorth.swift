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
    /// A first part of the lines may be worse than all of them, as dictionaries are small beside those; what
    /// is mostly values has none.
    private static let doubtfulIfDense = 1.2
    private static let doubtful = 1.03
    /// The share of lines that is the same in all of a template; with less, what they hold is values.
    private static let literalShare = 0.3
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

    /// `literal`: bytes of the lines that their templates tell.
    static func isMostlyValues(_ lines: [UInt8], literal: Int) -> Bool {
        Double(literal) < literalShare * Double(lines.count)
    }

    private static func packed(_ lines: [UInt8], _ range: Range<Int>) -> Int {
        lines.withUnsafeBytes {
            Zstd.compress(UnsafeRawBufferPointer(rebasing: $0[range]), level: 3).count
        }
    }

    /// Whether columns that take `size` bytes are so far from paying that nothing more need be known.
    private func isHopeless(_ size: Int, isDense: Bool) -> Bool {
        guard let expected else { return false }
        return Double(size) > Self.worthwhile(isDense) * Self.hopeless * expected
    }

    /// False when columns that take `size` bytes for the first of so many parts of the lines will hardly pay
    /// for all of them.
    func maySuffice(_ size: Int, ofFirst parts: Int, isDense: Bool) -> Bool {
        guard lines.count >= Self.manyBytes else {
            // Of few lines the first part is too small to be compared.
            return !isDense || !isHopeless(size * parts, isDense: true)
        }
        let plain = Self.packed(lines, 0..<lines.count / parts)
        let doubtful = isDense ? Self.doubtfulIfDense : Self.doubtful
        return Double(size) <= Self.worthwhile(isDense) * doubtful * Double(plain)
    }

    private static func worthwhile(_ isDense: Bool) -> Double {
        isDense ? worthwhileIfDense : worthwhile
    }

    /// Samples mostly tell; where they leave a doubt, all frames are tried. Lines of many strips, as
    /// stack traces are, repeat over more than a sample, and leave a doubt as well.
    func pays(_ size: Int, isDense: Bool, hasManyStrips: Bool) -> Bool {
        if isHopeless(size, isDense: isDense) { return false }
        if let expected, Double(size) < sampling.clearly * expected, !hasManyStrips { return true }
        var plain = 0
        var start = 0
        // Frames end with the line that fills them.
        for end in lineEnds.lazy.map({ Int($0) })
        where end - start >= SegmentFormat.keptFrameBytes || end == lines.count && end > start {
            plain += Self.packed(lines, start..<end)
            start = end
        }
        return Double(size) < Self.worthwhile(isDense) * Double(plain)
    }
}
