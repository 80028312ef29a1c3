import Bytes
import Glibc
import Segment

/// What became of some chunks.
struct Measurement {
    private var raw = 0
    private var stored = 0
    private var packed = 0
    private var asColumns = 0
    private var chunks = 0
    private var encoding = 0.0
    private var decoding = 0.0
    private var unpacking = 0.0

    static let head = """
        shape                 MB  kept as    ratio   zstd  size   encode   decode  zstd -d
        """

    init(_ chunks: [ShapedLines]) {
        for chunk in chunks where !chunk.bytes.isEmpty { add(chunk) }
    }

    private mutating func add(_ chunk: ShapedLines) {
        chunks += 1
        raw += chunk.bytes.count
        let whole = pack(chunk.bytes[...])
        packed += whole.count
        unpacking += Self.seconds { _ = unpack(whole, chunk.bytes.count) }
        var columns: [UInt8]?
        encoding += Self.seconds {
            columns = ColumnsEncoder.encode(
                lines: chunk.bytes, lineEnds: chunk.ends, timestamps: chunk.timestamps)
        }
        guard let columns else { return addFrames(chunk) }
        asColumns += 1
        stored += columns.count
        decoding += Self.seconds {
            let lines = try? ColumnsReader(columns).lines(
                0..<chunk.rows, timestamps: chunk.timestamps)
            precondition(lines?.bytes == chunk.bytes, "columns give back the lines they were given")
        }
    }

    /// Lines that do not pay as columns lie in frames of text, which end with the line that
    /// fills them.
    private mutating func addFrames(_ chunk: ShapedLines) {
        var start = 0
        for end in chunk.ends.map({ Int($0) })
        where end - start >= SegmentFormat.keptFrameBytes || end == chunk.bytes.count && end > start
        {
            let lines = chunk.bytes[start..<end]
            var frame: [UInt8] = []
            encoding += Self.seconds { frame = pack(lines) }
            stored += frame.count
            decoding += Self.seconds { _ = unpack(frame, lines.count) }
            start = end
        }
    }

    private func pack(_ lines: ArraySlice<UInt8>) -> [UInt8] {
        lines.withUnsafeBytes { Zstd.compress($0, level: 3) }
    }

    private func unpack(_ frame: [UInt8], _ size: Int) -> [UInt8] {
        frame.withUnsafeBytes { try? Zstd.decompress($0, rawSize: size) } ?? []
    }

    /// CPU time of this thread.
    private static func seconds(_ work: () -> Void) -> Double {
        func now() -> Double {
            var time = timespec()
            clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
            return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
        }
        let start = now()
        work()
        return now() - start
    }

    func row(_ name: String) -> String {
        func cell(_ text: String, _ width: Int) -> String {
            String(repeating: " ", count: max(1, width - text.count)) + text
        }
        func number(_ value: Double, _ places: Int, _ width: Int) -> String {
            let scale = places == 0 ? 1.0 : places == 1 ? 10 : 100
            let whole = Int((value * scale).rounded())
            let digits = String(whole % Int(scale) + Int(scale)).dropFirst()
            return cell(places == 0 ? String(whole) : "\(whole / Int(scale)).\(digits)", width)
        }
        let megabytes = Double(raw) / 1e6
        let kept = asColumns == chunks ? "columns" : asColumns == 0 ? "text" : "both"
        return name.prefix(18) + String(repeating: " ", count: max(0, 18 - name.count))
            + number(megabytes, 1, 6) + cell(kept, 9)
            + number(Double(raw) / Double(max(stored, 1)), 2, 9)
            + number(Double(raw) / Double(max(packed, 1)), 2, 7)
            + number(Double(stored) / Double(max(packed, 1)), 2, 6)
            + number(megabytes / max(encoding, 1e-9), 0, 9)
            + number(megabytes / max(decoding, 1e-9), 0, 9)
            + number(megabytes / max(unpacking, 1e-9), 0, 9)
    }
}
