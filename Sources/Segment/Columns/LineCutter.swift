/// What a byte is to the cutter. Tokens are runs of `[A-Za-z0-9_.-]`.
enum CutClass {
    static let token: UInt8 = 1
    static let digit: UInt8 = 2
    /// A byte above ASCII: words of most languages are made of these.
    static let high: UInt8 = 4

    static let table: [UInt8] = (0...255).map { byte in
        switch UInt8(byte) {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): token | digit
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "-"):
            token
        case 128...: high
        default: 0
        }
    }

    static func isToken(_ byte: UInt8) -> Bool { table[Int(byte)] & token != 0 }
}

/// A hole of a line, as offsets in the chunk; the highest bit of `start` marks a time.
struct Hole: BitwiseCopyable {
    static let timeBit: UInt32 = 1 << 31

    var marked: UInt32
    var end: UInt32

    @inline(__always) var start: Int { Int(marked & ~Self.timeBit) }
    @inline(__always) var isTime: Bool { marked & Self.timeBit != 0 }
}

/// Cuts lines to static pieces and holes, without looking at other lines: a token with a digit is
/// a hole, a time is one hole whatever it consists of, all the rest is static.
struct LineCutter {
    static let mostHoles = 250

    private let text: UnsafePointer<UInt8>
    private let classes: UnsafePointer<UInt8>

    init(text: UnsafePointer<UInt8>, classes: UnsafePointer<UInt8>) {
        self.text = text
        self.classes = classes
    }

    /// Appends the holes of a line and gives the hash of its pieces, nil when it has too many.
    @inline(__always)
    func cut(_ line: Range<Int>, holes: inout RawList<Hole>) -> UInt64? {
        var hash: UInt64 = 0x51_7c_c1_b7_27_22_0a_95
        let end = line.upperBound
        var at = line.lowerBound
        var piece = at
        let before = holes.count
        while at < end {
            if classes[Int(text[at])] & CutClass.token == 0 {
                at += 1
                continue
            }
            let token = at
            var seen = CutClass.token
            var next = classes[Int(text[at])]
            while next & CutClass.token != 0 {
                seen |= next
                at += 1
                guard at < end else { break }
                next = classes[Int(text[at])]
            }
            if seen & CutClass.digit == 0 { continue }
            var mark: UInt32 = 0
            if let time = timeEnd(token, at, end) {
                at = time
                mark = Hole.timeBit
            }
            hash = ByteRun.hash(text + piece, token - piece, seed: hash ^ UInt64(mark))
            holes.append(
                Hole(
                    marked: UInt32(truncatingIfNeeded: token) | mark,
                    end: UInt32(truncatingIfNeeded: at)))
            piece = at
        }
        guard holes.count - before <= Self.mostHoles else { return nil }
        return ByteRun.hash(text + piece, end - piece, seed: ~hash)
    }

    /// Most tokens are told apart from the beginning of a time by their size alone.
    @inline(__always)
    private func timeEnd(_ token: Int, _ at: Int, _ end: Int) -> Int? {
        guard at < end else { return nil }
        switch at - token {
        case 13 where text[at] == UInt8(ascii: ":") && text[token + 10] == UInt8(ascii: "T"),
            10 where text[at] == UInt8(ascii: " ") && text[token + 4] == UInt8(ascii: "-"),
            2 where text[at] == UInt8(ascii: "/"):
            guard let time = LineTime.scan(text + token, limit: end - token) else { return nil }
            return token + time.size
        default: return nil
        }
    }
}
