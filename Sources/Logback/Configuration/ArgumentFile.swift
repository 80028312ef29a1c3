/// Files of options that the `java` launcher puts in the place of `@FILE`: build tools write them, as the
/// path of classes is longer than a command line may be.
///
///     # comment
///     -Dapp.name="my shop"
///     -cp "conf:\
///          lib/*"
enum ArgumentFile {
    private static let mark = UInt8(ascii: "@")

    /// The command line as the JVM gets it. `takesNext`: of an option whose value is the next word; behind
    /// the first word that is neither, everything belongs to the application. `read`: nil for a file that
    /// is not there any more.
    static func expanded(
        _ words: [String], takesNext: (String) -> Bool, read: (String) -> [UInt8]?
    ) -> [String] {
        var out: [String] = []
        var isValue = false
        for (at, word) in words.enumerated() {
            var pieces = [word]
            if word.hasPrefix("@@") {
                pieces = [String(word.dropFirst())]
            } else if word.utf8.first == mark, let text = read(String(word.dropFirst())) {
                pieces = Self.words(text)
            }
            for (index, piece) in pieces.enumerated() {
                out.append(piece)
                let endsOptions =
                    isValue ? out.dropLast().last == "-jar" : !piece.hasPrefix("-")
                if endsOptions || piece == "--disable-@files" {
                    return out + pieces[(index + 1)...] + words[(at + 1)...]
                }
                isValue = !isValue && takesNext(piece)
            }
        }
        return out
    }

    /// Parted by blanks and line ends that stand in no quotes. Within quotes a backslash makes the next
    /// letter what it is, and at the end of a line goes on in the next one.
    static func words(_ text: [UInt8]) -> [String] {
        var words: [String] = []
        var word: [UInt8]?
        var quote: UInt8?
        var at = 0
        while at < text.count {
            let byte = text[at]
            at += 1
            switch byte {
            case UInt8(ascii: "\\") where quote != nil && at < text.count:
                word = (word ?? []) + escaped(text, &at)
            case quote: quote = nil
            case UInt8(ascii: "\""), UInt8(ascii: "'"):
                if quote == nil {
                    quote = byte
                    word = word ?? []
                } else {
                    word = (word ?? []) + [byte]
                }
            case 0x20, 0x09, 0x0a, 0x0c, 0x0d:
                // Quotes that are not closed end with their line.
                if quote != nil, byte != 0x0a, byte != 0x0d {
                    word = (word ?? []) + [byte]
                    continue
                }
                quote = nil
                if let done = word { words.append(String(decoding: done, as: UTF8.self)) }
                word = nil
            case UInt8(ascii: "#") where quote == nil:
                while at < text.count, text[at] != 0x0a { at += 1 }
            default: word = (word ?? []) + [byte]
            }
        }
        if let done = word { words.append(String(decoding: done, as: UTF8.self)) }
        return words
    }

    /// What a backslash in front of `at` stands for.
    private static func escaped(_ text: [UInt8], _ at: inout Int) -> [UInt8] {
        let byte = text[at]
        at += 1
        switch byte {
        case UInt8(ascii: "n"): return [0x0a]
        case UInt8(ascii: "r"): return [0x0d]
        case UInt8(ascii: "t"): return [0x09]
        case UInt8(ascii: "f"): return [0x0c]
        case 0x0a, 0x0d:
            while at < text.count, [0x20, 0x09, 0x0a, 0x0c, 0x0d].contains(text[at]) { at += 1 }
            return []
        default: return [byte]
        }
    }
}
