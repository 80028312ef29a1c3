import Bytes

/// Cuts blocks of a file into lines. A line that is longer than the bound comes in pieces, cut between
/// characters: nothing is lost. Offsets count bytes from the start of the file, whatever the encoding.
///
/// Zeros in front of a line are left out of its text, not of its range: a writer that does not append
/// leaves a hole of that length when its file is truncated, and a power cut may leave some too.
package struct LineSplitter {
    package struct Line: Sendable {
        /// Without its line end; UTF-8, unless the bytes of a file in UTF-8 are none.
        package var text: [UInt8]
        package var from: Int64
        /// Behind the line end.
        package var to: Int64
        /// False for the pieces of an overlong line but the first.
        package var startsLine: Bool
    }

    private let maxLineBytes: Int
    private let unit: TextEncoding.Unit
    private let decoder: TextDecoder?
    private var rest: [UInt8] = []
    private var restFrom: Int64
    /// Zeros between `restFrom` and the bytes of `rest`.
    private var hole: Int64 = 0
    private var restStartsLine = true
    /// No line ends before this offset of `rest`.
    private var searched = 0

    /// The mark of byte order in UTF-8: Java writes it in front of every event in UTF-16.
    private static let mark: [UInt8] = [0xef, 0xbb, 0xbf]

    /// `startsLine`: false when the byte before `offset` ends no line.
    package init(
        offset: Int64, maxLineBytes: Int, encoding: TextEncoding = .utf8, startsLine: Bool = true
    ) {
        restFrom = offset
        restStartsLine = startsLine
        self.maxLineBytes = maxLineBytes
        unit = encoding.unit
        decoder = encoding.decoder()
    }

    /// Where the next byte belongs.
    package var offset: Int64 { restFrom + hole + Int64(rest.count) }

    /// True while the line end of the last line is still to come.
    package var hasHalfLine: Bool { !rest.isEmpty || !restStartsLine }

    package mutating func add(_ block: some Collection<UInt8>) -> [Line] {
        var lines: [Line] = []
        let slice = block as? ArraySlice<UInt8> ?? Array(block)[...]
        add(slice) { lines.append($0) }
        return lines
    }

    /// Hands out each line that is complete with this block.
    package mutating func add(_ block: ArraySlice<UInt8>, _ body: (Line) -> Void) {
        if rest.isEmpty, restStartsLine {
            let zeros = zeros(block)
            hole += Int64(zeros)
            rest += block.dropFirst(zeros)
        } else {
            rest += block
        }
        var start = 0
        while let newline = lineEnd(from: max(start, searched)) {
            cut(start, newline, body)
            start = newline + unit.bytes
            searched = start
        }
        while rest.count - start > maxLineBytes {
            start = appendPiece(start, body)
            restStartsLine = false
        }
        searched = max(0, rest.count - start - unit.bytes + 1) / unit.bytes * unit.bytes
        guard start > 0 else { return }
        rest.removeFirst(start)
        restFrom += hole + Int64(start)
        hole = 0
    }

    /// Bytes of whole characters of zero in front.
    private func zeros(_ block: ArraySlice<UInt8>) -> Int {
        guard block.first == 0 else { return 0 }
        let count = block.prefix { $0 == 0 }.count
        return unit == .one ? count : count == block.count ? count / unit.bytes * unit.bytes : 0
    }

    /// Where the next line end stands.
    private func lineEnd(from: Int) -> Int? {
        rest.withUnsafeBytes { rest in
            var at = from
            while let found = firstOffset(of: 0x0a, in: rest, from: at) {
                switch unit {
                case .one: return found
                case .two(let isBig), .four(let isBig):
                    let start = isBig ? found - unit.bytes + 1 : found
                    if start >= from, start % unit.bytes == 0, start + unit.bytes <= rest.count,
                        isCharacter(0x0a, rest, start)
                    {
                        return start
                    }
                }
                at = found + 1
            }
            return nil
        }
    }

    private func isCharacter(_ byte: UInt8, _ text: UnsafeRawBufferPointer, _ at: Int) -> Bool {
        switch unit {
        case .one: return text[at] == byte
        case .two(let isBig), .four(let isBig):
            let place = isBig ? unit.bytes - 1 : 0
            return (0..<unit.bytes).allSatisfy { text[at + $0] == ($0 == place ? byte : 0) }
        }
    }

    private mutating func cut(_ start: Int, _ newline: Int, _ body: (Line) -> Void) {
        var start = start
        while newline - start > maxLineBytes {
            start = appendPiece(start, body)
            restStartsLine = false
        }
        appendLine(start, newline, lineEnd: unit.bytes, body)
        restStartsLine = true
    }

    /// Hands out a piece of an overlong line; where the next one starts.
    private mutating func appendPiece(_ start: Int, _ body: (Line) -> Void) -> Int {
        var end = start + maxLineBytes / unit.bytes * unit.bytes
        if decoder == nil {
            // At most three bytes of a character may stand before its last.
            for back in 0..<4 where rest[end - back] & 0xc0 != 0x80 {
                end -= back
                break
            }
        } else if let decoder {
            end =
                start
                + rest[start..<end].withUnsafeBytes { decoder.decode($0, isCut: true).consumed }
        }
        appendLine(start, end, lineEnd: 0, body)
        return end
    }

    private mutating func appendLine(
        _ start: Int, _ end: Int, lineEnd: Int, _ body: (Line) -> Void
    ) {
        let from = start == 0 ? restFrom : restFrom + hole + Int64(start)
        let text = rest.withUnsafeBytes { rest -> [UInt8] in
            var textEnd = end
            let width = unit.bytes
            if lineEnd > 0, textEnd - width >= start, isCharacter(0x0d, rest, textEnd - width) {
                textEnd -= width
            }
            var text = UnsafeRawBufferPointer(rebasing: rest[start..<textEnd])
            if restStartsLine, text.first == 0, unit == .one {
                text = UnsafeRawBufferPointer(rebasing: text.drop { $0 == 0 })
            }
            var decoded = decoder?.decode(text).text ?? [UInt8](text)
            let mayBeMarked = restStartsLine && (from == 0 || unit != .one)
            if mayBeMarked, decoded.starts(with: Self.mark) { decoded.removeFirst(3) }
            return decoded
        }
        body(
            Line(
                text: text, from: from, to: restFrom + hole + Int64(end + lineEnd),
                startsLine: restStartsLine))
    }

    /// The unfinished last line of a file that will not grow any more.
    package mutating func finish() -> Line? {
        guard !rest.isEmpty || hole > 0 else { return nil }
        var line: Line?
        appendLine(0, rest.count, lineEnd: 0) { line = $0 }
        restFrom = offset
        rest = []
        searched = 0
        hole = 0
        restStartsLine = true
        return line
    }
}
