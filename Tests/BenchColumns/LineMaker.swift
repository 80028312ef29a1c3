/// SplitMix64: the same numbers for the same seed on every machine.
package struct ShapeRandom: RandomNumberGenerator {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}

/// Writes the parts that log lines are made of, one behind the other.
struct LineMaker {
    private(set) var bytes: [UInt8] = []
    var random: ShapeRandom
    /// Made-up words, the first ones used far more often than the last.
    private let words: [[UInt8]]

    init(seed: UInt64) {
        var random = ShapeRandom(seed: seed)
        words = (0..<3000).map { _ in
            let size = Int.random(in: 2...9, using: &random)
            return (0..<size).map { _ in UInt8.random(in: 97...122, using: &random) }
        }
        self.random = random
    }

    mutating func begin() { bytes.removeAll(keepingCapacity: true) }

    mutating func chance(_ one: Int) -> Bool { Int.random(in: 0..<one, using: &random) == 0 }

    mutating func draw(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }

    mutating func text(_ text: String) { bytes += text.utf8 }

    mutating func pick(_ texts: [String]) { bytes += texts[draw(0...texts.count - 1)].utf8 }

    mutating func number(_ range: ClosedRange<Int>) { bytes += String(draw(range)).utf8 }

    mutating func padded(_ value: Int, _ width: Int) {
        let digits = String(value).utf8
        bytes += repeatElement(48, count: max(0, width - digits.count))
        bytes += digits
    }

    mutating func word() {
        let place = Double.random(in: 0..<1, using: &random)
        bytes += words[Int(place * place * place * Double(words.count))]
    }

    mutating func capitalized() {
        let start = bytes.count
        word()
        bytes[start] &= ~0x20
    }

    mutating func wordsApart(_ count: ClosedRange<Int>, by mark: UInt8 = 32) {
        for place in 0..<draw(count) {
            if place > 0 { bytes.append(mark) }
            word()
        }
    }

    mutating func hex(_ digits: Int) {
        for _ in 0..<digits {
            let digit = UInt8.random(in: 0...15, using: &random)
            bytes.append(digit < 10 ? digit + 48 : digit + 87)
        }
    }

    mutating func uuid() {
        for (place, digits) in [8, 4, 4, 4, 12].enumerated() {
            if place > 0 { text("-") }
            hex(digits)
        }
    }

    private static let base64 = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    mutating func base64(_ count: Int) {
        for _ in 0..<count { bytes.append(Self.base64[draw(0...63)]) }
    }

    mutating func noise(_ count: Int) {
        for _ in 0..<count { bytes.append(UInt8.random(in: 0...255, using: &random)) }
    }

    mutating func address() {
        for place in 0..<4 {
            if place > 0 { text(".") }
            number(place == 0 ? 1...223 : 0...255)
        }
    }
}
