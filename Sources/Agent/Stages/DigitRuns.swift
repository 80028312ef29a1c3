/// Digits in groups, as people write long numbers: `4111 1111 1111 1111`, `900101-1234567`.
enum DigitRuns {
    /// The longest number that is looked for: a card of 19 digits.
    private static let mostDigits = 19

    /// Replaces every number that is meant; nil when there is none. `isMeant` is given the digits,
    /// and whether they stand in two groups, six in front.
    static func replacing(
        in text: [UInt8], with mark: [UInt8], _ isMeant: (ArraySlice<UInt8>, Bool) -> Bool
    ) -> [UInt8]? {
        var out: [UInt8]?
        var copied = 0
        var texts = JSONTexts(text)
        var at = 0
        while at < text.count {
            guard isDigit(text[at]), at == 0 || !isWord(text[at - 1]) else {
                at += 1
                continue
            }
            let run = Run(text, from: at)
            // Other numbers may stand beside it: the longest that is meant counts.
            let found = run.ends.indices.reversed().first { groups in
                isMeant(run.digits[..<run.ends[groups].digits], run.isSixInFront && groups == 1)
            }
            if let found {
                let end = run.ends[found].at
                let quote: [UInt8] = texts.isNumber(at..<end) ? [quotationMark] : []
                out = out ?? []
                out? += text[copied..<at] + quote + mark + quote
                copied = end
                at = end
            } else {
                at = run.firstEnd
            }
        }
        return out.map { $0 + text[copied...] }
    }

    private static let quotationMark = UInt8(ascii: "\"")

    /// The texts of a JSON line, walked through once.
    private struct JSONTexts {
        private let line: [UInt8]
        private var at = 0
        private var isInText = false

        init(_ line: [UInt8]) { self.line = line }

        /// True for a number that stands in no text: only with quotes is what replaces it JSON. Numbers are asked for
        /// from front to back.
        mutating func isNumber(_ range: Range<Int>) -> Bool {
            guard line.first == UInt8(ascii: "{"),
                let before = line[..<range.lowerBound].last(where: { $0 > 0x20 }),
                ":,[".utf8.contains(before),
                let behind = line[range.upperBound...].first(where: { $0 > 0x20 }),
                ",]}".utf8.contains(behind)
            else { return false }
            while at < range.lowerBound {
                if line[at] == quotationMark { isInText.toggle() }
                at += line[at] == UInt8(ascii: "\\") ? 2 : 1
            }
            return !isInText
        }
    }

    /// Digits from an offset on, with single blanks or hyphens between groups of them.
    private struct Run {
        private(set) var digits: [UInt8] = []
        /// How many digits there are up to the end of each group, and where it is.
        private(set) var ends: [(digits: Int, at: Int)] = []
        /// Behind the first group.
        private(set) var firstEnd: Int

        var isSixInFront: Bool { ends.first?.digits == 6 }

        init(_ text: [UInt8], from start: Int) {
            var at = start
            var separator: UInt8?
            firstEnd = start
            while true {
                while at < text.count, isDigit(text[at]) {
                    if digits.count <= mostDigits { digits.append(text[at] - 48) }
                    at += 1
                }
                if firstEnd == start { firstEnd = at }
                // A number that is part of a word, or too long, is none.
                guard digits.count <= mostDigits, at == text.count || !isWord(text[at]) else {
                    return
                }
                ends.append((digits.count, at))
                guard at + 1 < text.count, isDigit(text[at + 1]),
                    text[at] == 0x20 || text[at] == 0x2d, (separator ?? text[at]) == text[at]
                else { return }
                separator = text[at]
                at += 1
            }
        }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (48...57).contains(byte) }

    private static func isWord(_ byte: UInt8) -> Bool {
        isDigit(byte) || (65...90).contains(byte) || (97...122).contains(byte) || byte == 0x5f
    }
}

/// Numbers of payment cards, ISO/IEC 7812.
enum CardNumber {
    /// First digits, as a range of numbers with as many, and how long such numbers are.
    private static let issuers: [(prefix: ClosedRange<Int>, digits: Int, lengths: Set<Int>)] = [
        (4...4, 1, [13, 16, 19]), (51...55, 2, [16]), (2221...2720, 4, [16]),
        (34...34, 2, [15]), (37...37, 2, [15]), (6011...6011, 4, [16, 19]),
        (644...649, 3, [16, 19]), (65...65, 2, [16, 19]), (3528...3589, 4, [16, 17, 18, 19]),
        (300...305, 3, [14, 16, 19]), (36...36, 2, [14, 16, 19]), (38...39, 2, [16, 19]),
        (62...62, 2, [16, 17, 18, 19]), (50...50, 2, [16]), (56...58, 2, [16]), (9...9, 1, [16]),
    ]

    @Sendable static func isCard(_ digits: ArraySlice<UInt8>, _: Bool) -> Bool {
        guard (13...19).contains(digits.count) else { return false }
        let isIssued = issuers.contains { issuer in
            let first = digits.prefix(issuer.digits).reduce(0) { $0 * 10 + Int($1) }
            return issuer.lengths.contains(digits.count) && issuer.prefix.contains(first)
        }
        return isIssued && fulfilsLuhn(digits)
    }

    private static func fulfilsLuhn(_ digits: ArraySlice<UInt8>) -> Bool {
        var sum = 0
        for (place, digit) in digits.reversed().enumerated() {
            let value = place % 2 == 0 ? Int(digit) : Int(digit) * 2
            sum += value > 9 ? value - 9 : value
        }
        return sum % 10 == 0
    }
}

/// Korean resident registration numbers: date of birth, a digit for sex and century, six more.
enum ResidentNumber {
    private static let weights = [2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5]

    /// With a hyphen behind the date, the date is enough: numbers given since October 2020 have no
    /// check digit. Thirteen digits in a row are often something else, and must have it.
    @Sendable static func isNumber(_ digits: ArraySlice<UInt8>, _ isSixInFront: Bool) -> Bool {
        let numbers = digits.map { Int($0) }
        guard numbers.count == 13, (1...12).contains(numbers[2] * 10 + numbers[3]),
            (1...31).contains(numbers[4] * 10 + numbers[5])
        else { return false }
        if isSixInFront { return true }
        let sum = zip(numbers, weights).reduce(0) { $0 + $1.0 * $1.1 }
        let isForeigner = (5...8).contains(numbers[6])
        return numbers[12] == (((isForeigner ? 13 : 11) - sum % 11) % 10)
    }
}
