/// `logs/app-%d{yyyy-MM-dd}.%i.log.gz`: what rolled files are called.
package struct FileNamePattern: Sendable, Equatable {
    package enum Part: Sendable, Equatable {
        case text(String)
        /// `isPrimary`: it decides when a file is rolled.
        case date(pattern: String, isPrimary: Bool, zone: String?)
        case index
        /// Known only within the application.
        case anything
    }

    package enum Compression: String, Sendable { case gzip, zip, xz }

    /// How long one file is written at most, by its finest date.
    package enum Period: String, Sendable, CaseIterable {
        case second, minute, hour, halfDay = "half a day", day, week, month, year

        package var seconds: Int {
            switch self {
            case .second: 1
            case .minute: 60
            case .hour: 3600
            case .halfDay: 43_200
            case .day: 86_400
            case .week: 7 * 86_400
            case .month: 31 * 86_400
            case .year: 366 * 86_400
            }
        }
    }

    package let text: String
    package let parts: [Part]
    package let compression: Compression?

    package init(_ text: String) {
        self.text = text
        var parts: [Part] = []
        var literal = ""
        func flush() {
            if !literal.isEmpty { parts.append(.text(literal)) }
            literal = ""
        }
        let letters = Array(text)
        var at = 0
        while at < letters.count {
            if letters[at] == Variables.open,
                let end = letters[at...].firstIndex(of: Variables.close)
            {
                flush()
                parts.append(.anything)
                at = end + 1
            } else if letters[at] == "%", let (part, end) = Self.word(letters, at) {
                flush()
                parts.append(part)
                at = end
            } else {
                literal.append(letters[at])
                at += 1
            }
        }
        flush()
        self.parts = parts
        compression =
            text.hasSuffix(".gz")
            ? .gzip : text.hasSuffix(".zip") ? .zip : text.hasSuffix(".xz") ? .xz : nil
    }

    /// `%d{pattern, aux, zone}`, `%i`, `%03i`.
    private static func word(_ letters: [Character], _ start: Int) -> (Part, Int)? {
        var at = start + 1
        while at < letters.count, letters[at].isNumber || letters[at] == "-" { at += 1 }
        guard at < letters.count else { return nil }
        if letters[at] == "i" { return (.index, at + 1) }
        guard letters[at] == "d" else { return nil }
        at += 1
        if letters[at...].starts(with: "ate") { at += 3 }
        guard at < letters.count, letters[at] == "{", let end = letters[at...].firstIndex(of: "}")
        else { return (.date(pattern: "yyyy-MM-dd", isPrimary: true, zone: nil), at) }
        let options = String(letters[(at + 1)..<end]).split(separator: ",").map { option in
            String(option.trimmed.drop { "\"'".contains($0) && option.contains("MM") == false })
        }
        let isAuxiliary = options.dropFirst().contains { $0.lowercased() == "aux" }
        let zone = options.dropFirst().first { $0.lowercased() != "aux" }
        return (
            .date(pattern: options.first ?? "yyyy-MM-dd", isPrimary: !isAuxiliary, zone: zone),
            end + 1
        )
    }

    package var hasIndex: Bool { parts.contains(.index) }

    /// How often the primary date changes; nil without one.
    package var period: Period? {
        for case .date(let pattern, true, _) in parts {
            let letters = Self.unquoted(pattern)
            for (period, units) in Self.units where letters.contains(where: units.contains) {
                return period
            }
        }
        return nil
    }

    private static let units: [(Period, String)] = [
        (.second, "sS"), (.minute, "m"), (.hour, "HhKk"), (.halfDay, "a"), (.day, "dDEeF"),
        (.week, "wW"), (.month, "ML"), (.year, "yuY"),
    ]

    private static func unquoted(_ pattern: String) -> String {
        var isQuoted = false
        return String(
            pattern.filter { letter in
                if letter == "'" { isQuoted.toggle() }
                return !isQuoted && letter != "'"
            })
    }

    /// The names of rolled files as a path pattern, the extension of packed ones left out; dates keep
    /// their lengths, so that other files of the folder do not match.
    package var glob: String {
        let glob = parts.map { part in
            switch part {
            case .text(let text): Self.escaped(text)
            case .date(let pattern, _, _): Self.glob(ofDate: pattern)
            case .index: "[0-9]*"
            case .anything: "*"
            }
        }.joined()
        guard let compression else { return glob }
        let suffix = compression == .gzip ? 3 : compression == .zip ? 4 : 3
        return String(glob.dropLast(suffix))
    }

    /// Letters that mean themselves.
    static func escaped(_ text: String) -> String {
        String(text.flatMap { "*?[".contains($0) ? Array("[\($0)]") : [$0] })
    }

    private static func glob(ofDate pattern: String) -> String {
        var out = ""
        var isQuoted = false
        var rest = Substring(pattern)
        while let letter = rest.first {
            let run = rest.prefix { $0 == letter }
            rest = rest.dropFirst(run.count)
            if letter == "'" {
                if run.count % 2 == 1 { isQuoted.toggle() }
            } else if isQuoted || !letter.isLetter {
                out += escaped(String(run))
            } else if "MLEea".contains(letter), run.count >= 3 || letter == "a" {
                out += "*"
            } else if run.count >= 2 {
                out += String(repeating: "[0-9]", count: run.count)
            } else {
                out += letter.isNumber ? String(run) : "y" == letter ? "[0-9]*" : "[0-9]*"
            }
        }
        return out
    }
}
