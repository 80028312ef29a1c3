import Bytes
import LogModel

/// Reading a header.
extension CompiledLayout {
    /// The header that a line begins with; nil for a line that continues an event.
    package func header(of line: UnsafeRawBufferPointer) -> EventHeader? {
        HeaderMatch(program, line)?.header
    }

    /// The named values of an event's header, those that are not empty. Nothing for a text that is
    /// none of this layout.
    package func fields(of text: UnsafeRawBufferPointer) -> [Label] {
        let end = firstOffset(of: 0x0a, in: text) ?? text.count
        let line = UnsafeRawBufferPointer(rebasing: text[..<end])
        guard let match = HeaderMatch(program, line) else { return [] }
        return fields(of: text, at: match.spans)
    }

    /// The same where its fields were found already, in the line that the text begins with.
    func fields(of text: UnsafeRawBufferPointer, at spans: [HeaderSpan]) -> [Label] {
        var labels: [Label] = []
        // Pairs and the context come last: a key `thread` of theirs is not the thread.
        var ofApplication: [(name: FieldName, value: UnsafeRawBufferPointer)] = []
        for span in spans {
            let range = span.range
            switch steps[span.step] {
            case .field(let field):
                guard let name = field.name else { continue }
                let value = UnsafeRawBufferPointer(
                    rebasing: text[Self.unpadded(text, range, field.width)])
                if name.isOfApplication {
                    ofApplication.append((name, value))
                } else {
                    FieldValues.append(value, named: name, to: &labels)
                }
            case .optionalBrackets(let name?):
                FieldValues.append(
                    UnsafeRawBufferPointer(rebasing: text[range]), named: name, to: &labels)
            default: continue
            }
        }
        for (name, value) in ofApplication {
            FieldValues.append(value, named: name, to: &labels)
        }
        trailing?.append(of: text, to: &labels)
        return labels
    }

    /// Blanks belong to the padding when the value is as wide as it must be.
    static func unpadded(
        _ line: UnsafeRawBufferPointer, _ range: Range<Int>, _ width: FieldWidth
    ) -> Range<Int> {
        guard width.least > 0, HeaderMatch.units(line, range) <= width.least else { return range }
        var (start, end) = (range.lowerBound, range.upperBound)
        if width.isLeftAligned {
            while end > start, line[end - 1] == 0x20 { end -= 1 }
        } else {
            while start < end, line[start] == 0x20 { start += 1 }
        }
        return start..<end
    }
}

/// One attempt at a line. Fields are extended from the shortest until the rest follows.
struct HeaderMatch {
    private let program: HeaderProgram
    private let line: UnsafeRawBufferPointer
    /// No field ends behind this.
    private let limit: Int
    private var tries = 0
    /// Names of classes are to have no blanks, and one that has was met.
    private var isStrict = true
    private var refused = false
    private var stamp: ParsedTimestamp?
    /// The number of the level.
    private var level: Int?
    private(set) var spans: [HeaderSpan] = []
    /// Where the groups that are open begin.
    private var groups: [Int] = []
    private static let usualFields = 8

    /// Nil when the line has no header of the layout.
    init?(_ program: HeaderProgram, _ line: UnsafeRawBufferPointer) {
        self.program = program
        self.line = line
        limit = min(line.count, CompiledLayout.maxHeaderBytes)
        if match(0, 0) { return }
        guard refused else { return nil }
        isStrict = false
        tries = 0
        groups = []
        guard match(0, 0) else { return nil }
    }

    var header: EventHeader {
        EventHeader(
            timestamp: stamp, level: level.map { HeaderProgram.levels[$0] }, spans: spans)
    }

    private mutating func match(_ first: Int, _ start: Int) -> Bool {
        var index = first
        var at = start
        while index < program.instructions.count {
            let step = program.instructions[index]
            switch step.kind {
            case .literal:
                guard starts(with: step.from..<step.to, at) else { return false }
                at += step.to - step.from
            case .stamp, .furtherStamp:
                guard let parsed = program.formats[step.from].parse(line, at: at) else {
                    return false
                }
                if step.kind == .stamp { stamp = parsed }
                at = parsed.end
            case .level:
                guard let end = matchLevel(step.from, at) else { return false }
                at = end
            case .colours: at = HeaderLevel.skipColours(line, at)
            case .padding: while at < limit, line[at] == 0x20 { at += 1 }
            case .groupStart: groups.append(at)
            case .groupEnd:
                guard let end = closeGroup(at, step.least, step.isLeftAligned) else { return false }
                at = end
            case .optionalBrackets: return matchBrackets(index, at)
            case .field: return match(step, index, at)
            case .lineEnd: return at == line.count
            }
            index += 1
        }
        return true
    }

    private func starts(with literal: Range<Int>, _ at: Int) -> Bool {
        guard at + literal.count <= line.count else { return false }
        var place = at
        for i in literal {
            if line[place] != program.bytes[i] { return false }
            place += 1
        }
        return true
    }

