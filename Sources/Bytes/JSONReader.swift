/// One token of a JSON text. Ranges are offsets in the input; those of strings and keys leave the
/// quotes out, and `escaped` says whether a backslash is inside.
package enum JSONToken: Equatable, Sendable {
    case objectStart, objectEnd, arrayStart, arrayEnd
    case key(Range<Int>, escaped: Bool)
    case string(Range<Int>, escaped: Bool)
    case number(Range<Int>)
    case `true`, `false`, null
    /// The end of the input, after one complete value.
    case end
}

/// Pulls the tokens of one JSON text (RFC 8259) out of bytes, without recursion and without a copy.
/// The buffer must outlive the reader. Control characters inside strings and invalid UTF-8 are let
/// through, as the decoders of other log servers do: a log line may hold anything.
package struct JSONReader {
    private enum State { case value, firstKey, key, colon, firstItem, afterValue, done }

    private let bytes: UnsafeRawBufferPointer
    private let maxNesting: Int
    package private(set) var offset = 0
    private var state = State.value
    /// True for an object, false for an array.
    private var stack: [Bool] = []

    package init(_ bytes: UnsafeRawBufferPointer, maxNesting: Int) {
        self.bytes = bytes
        self.maxNesting = maxNesting
    }

    private func wrong(_ what: String) -> BytesError { .invalid(what, offset: offset) }

    private mutating func skipSpace() {
        while offset < bytes.count {
            switch bytes[offset] {
            case 0x20, 0x0a, 0x0d, 0x09: offset += 1
            default: return
            }
        }
    }

    private func peek() throws(BytesError) -> UInt8 {
        guard offset < bytes.count else { throw .truncated(offset: offset) }
        return bytes[offset]
    }

    package mutating func next() throws(BytesError) -> JSONToken {
        while true {
            skipSpace()
            switch state {
            case .done:
                guard offset == bytes.count else { throw wrong("text after the JSON value") }
                return .end
            case .value: return try value()
            case .firstItem:
                if try peek() == UInt8(ascii: "]") { return close(.arrayEnd) }
                state = .value
            case .firstKey:
                if try peek() == UInt8(ascii: "}") { return close(.objectEnd) }
                state = .key
            case .key:
                guard try peek() == UInt8(ascii: "\"") else { throw wrong("expected a key") }
                let (range, escaped) = try string()
                state = .colon
                return .key(range, escaped: escaped)
            case .colon:
                guard try peek() == UInt8(ascii: ":") else { throw wrong("expected ':'") }
                offset += 1
                state = .value
            case .afterValue:
                guard let inObject = stack.last else {
                    state = .done
                    continue
                }
                switch try peek() {
                case UInt8(ascii: ","):
                    offset += 1
                    state = inObject ? .key : .value
                case UInt8(ascii: "}") where inObject: return close(.objectEnd)
                case UInt8(ascii: "]") where !inObject: return close(.arrayEnd)
                default: throw wrong("expected ',' or a closing bracket")
                }
            }
        }
    }

    private mutating func close(_ token: JSONToken) -> JSONToken {
        offset += 1
        stack.removeLast()
        state = .afterValue
        return token
    }

    private mutating func open(object: Bool) throws(BytesError) -> JSONToken {
        guard stack.count < maxNesting else {
            throw wrong("JSON nested deeper than \(maxNesting)")
        }
        offset += 1
        stack.append(object)
        state = object ? .firstKey : .firstItem
        return object ? .objectStart : .arrayStart
    }

    private mutating func value() throws(BytesError) -> JSONToken {
        switch try peek() {
        case UInt8(ascii: "{"): return try open(object: true)
        case UInt8(ascii: "["): return try open(object: false)
        case UInt8(ascii: "\""):
            let (range, escaped) = try string()
            state = .afterValue
            return .string(range, escaped: escaped)
        case UInt8(ascii: "t"): return try word("true", .true)
        case UInt8(ascii: "f"): return try word("false", .false)
        case UInt8(ascii: "n"): return try word("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            let range = try number()
            state = .afterValue
            return .number(range)
        default: throw wrong("expected a JSON value")
        }
    }

    private mutating func word(_ text: StaticString, _ token: JSONToken) throws(BytesError)
        -> JSONToken
    {
        guard bytes.count - offset >= text.utf8CodeUnitCount else {
            throw .truncated(offset: bytes.count)
        }
        for i in 0..<text.utf8CodeUnitCount where bytes[offset + i] != text.utf8Start[i] {
            throw wrong("expected \(text)")
        }
        offset += text.utf8CodeUnitCount
        state = .afterValue
        return token
    }

    /// The range between the quotes; leaves the offset behind the closing one.
    private mutating func string() throws(BytesError) -> (Range<Int>, escaped: Bool) {
        offset += 1
        let start = offset
        var escaped = false
        while offset < bytes.count {
            switch bytes[offset] {
            case UInt8(ascii: "\""):
                defer { offset += 1 }
                return (start..<offset, escaped)
            case UInt8(ascii: "\\"):
                escaped = true
                offset += 2
            default: offset += 1
            }
        }
        throw .truncated(offset: bytes.count)
    }

    private mutating func digits() throws(BytesError) {
        let start = offset
        while offset < bytes.count, bytes[offset] &- 48 < 10 { offset += 1 }
        guard offset > start else {
            throw offset == bytes.count ? .truncated(offset: offset) : wrong("expected a digit")
        }
    }

    private mutating func number() throws(BytesError) -> Range<Int> {
        let start = offset
        if bytes[offset] == UInt8(ascii: "-") { offset += 1 }
        let first = offset
        try digits()
        if bytes[first] == UInt8(ascii: "0"), offset > first + 1 {
            throw wrong("number with a leading zero")
        }
        if offset < bytes.count, bytes[offset] == UInt8(ascii: ".") {
            offset += 1
            try digits()
        }
        if offset < bytes.count, bytes[offset] | 0x20 == UInt8(ascii: "e") {
            offset += 1
            if offset < bytes.count, bytes[offset] == 0x2b || bytes[offset] == 0x2d { offset += 1 }
            try digits()
        }
        return start..<offset
    }

    /// Skips the value that comes next and tells where it stands.
    package mutating func skipValue() throws(BytesError) -> Range<Int> {
        skipSpace()
        if state == .colon {
            guard try peek() == UInt8(ascii: ":") else { throw wrong("expected ':'") }
            offset += 1
            state = .value
            skipSpace()
        } else if state == .afterValue, stack.last == false, try peek() == UInt8(ascii: ",") {
            offset += 1
            state = .value
            skipSpace()
        }
        let start = offset
        let depth = stack.count
        repeat { _ = try next() } while stack.count > depth
        return start..<offset
    }

    /// Appends the text of a string or key with its escapes resolved; a lone surrogate becomes U+FFFD.
    ///
    /// Half a surrogate pair becomes U+FFFD, or is an error with `refusingHalves`.
    package func unescape(
        _ range: Range<Int>, into out: inout [UInt8], refusingHalves: Bool = false
    ) throws(BytesError) {
        var at = range.lowerBound
        while at < range.upperBound {
            let byte = bytes[at]
            guard byte == UInt8(ascii: "\\") else {
                out.append(byte)
                at += 1
                continue
            }
            guard at + 1 < range.upperBound else { throw .truncated(offset: at) }
            at += 2
            switch bytes[at - 1] {
            case UInt8(ascii: "n"): out.append(0x0a)
            case UInt8(ascii: "t"): out.append(0x09)
            case UInt8(ascii: "r"): out.append(0x0d)
            case UInt8(ascii: "b"): out.append(0x08)
            case UInt8(ascii: "f"): out.append(0x0c)
            case UInt8(ascii: "\""): out.append(0x22)
            case UInt8(ascii: "\\"): out.append(0x5c)
            case UInt8(ascii: "/"): out.append(0x2f)
            case UInt8(ascii: "u"):
                let place = at
                let scalar = try unicodeEscape(&at, end: range.upperBound)
                if scalar == "\u{FFFD}", refusingHalves,
                    try hex4(place, end: range.upperBound) != 0xFFFD
                {
                    throw .invalid("half a surrogate pair", offset: place)
                }
                out.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
            default: throw .invalid("unknown escape", offset: at - 2)
            }
        }
    }

    private func unicodeEscape(_ at: inout Int, end: Int) throws(BytesError) -> Unicode.Scalar {
        let high = try hex4(at, end: end)
        at += 4
        if let scalar = Unicode.Scalar(high) { return scalar }
        guard high < 0xDC00, at + 6 <= end, bytes[at] == UInt8(ascii: "\\"),
            bytes[at + 1] == UInt8(ascii: "u"), let low = try? hex4(at + 2, end: end),
            (0xDC00...0xDFFF).contains(low)
        else { return "\u{FFFD}" }
        at += 6
        return Unicode.Scalar(0x10000 + (high - 0xD800) << 10 + (low - 0xDC00)) ?? "\u{FFFD}"
    }

    private func hex4(_ at: Int, end: Int) throws(BytesError) -> UInt32 {
        guard at + 4 <= end else { throw .truncated(offset: at) }
        var value: UInt32 = 0
        for i in at..<at + 4 {
            let digit: UInt32
            switch bytes[i] {
            case 48...57: digit = UInt32(bytes[i]) - 48
            case 65...70: digit = UInt32(bytes[i]) - 55
            case 97...102: digit = UInt32(bytes[i]) - 87
            default: throw .invalid("escape without four hex digits", offset: i)
            }
            value = value << 4 | digit
        }
        return value
    }
}
