/// A `.properties` file of Java: `key = value`, `key: value`, lines that go on behind a backslash,
/// `#` and `!` comments, `\uXXXX`.
enum JavaProperties {
    struct Entry: Equatable {
        var key: String
        var value: String
        /// From 1.
        var line: Int
    }

    /// ISO 8859-1, as `java.util.Properties` and Spring Boot read it, whatever the file was written in.
    static func parse(_ bytes: [UInt8]) -> [Entry] {
        let text = String(String.UnicodeScalarView(bytes.map { UnicodeScalar($0) }))
            .replacing("\r\n", with: "\n").replacing("\r", with: "\n")
        var entries: [Entry] = []
        var pending = ""
        var start = 0
        for (number, raw) in text.split(separator: "\n", omittingEmptySubsequences: false)
            .enumerated()
        {
            let line = raw.drop(while: isBlank)
            if pending.isEmpty {
                guard let first = line.first, first != "#", first != "!" else { continue }
                start = number + 1
            }
            let backslashes = line.reversed().prefix { $0 == "\\" }.count
            if backslashes % 2 == 1 {
                pending += line.dropLast()
                continue
            }
            entries.append(entry(pending + line, start))
            pending = ""
            guard entries.count < ConfigurationLimits.settings else { return entries }
        }
        if !pending.isEmpty { entries.append(entry(pending, start)) }
        return entries
    }

    private static func isBlank(_ letter: Character) -> Bool {
        letter == " " || letter == "\t" || letter == "\u{c}"
    }

    private static func entry(_ line: String, _ number: Int) -> Entry {
        let letters = Array(line)
        var end = 0
        while end < letters.count, !isBlank(letters[end]), letters[end] != "=", letters[end] != ":"
        {
            end += letters[end] == "\\" ? 2 : 1
        }
        end = min(end, letters.count)
        var start = end
        while start < letters.count, isBlank(letters[start]) { start += 1 }
        if start < letters.count, letters[start] == "=" || letters[start] == ":" { start += 1 }
        while start < letters.count, isBlank(letters[start]) { start += 1 }
        return Entry(
            key: unescaped(letters[..<end]), value: unescaped(letters[start...]), line: number)
    }

    private static func unescaped(_ letters: ArraySlice<Character>) -> String {
        var units: [UInt16] = []
        var at = letters.startIndex
        while at < letters.endIndex {
            let letter = letters[at]
            at += 1
            guard letter == "\\", at < letters.endIndex else {
                units += String(letter).utf16
                continue
            }
            let escaped = letters[at]
            at += 1
            switch escaped {
            case "t": units.append(9)
            case "n": units.append(10)
            case "r": units.append(13)
            case "f": units.append(12)
            case "u":
                let digits = letters[at...].prefix(4)
                if digits.count == 4, let unit = UInt16(String(digits), radix: 16) {
                    units.append(unit)
                    at += 4
                } else {
                    units += "u".utf16
                }
            default: units += String(escaped).utf16
            }
        }
        return String(decoding: units, as: UTF16.self)
    }
}
