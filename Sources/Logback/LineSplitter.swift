/// Cuts blocks of a file into lines. A line that is longer than the bound comes in pieces: nothing is
/// lost. Offsets count from the start of the file.
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
    private var restStartsLine = true

    package init(offset: Int64, maxLineBytes: Int) {
        restFrom = offset
        self.maxLineBytes = maxLineBytes
    }

    /// Where the next byte belongs.
    package var offset: Int64 { restFrom + Int64(rest.count) }

    package mutating func add(_ block: some Collection<UInt8>) -> [Line] {
        rest += block
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
        rest.removeFirst(start)
        restFrom += Int64(start)
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
        lines.append(
            Line(
                text: Array(rest[start..<textEnd]), from: restFrom + Int64(start),
                to: restFrom + Int64(end + lineEnd), startsLine: restStartsLine))
    }

    /// The unfinished last line of a file that will not grow any more.
    package mutating func finish() -> Line? {
        guard !rest.isEmpty else { return nil }
        var lines: [Line] = []
        appendLine(0, rest.count, lineEnd: 0, into: &lines)
        restFrom += Int64(rest.count)
        rest = []
        restStartsLine = true
        return lines.first
    }
}
