/// Cuts blocks of a file into lines. A line that is longer than the bound comes in pieces: nothing is
/// lost. Offsets count from the start of the file.
///
/// Zeros in front of a line are left out of its text, not of its range: a writer that does not append
/// leaves a hole of that length when its file is truncated, and a power cut may leave some too.
package struct LineSplitter {
    package struct Line: Sendable {
        /// Without its line end.
        package var text: [UInt8]
        package var from: Int64
        /// Behind the line end.
        package var to: Int64
        /// False for the pieces of an overlong line but the first.
        package var startsLine: Bool
    }

    private let maxLineBytes: Int
    private var rest: [UInt8] = []
    private var restFrom: Int64
    /// Zeros between `restFrom` and the bytes of `rest`.
    private var hole: Int64 = 0
    private var restStartsLine = true

    package init(offset: Int64, maxLineBytes: Int) {
        restFrom = offset
        self.maxLineBytes = maxLineBytes
    }

    /// Where the next byte belongs.
    package var offset: Int64 { restFrom + hole + Int64(rest.count) }

    package mutating func add(_ block: some Collection<UInt8>) -> [Line] {
        if rest.isEmpty, restStartsLine {
            let text = block.drop { $0 == 0 }
            hole += Int64(block.count - text.count)
            rest += text
        } else {
            rest += block
        }
        var lines: [Line] = []
        var start = 0
        while let newline = rest[start...].firstIndex(of: 0x0a) {
            cut(start, newline, lineEnd: 1, into: &lines)
            start = newline + 1
        }
        while rest.count - start > maxLineBytes {
            appendLine(start, start + maxLineBytes, lineEnd: 0, into: &lines)
            restStartsLine = false
            start += maxLineBytes
        }
        guard start > 0 else { return lines }
        rest.removeFirst(start)
        restFrom += hole + Int64(start)
        hole = 0
        return lines
    }

    private mutating func cut(_ start: Int, _ newline: Int, lineEnd: Int, into lines: inout [Line])
    {
        var start = start
        while newline - start > maxLineBytes {
            appendLine(start, start + maxLineBytes, lineEnd: 0, into: &lines)
            restStartsLine = false
            start += maxLineBytes
        }
        appendLine(start, newline, lineEnd: lineEnd, into: &lines)
        restStartsLine = true
    }

    private mutating func appendLine(
        _ start: Int, _ end: Int, lineEnd: Int, into lines: inout [Line]
    ) {
        var textEnd = end
        if lineEnd == 1, textEnd > start, rest[textEnd - 1] == 0x0d { textEnd -= 1 }
        let text = rest[start..<textEnd]
        lines.append(
            Line(
                text: Array(restStartsLine ? text.drop { $0 == 0 } : text),
                from: start == 0 ? restFrom : restFrom + hole + Int64(start),
                to: restFrom + hole + Int64(end + lineEnd), startsLine: restStartsLine))
    }

    /// The unfinished last line of a file that will not grow any more.
    package mutating func finish() -> Line? {
        guard !rest.isEmpty || hole > 0 else { return nil }
        var lines: [Line] = []
        appendLine(0, rest.count, lineEnd: 0, into: &lines)
        restFrom = offset
        rest = []
        hole = 0
        restStartsLine = true
        return lines.first
    }
}
