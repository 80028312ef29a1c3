import LogModel

/// What the name of a file says about rolling: `app.log.2026-01-08.0`, `app.log.2`, `app-2026-01-08.log`
/// and `app.1.log` all come from `app.log`. A rolled name is the first one with dates and numbers put
/// in; its extension may be left out.
enum RolledName {
    private static let separators: Set<UInt8> = Set("._-".utf8)
    /// What dates and numbers consist of: `2026-01-08T10.3`.
    private static let marks: Set<UInt8> = Set("0123456789T".utf8).union(separators)

    /// True when a file under this name, without `.gz`, may have been rolled from one that the
    /// pattern names, or is named itself.
    static func isRolled(_ name: String, from pattern: String) -> Bool {
        let name = settled(name)
        if Glob.matches(pattern, name) { return true }
        let dot = pattern.lastIndex(of: ".") ?? pattern.endIndex
        return originals(of: name).contains {
            Glob.matches(pattern, $0) || Glob.matches(pattern, $0 + pattern[dot...])
        }
    }

    /// The names that are left when a part of dates and numbers is taken out.
    private static func originals(of name: String) -> [String] {
        let bytes = Array(name.utf8)
        var found: [String] = []
        for start in bytes.indices.dropFirst() where separators.contains(bytes[start]) {
            let end = bytes[start...].firstIndex { !marks.contains($0) } ?? bytes.count
            // The point before an extension belongs to the extension.
            var stop = end
            while stop > start, separators.contains(bytes[stop - 1]), end < bytes.count {
                stop -= 1
            }
            guard bytes[start..<stop].contains(where: { (48...57).contains($0) }) else { continue }
            found.append(String(decoding: bytes[..<start] + bytes[stop...], as: UTF8.self))
        }
        return found
    }

    /// The name that a file has before it is rolled, and all its rolls share.
    static func root(of name: String) -> String {
        let plain = settled(unpacked(name))
        return originals(of: plain).min { $0.utf8.count < $1.utf8.count } ?? plain
    }

    /// The name without the suffix of a compressed file.
    static func unpacked(_ name: String) -> String {
        for suffix in [".gz", ".zip"] where name.hasSuffix(suffix) {
            return String(name.dropLast(suffix.count))
        }
        return name
    }

    /// What Logback calls a file while it packs it: `app-2026-11-20.0.log1071503709821.tmp`, the number
    /// of nanoseconds behind the name that it will have without `.gz`.
    static func isTemporary(_ name: String) -> Bool {
        guard name.hasSuffix(".tmp") else { return false }
        return name.utf8.dropLast(4).last.map { (48...57).contains($0) } ?? false
    }

