import Bytes

/// Looks at stored values for a run of hex digits without writing them out: ids are packed, and a
/// packed needle is found in them as they are. May say yes where there is none, never no where
/// there is one.
struct ValueProbe {
    /// Shorter runs would be found by chance too often.
    private static let leastDigits = 6

    /// The digits packed as they lie in a value that holds them from an even place on, and from an
    /// odd one.
    private let even: ByteSearch
    private let odd: ByteSearch
    private let run: ByteSearch

    /// Nil when the literal has no run of hex digits with a letter among them that is long enough.
    init?(_ literal: ColumnsLiteral) {
        var longest: ArraySlice<UInt8> = []
        for part in literal.needle.split(whereSeparator: { Self.digit($0) == nil })
        where part.count > longest.count && part.contains(where: { $0 >= UInt8(ascii: "A") }) {
            longest = part
        }
        guard longest.count >= Self.leastDigits else { return nil }
        run = ByteSearch(Array(longest), ignoringCase: literal.ignoringCase)
        even = ByteSearch(Self.packed(longest))
        odd = ByteSearch(Self.packed(longest.dropFirst()))
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - 48
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - 87
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - 55
        default: nil
        }
    }

    /// Whole bytes only; a last single digit is left out.
    private static func packed(_ digits: ArraySlice<UInt8>) -> [UInt8] {
        let nibbles = digits.compactMap { digit($0) }
        return stride(from: 0, to: nibbles.count - 1, by: 2).map {
            nibbles[$0] << 4 | nibbles[$0 + 1]
        }
    }

    /// Whether values may hold the run. Reads them to their end when it says no.
    func mayHold(
        _ reader: inout ByteReader, count: Int, limit: Int, depth: Int = 0
    ) throws(BytesError) -> Bool {
        guard let kind = ValueFormat.Kind(rawValue: try reader.readUInt8()),
            depth < ValueFormat.deepest
        else { return true }
        switch kind {
        case .same:
            let value = try reader.readBytes(try reader.readCount(limit: reader.remaining))
            return value.withUnsafeBytes { run.occurs(in: $0) }
        case .hex, .hexUpper: return try packedMayHold(&reader, count: count, limit: limit)
        case .decimal, .fixed, .padded:
            // A run with a letter in it is in no number.
            try skipNumbers(&reader, kind, count: count)
            return false
        case .split: return try partMayHold(&reader, count: count, limit: limit, depth: depth)
        default: return true
        }
    }

    private func packedMayHold(
        _ reader: inout ByteReader, count: Int, limit: Int
    ) throws(BytesError) -> Bool {
        let digits = Int(try reader.readUInt8())
        // The last of an odd number of digits lies in a byte of its own.
        guard digits % 2 == 0, digits * count <= limit else { return true }
        let bytes = try ByteBlock.decode(&reader, count: count * digits / 2)
        return bytes.withUnsafeBytes { even.occurs(in: $0) || odd.occurs(in: $0) }
    }

    private func skipNumbers(
        _ reader: inout ByteReader, _ kind: ValueFormat.Kind, count: Int
    ) throws(BytesError) {
        if kind == .fixed { _ = try reader.readUInt8() }
        let numbers = RawCodes(count: count)
        try IntBlock.decode(&reader, count: count, into: numbers.numbers)
        if kind == .padded { try IntBlock.decode(&reader, count: count, into: numbers.numbers) }
    }

    private func partMayHold(
        _ reader: inout ByteReader, count: Int, limit: Int, depth: Int
    ) throws(BytesError) -> Bool {
        let parts = Int(try reader.readUInt8())
        var isBehindColumn = false
        for _ in 0..<parts {
            if try reader.readUInt8() == 0 {
                _ = try reader.readUInt8()
                isBehindColumn = false
                continue
            }
            // Side by side, two parts may hold the run between them.
            if isBehindColumn { return true }
            isBehindColumn = true
            if try mayHold(&reader, count: count, limit: limit, depth: depth + 1) { return true }
        }
        return false
    }
}
