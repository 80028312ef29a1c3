import LogModel

/// `%kvp` behind the message: pairs that end a line, `… - %msg %kvp%n`.
struct TrailingPairs: Sendable, Equatable {
    /// What stands between the message and the pairs, and between them and the end of the line.
    private var before: [UInt8] = []
    private var after: [UInt8] = []
    private var quote: UInt8

    /// Pairs are looked for in the end of a line, so far.
    private static let mostBytes = 16 * 1024
    /// Beginnings that are tried in one line: messages that quote pairs have a few.
    private static let mostTries = 256

    /// `nodes`: of the pattern, behind its message. Nil where they have no pairs in the message's line.
    init?(_ nodes: ArraySlice<PatternNode>) {
        quote = 0
        var hasPairs = false
        nodes: for node in nodes {
            switch node {
            case .text(let text):
                let bytes = Array(text.utf8)
                let end = bytes.firstIndex(of: 0x0a)
                if hasPairs { after += bytes[..<(end ?? bytes.count)] } else { before += bytes }
                if end != nil { break nodes }
            case .word(let word):
                if word.name == "n" { break nodes }
                guard !hasPairs, word.name == "kvp" || word.name == "maskedKvp",
                    word.width.isPlain
                else { return nil }
                hasPairs = true
                quote = FieldValues.quote(word)
            }
        }
        guard hasPairs, !before.contains(0x0a) else { return nil }
    }

    /// Appends the pairs behind the message of an event.
    func append(of text: UnsafeRawBufferPointer, to labels: inout [Label]) {
        guard let line = Self.lastLineOfMessage(text), line.suffix(after.count).elementsEqual(after)
        else { return }
        let body = UnsafeRawBufferPointer(
            rebasing: line.dropLast(after.count).suffix(Self.mostBytes))
        var tries = 0
        var at = 0
        while at + before.count < body.count, tries < Self.mostTries {
            defer { at += 1 }
            guard
                before.isEmpty ? at == 0 || body[at - 1] == 0x20 : body[at...].starts(with: before)
            else { continue }
            tries += 1
            let pairs = UnsafeRawBufferPointer(rebasing: body[(at + before.count)...])
            if FieldValues.ends(ofPairs: pairs, from: 0, quote: quote, mark: nil).last
                == pairs.count
            {
                return FieldValues.append(pairs, named: .pairs(quote: quote), to: &labels)
            }
        }
    }

    /// The line that a trace, or nothing, follows.
    private static func lastLineOfMessage(
        _ text: UnsafeRawBufferPointer
    ) -> Slice<UnsafeRawBufferPointer>? {
        var at = 0
        var last: TraceLine?
        while let line = TraceLine.next(in: text, &at) {
            if last != nil,
                line.indent == 0 && line.throwable(of: text) != nil || line.isFrame(of: text)
            {
                break
            }
            if !line.range.isEmpty || last == nil { last = line }
        }
        return last.map { text[$0.range] }
    }
}