    /// The name that a temporary one becomes; any other as it is.
    static func settled(_ name: String) -> String {
        guard isTemporary(name) else { return name }
        var bytes = Array(name.utf8.dropLast(4))
        while let last = bytes.last, (48...57).contains(last) { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The day in a name, `app-2026-11-20.0.log.gz` or `app.log-20261120`, in days since the epoch:
    /// nothing in such a file was written later. Nil when there is none.
    static func day(of name: String) -> Int64? {
        let marks = name.matches(
            of: /(?:^|[^0-9])([0-9]{4})([-._]?)([0-9]{2})\2([0-9]{2})(?![0-9])/)
        for mark in marks {
            guard let year = Int(mark.output.1), let month = Int(mark.output.3),
                let day = Int(mark.output.4), (1970...2200).contains(year),
                (1...12).contains(month), (1...31).contains(day)
            else { continue }
            return Int64(CivilTime.days(year: year, month: month, day: day))
        }
        return nil
    }

    /// The folder and root of a family of numbered names.
    static func family(of numbered: String) -> String {
        let (folder, name) = FollowedFile.split(numbered)
        return folder + "/"
            + root(of: name.replacing("%d", with: "2000").replacing("%i", with: "0"))
    }

    /// A rolled name with a date and a number behind it: `app-2026-11-21.7.log.gz`. The last part of a
    /// date is no such number: of days and seconds some are left out by an application that is quiet.
    struct Numbered: Hashable, Comparable {
        /// The name with `%d` and `%i` for its date and number, its packing left out.
        let family: String
        let date: String
        let number: Int
        /// The suffix of its packing, such as `.gz`.
        let packing: String

        init?(_ name: String) {
            let plain = RolledName.unpacked(name)
            packing = String(name.dropFirst(plain.count))
            let marks = plain.matches(of: /[0-9]+/)
            guard let last = marks.last, let number = Int(last.output),
                let first = marks.firstIndex(where: { $0.output.count >= 4 }),
                Self.dateEnd(marks.map(\.range), from: first, in: plain) < marks.count,
                plain[plain.index(before: last.range.lowerBound)] == "."
            else { return nil }
            let year = marks[first]
            self.number = number
            // The date reaches up to the mark before the number.
            var end = plain.index(before: last.range.lowerBound)
            while end > year.range.lowerBound, !plain[plain.index(before: end)].isNumber {
                end = plain.index(before: end)
            }
            date = String(plain[year.range.lowerBound..<end])
            family =
                plain[..<year.range.lowerBound] + "%d" + plain[end..<last.range.lowerBound] + "%i"
                + plain[last.range.upperBound...]
        }

        /// Behind the groups of digits that are a year, a month and a day, which one separator parts.
        private static func dateEnd(
            _ groups: [Range<String.Index>], from first: Int, in name: String
        ) -> Int {
            guard name[groups[first]].count == 4 else { return first + 1 }
            var end = first + 1
            var separator: Substring?
            while end < min(groups.count, first + 3), name[groups[end]].count == 2 {
                let between = name[groups[end - 1].upperBound..<groups[end].lowerBound]
                guard separator == nil || separator == between else { break }
                separator = between
                end += 1
            }
            return end
        }

        /// The name of the same date with another number, not packed.
        func name(number: Int) -> String {
            family.replacing("%d", with: date).replacing("%i", with: "\(number)")
        }

        static func < (a: Numbered, b: Numbered) -> Bool { (a.date, a.number) < (b.date, b.number) }
        static func == (a: Numbered, b: Numbered) -> Bool {
            a.family == b.family && a.date == b.date && a.number == b.number
        }
        func hash(into hasher: inout Hasher) {
            hasher.combine(date)
            hasher.combine(number)
        }
    }

    /// Where a rolled name stands among those of its file: by date and then by its number; numbers
    /// without a date count back from the newest, as a fixed window does.
    struct Rank: Comparable {
        private let root: String
        private let date: [Int]
        private let number: Int

        init(_ name: String) {
            root = RolledName.root(of: name)
            let plain = RolledName.settled(RolledName.unpacked(name))
            let numbers = plain.split { !("0"..."9").contains($0) }.map { Int($0) ?? .max }
            // A year, or a date in one piece, in front.
            if let start = numbers.firstIndex(where: { $0 >= 1000 }) {
                let parts = numbers[start...]
                date = Array(parts)
                number = 0
            } else {
                date = []
                number = -(numbers.last ?? 0)
            }
        }

        static func < (a: Rank, b: Rank) -> Bool {
            if a.root != b.root { return a.root < b.root }
            if a.date != b.date { return a.date.lexicographicallyPrecedes(b.date) }
            return a.number < b.number
        }
    }

    /// True when a copy of the file `original` may bear this name: it goes on behind the original's
    /// stem, whatever comes then.
    static func isCopy(_ name: String, of original: String) -> Bool {
        let stem = original.utf8.prefix { $0 != UInt8(ascii: ".") }
        guard !stem.isEmpty, name.utf8.starts(with: stem), name != original else { return false }
        return name.utf8.dropFirst(stem.count).first.map(separators.contains) ?? false
    }
}
