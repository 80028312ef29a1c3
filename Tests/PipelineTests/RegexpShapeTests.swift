import LogModel
import Pipeline
import Regexp
import Testing

/// A regular expression on a shape must find what RE2 finds in every line of the shape.
@Suite struct RegexpShapeTests {
    private struct Generator: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state ^ (state >> 33)
        }
    }

    /// Few letters, so that what is sought is often there.
    private static let atoms = [
        "a", "b", "1", " ", "=", "ab", "1 ", #"\d"#, #"\S"#, #"\w"#, #"\s"#, ".", "[^ ]", "[a1]",
        "[^=b]",
        #"[\d.]"#, "é",
    ]
    private static let quantifiers = ["", "", "+", "*", "?", "+?", "*?", "{2}", "{1,}"]

    private func pattern(_ random: inout Generator) -> String {
        var text = Int.random(in: 0..<8, using: &random) == 0 ? "^" : ""
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            let atom = Self.atoms.randomElement(using: &random) ?? "a"
            let isOne = atom.utf8.count == 1 || "\\[".contains(atom.first ?? "a")
            let part = atom + (isOne ? Self.quantifiers.randomElement(using: &random) ?? "" : "")
            text += Bool.random(using: &random) ? "(\(part))" : part
        }
        return text + (Int.random(in: 0..<8, using: &random) == 0 ? "$" : "")
    }

    /// Bytes of holes; the last are no text by themselves.
    private static let kinds: [[UInt8]] = [
        Array("1".utf8), Array("12".utf8), Array("ab".utf8), Array("a1".utf8), Array("a ".utf8),
        Array("=b1".utf8), [0x0a, 0x61], [0xc3, 0xa9, 0x31],
    ]

    private func shape(_ random: inout Generator) -> (LineShape, [[UInt8]]) {
        var shape = LineShape(units: [], holes: [])
        var kinds: [[UInt8]] = []
        for _ in 0..<Int.random(in: 0...6, using: &random) {
            if Bool.random(using: &random) {
                let text =
                    ["a", "b", "1", " ", "=", "ab1", "1 =", "é"].randomElement(using: &random) ?? ""
                shape.units += text.utf8.map { .byte($0) }
                continue
            }
            let kind = Self.kinds.randomElement(using: &random) ?? []
            var bytes = ByteSet()
            for byte in kind { bytes.insert(byte) }
            shape.units.append(.hole(shape.holes.count))
            shape.holes.append(
                LineShape.Hole(
                    bytes: bytes, shortest: Int.random(in: 0...2, using: &random), isReadable: true)
            )
            kinds.append(kind)
        }
        return (shape, kinds)
    }

    /// A line of a shape, and where its units begin; behind them, where it ends.
    private func line(
        _ shape: LineShape, _ kinds: [[UInt8]], _ random: inout Generator
    ) -> (bytes: [UInt8], offsets: [Int]) {
        var bytes: [UInt8] = []
        var offsets: [Int] = []
        for unit in shape.units {
            offsets.append(bytes.count)
            if let byte = unit.byte { bytes.append(byte) }
            guard let hole = unit.hole else { continue }
            let shortest = shape.holes[hole].shortest
            for _ in 0..<Int.random(in: shortest...shortest + 2, using: &random) {
                bytes.append(kinds[hole].randomElement(using: &random) ?? 0)
            }
        }
        return (bytes, offsets + [bytes.count])
    }

    @Test(arguments: [UInt64](7_411_000...7_411_007))
    func sameAsOnLines(_ seed: UInt64) throws {
        var random = Generator(state: seed)
        var sure = 0
        for _ in 0..<4000 {
            let text = pattern(&random)
            guard let sequence = RegexpSequence(text) else { continue }
            let regexp = try Regexp(text)
            let (shape, kinds) = shape(&random)
            var search = RegexpShape(sequence, shape)
            let outcome = search.search()
            let window = search.window
            if case .unsure = outcome {} else { sure += 1 }
            for _ in 0..<12 {
                let (bytes, offsets) = line(shape, kinds, &random)
                let found = bytes.withUnsafeBytes { regexp.captures(in: $0) }
                let told =
                    "seed \(seed): \(text) on \(shape) in \(String(decoding: bytes, as: UTF8.self).debugDescription)"
                switch outcome {
                case .none: try #require(found == nil, "\(told)")
                case .match(let groups):
                    let found = try #require(found, "\(told)")
                    for (number, units) in groups {
                        let expected = offsets[units.lowerBound]..<offsets[units.upperBound]
                        try #require(found[number] == expected, "\(told)")
                    }
                    #expect(groups.count == found.count - 1, "\(told)")
                case .unsure: break
                }
                guard let window else {
                    try #require(found == nil, "no window: \(told)")
                    continue
                }
                let (start, end) = (offsets[window.lowerBound], offsets[window.upperBound])
                let inside = Array(bytes[start..<end]).withUnsafeBytes { regexp.captures(in: $0) }
                let moved = inside?.map { $0.map { $0.lowerBound + start..<$0.upperBound + start } }
                try #require(found == moved, "window \(window): \(told)")
            }
        }
        #expect(sure > 400, "seed \(seed): too few were sure: \(sure)")
    }

    /// What people write, on what they write it for: it must not be given up.
    @Test(arguments: [
        (#"(?P<ms>\d+)ms ip="#, "user=<1> took <1>ms ip=<1>", "<1>"),
        (#"took (?P<ms>\d+) ms"#, "user=<1> took <1> ms", "<1>"),
        (
            #"^(?P<ip>\S+) \S+ \S+ \[(?P<at>[^\]]+)\] "(?P<method>\w+) (?P<path>\S+)"#,
            "<1>.<1> - - [<1>/Nov] \"GET /api/<1> HTTP\"", "<1>.<1>"
        ),
        (#"status=(?P<status>\d{3})"#, "a=<1> status=200", "200"),
        (#"id=(?P<id>[^,]+?),"#, "id=<1>, x", "<1>"),
    ])
    func usualPatterns(_ pattern: String, _ line: String, _ first: String) throws {
        var digits = ByteSet()
        for byte in "0123456789".utf8 { digits.insert(byte) }
        var shape = LineShape(units: [], holes: [])
        var rest = Substring(line)
        while !rest.isEmpty {
            if rest.hasPrefix("<1>") {
                shape.units.append(.hole(shape.holes.count))
                shape.holes.append(LineShape.Hole(bytes: digits, shortest: 1, isReadable: true))
                rest = rest.dropFirst(3)
            } else {
                shape.units += String(rest.removeFirst()).utf8.map { .byte($0) }
            }
        }
        var search = RegexpShape(try #require(RegexpSequence(pattern)), shape)
        guard case .match(let groups) = search.search() else {
            Issue.record("\(pattern) was given up")
            return
        }
        let text = shape.units[try #require(groups[1])].map { unit in
            unit.byte.map { String(decoding: [$0], as: UTF8.self) } ?? "<1>"
        }.joined()
        #expect(text == first)
    }
}