    private mutating func matchLevel(_ first: Int, _ at: Int) -> Int? {
        for number in 0..<HeaderProgram.levels.count {
            let range = program.renderings[first + number]
            if starts(with: range, at) {
                level = number
                return at + range.count
            }
        }
        return nil
    }

    private mutating func closeGroup(_ end: Int, _ least: Int, _ isLeftAligned: Bool) -> Int? {
        guard let start = groups.popLast() else { return nil }
        guard isLeftAligned else { return end }
        var at = end
        var width = Self.units(line, start..<end)
        while width < least {
            guard at < line.count, line[at] == 0x20 else { return nil }
            at += 1
            width += 1
        }
        return at
    }

    /// The rest from a field on; what an attempt has noted is taken back when it fails.
    private mutating func follows(_ index: Int, _ start: Int, _ end: Int, _ next: Int) -> Bool {
        tries += 1
        let step = program.instructions[index]
        if isStrict, step.without != .nothing, step.least == 0,
            !step.without.allows(line[start..<end])
        {
            refused = true
            return false
        }
        let noted = spans.count
        let open = groups
        if spans.isEmpty { spans.reserveCapacity(Self.usualFields) }
        spans.append(HeaderSpan(step: index, start: start, end: end))
        if match(index + 1, next) { return true }
        spans.removeLast(spans.count - noted)
        groups = open
        return false
    }

    /// `[value] `, tried first, or nothing.
    private mutating func matchBrackets(_ index: Int, _ at: Int) -> Bool {
        if at < limit, line[at] == UInt8(ascii: "[") {
            var end = at + 1
            while let close = firstOffset(of: UInt8(ascii: "]"), in: line, from: end),
                close + 1 < limit, tries < CompiledLayout.maxTries
            {
                if line[close + 1] == 0x20, follows(index, at + 1, close, close + 2) {
                    return true
                }
                end = close + 1
            }
        }
        return follows(index, at, at, at)
    }

    private mutating func match(
        _ step: HeaderProgram.Instruction, _ index: Int, _ at: Int
    ) -> Bool {
        guard var end = advanced(at, by: step.least) else { return false }
        if step.least == step.most { return follows(index, at, end, end) }
        guard index + 1 < program.instructions.count else {
            if step.isNumber { while end < limit, Self.isNumber(line[end]) { end += 1 } }
            return follows(index, at, end, end)
        }
        let next = program.instructions[index + 1]
        if step.isPairs, step.least == 0 {
            let mark = next.kind == .literal ? program.bytes[next.from] : nil
            let ends = FieldValues.ends(ofPairs: line, from: at, quote: step.quote, mark: mark)
            for end in ends.reversed() where end <= limit {
                if follows(index, at, end, end) { return true }
            }
        }
        if next.kind == .lineEnd { return follows(index, at, line.count, line.count) }
        if next.kind == .literal, step.most == .max, !step.isNumber {
            return match(index, at, from: end, upTo: next.from..<next.to)
        }
        let mark: UInt8? = next.kind == .literal ? program.bytes[next.from] : nil
        var width = step.least
        while tries < CompiledLayout.maxTries {
            if mark == nil || end < line.count && line[end] == mark {
                if follows(index, at, end, end) { return true }
            }
            guard end < limit, width < step.most, line[end] != 0x1b,
                !step.isNumber || Self.isNumber(line[end])
            else { return false }
            width += Self.units(of: line[end])
            end += 1
            while end < limit, line[end] & 0xc0 == 0x80 { end += 1 }
        }
        return false
    }

    /// A field of any width in front of a literal, found by the literal's first byte.
    private mutating func match(
        _ index: Int, _ at: Int, from start: Int, upTo literal: Range<Int>
    ) -> Bool {
        let mark = program.bytes[literal.lowerBound]
        var end = start
        while let found = firstOffset(of: mark, in: line, from: end), found < limit,
            tries < CompiledLayout.maxTries
        {
            if starts(with: literal, found), follows(index, at, found, found) { return true }
            end = found + 1
        }
        return false
    }

    private static func isNumber(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || byte == UInt8(ascii: "?") || byte == UInt8(ascii: "-")
            || byte == 0x20
    }

    /// Behind so many UTF-16 units; nil when the line ends before.
    private func advanced(_ start: Int, by count: Int) -> Int? {
        var at = start
        var rest = count
        while rest > 0 {
            guard at < limit else { return nil }
            rest -= Self.units(of: line[at])
            at += 1
            while at < limit, line[at] & 0xc0 == 0x80 { at += 1 }
        }
        return at
    }

    /// Of a character by its first byte.
    private static func units(of first: UInt8) -> Int { first >= 0xf0 ? 2 : 1 }

    static func units(_ line: UnsafeRawBufferPointer, _ range: Range<Int>) -> Int {
        var units = 0
        for at in range where line[at] & 0xc0 != 0x80 { units += Self.units(of: line[at]) }
        return units
    }
}
