import LogModel

/// Dates and numbers in rolled names, all of them read from the same groups of digits.
extension RolledName {
    /// The groups of digits in a name, and which of them begins a date.
    private struct Digits {
        let bytes: [UInt8]
        let groups: [Range<Int>]

        init(_ name: String) {
            bytes = Array(name.utf8)
            var groups: [Range<Int>] = []
            for (place, byte) in bytes.enumerated() where (48...57).contains(byte) {
                if let last = groups.last, last.upperBound == place {
                    groups[groups.count - 1] = last.lowerBound..<place + 1
                } else {
                    groups.append(place..<place + 1)
                }
            }
            self.groups = groups
        }

        /// Nil when it is too large for any number of ours.
        func value(_ group: Int) -> Int? { Int(text(groups[group])) }

        func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

        /// What stands between a group and the one before it.
        func separator(before group: Int) -> ArraySlice<UInt8> {
            bytes[groups[group - 1].upperBound..<groups[group].lowerBound]
        }

        /// The group of a year, or of a date in one piece. Zeros may fill up a number, so that the last
        /// group is none of these when it begins with one.
        var date: Int? {
            guard let first = groups.firstIndex(where: { $0.count >= 4 }) else { return nil }
            let isNumber = first == groups.count - 1 && bytes[groups[first].lowerBound] == 48
            return isNumber ? nil : first
        }

        /// Behind the groups that are a year, a month and a day, which one separator parts.
        func dateEnd(from first: Int) -> Int {
            guard groups[first].count == 4 else { return first + 1 }
            var end = first + 1
            while end < min(groups.count, first + 3), groups[end].count == 2,
                separator(before: end) == separator(before: first + 1)
            {
                end += 1
            }
            return end
        }
    }

    /// The day in a name, `app-2026-11-20.0.log.gz` or `app.log-20261120`, in days since the epoch:
    /// nothing in such a file was written later. Nil when there is none.
    package static func day(of name: String) -> Int64? {
        let digits = Digits(name)
        for first in digits.groups.indices {
            var parts: [Int?]
            if digits.groups[first].count == 8 {
                let start = digits.groups[first].lowerBound
                parts = [start..<start + 4, start + 4..<start + 6, start + 6..<start + 8].map {
                    Int(digits.text($0))
                }
            } else {
                guard digits.groups[first].count == 4, digits.dateEnd(from: first) == first + 3,
                    digits.separator(before: first + 1).count == 1,
                    digits.separator(before: first + 1).allSatisfy(separators.contains)
                else { continue }
                parts = (first..<first + 3).map(digits.value)
            }
            guard let year = parts[0], let month = parts[1], let day = parts[2],
                (1970...2200).contains(year), (1...12).contains(month), (1...31).contains(day)
            else { continue }
            return Int64(CivilTime.days(year: year, month: month, day: day))
        }
        return nil
    }

    /// The folder and root of a family of numbered names.
    package static func family(of numbered: String) -> String {
        let (folder, name) = FollowedFile.split(numbered)
        return folder + "/" + root(of: Numbered.name(in: name, date: "2000", number: 0))
    }

    /// A rolled name with a date and a number behind it: `app-2026-11-21.7.log.gz`. The last part of a
    /// date is no such number: of days and seconds some are left out by an application that is quiet.
    package struct Numbered: Hashable, Comparable {
        /// The name with `%d` and `%i` for its date and number, its packing left out.
        package let family: String
        package let date: String
        package let number: Int
        /// The suffix of its packing, such as `.gz`.
        package let packing: String

        package init?(_ name: String) {
            let plain = RolledName.unpacked(name)
            packing = String(name.dropFirst(plain.count))
            let digits = Digits(plain)
            guard let last = digits.groups.last, let year = digits.date,
                digits.dateEnd(from: year) < digits.groups.count,
                let number = digits.value(digits.groups.count - 1),
                digits.bytes[last.lowerBound - 1] == UInt8(ascii: ".")
            else { return nil }
            self.number = number
            // The date reaches up to the mark before the number.
            let start = digits.groups[year].lowerBound
            let end = digits.groups[digits.groups.count - 2].upperBound
            date = digits.text(start..<end)
            family =
                digits.text(0..<start) + "%d" + digits.text(end..<last.lowerBound) + "%i"
                + digits.text(last.upperBound..<digits.bytes.count)
        }

        /// The name of the same date with another number, not packed.
        package func name(number: Int) -> String {
            Self.name(in: family, date: date, number: number)
        }

        /// A date and a number put into a family: its last `%d` with a `%i` behind it are ours, whatever
        /// else the application calls its files.
        fileprivate static func name(in family: String, date: String, number: Int) -> String {
            let bytes = Array(family.utf8)
            func mark(_ letter: Character, before end: Int) -> Int? {
                let mark = Array("%\(letter)".utf8)
                return (0...max(0, end - 2)).last {
                    bytes[$0..<min($0 + 2, end)].elementsEqual(mark)
                }
            }
            guard let second = mark("i", before: bytes.count), let first = mark("d", before: second)
            else { return family }
            func text(_ range: Range<Int>) -> String {
                String(decoding: bytes[range], as: UTF8.self)
            }
            return text(0..<first) + date + text(first + 2..<second) + "\(number)"
                + text(second + 2..<bytes.count)
        }

        package static func < (a: Numbered, b: Numbered) -> Bool {
            (a.date, a.number) < (b.date, b.number)
        }
        package static func == (a: Numbered, b: Numbered) -> Bool {
            a.family == b.family && a.date == b.date && a.number == b.number
        }
        package func hash(into hasher: inout Hasher) {
            hasher.combine(date)
            hasher.combine(number)
        }
    }

    /// Where a rolled name stands among those of its file: by date and then by its number; numbers
    /// without a date count back from the newest, as a fixed window does.
    package struct Rank: Comparable {
        private let root: String
        private let date: [Int]
        private let number: Int

        package init(_ name: String) {
            root = RolledName.root(of: name)
            let digits = Digits(RolledName.settled(RolledName.unpacked(name)))
            let numbers = digits.groups.indices.map { digits.value($0) ?? .max }
            date = digits.date.map { Array(numbers[$0...]) } ?? []
            number = date.isEmpty ? -(numbers.last ?? 0) : 0
        }

        package static func < (a: Rank, b: Rank) -> Bool {
            if a.root != b.root { return a.root < b.root }
            if a.date != b.date { return a.date.lexicographicallyPrecedes(b.date) }
            return a.number < b.number
        }
    }
}
