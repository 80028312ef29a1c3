import CScan

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
    /// What is open: a bit each, the innermost in front, 1 for an object and 0 for an array. Bits,
    /// because lines are read by a reader each, and none should cost memory.
    private var stack: UInt128 = 0
    private var depth = 0

    /// `maxNesting` is 128 at most.
    package init(_ bytes: UnsafeRawBufferPointer, maxNesting: Int) {
        precondition(maxNesting <= UInt128.bitWidth, "a bit for each open value")
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

    private var isInObject: Bool { stack & 1 != 0 }

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
                guard depth > 0 else {
                    state = .done
                    continue
                }
                let inObject = isInObject
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
        stack >>= 1
        depth -= 1
        state = .afterValue
        return token
    }

    private mutating func open(object: Bool) throws(BytesError) -> JSONToken {
        guard depth < maxNesting else {
            throw wrong("JSON nested deeper than \(maxNesting)")
        }
        offset += 1
        stack = stack << 1 | (object ? 1 : 0)
        depth += 1
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
        var escaped: Int32 = 0
        let end = bytes.baseAddress.map {
            // (size_t)-1 arrives as -1.
            cscan_json_string_end(
                $0.assumingMemoryBound(to: UInt8.self), bytes.count, offset, &escaped)
        }
        guard let end, end >= 0 else {
            offset = bytes.count
            throw .truncated(offset: bytes.count)
        }
        defer { offset = end + 1 }
        return (offset..<end, escaped != 0)
    }

    /// Takes the first two items of an array that was just opened, when both are strings and the
    /// first is plain; else nil, and nothing is taken. For arrays by the million: it is what `next`
    /// would give, in one step.
    package mutating func takeStringPair() -> (Range<Int>, Range<Int>, escaped: Bool)? {
        guard state == .firstItem else { return nil }
        let start = offset
        guard let (first, isEscaped) = quoted(), !isEscaped else {
            offset = start
            return nil
        }
        skipSpace()
        guard offset < bytes.count, bytes[offset] == UInt8(ascii: ",") else {
            offset = start
            return nil
        }
        offset += 1
        guard let (second, escaped) = quoted() else {
            offset = start
            return nil
        }
        state = .afterValue
        return (first, second, escaped)
    }

    /// A string where one comes next.
    private mutating func quoted() -> (Range<Int>, escaped: Bool)? {
        skipSpace()
        guard offset < bytes.count, bytes[offset] == UInt8(ascii: "\"") else { return nil }
        return try? string()
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
        } else if state == .afterValue, depth > 0, !isInObject, try peek() == UInt8(ascii: ",") {
            offset += 1
            state = .value
            skipSpace()
        }
        let start = offset
        let outer = depth
        repeat { _ = try next() } while depth > outer
        return start..<offset
    }

    /// Appends the text of a string or key with its escapes resolved; a lone surrogate becomes U+FFFD.
    ///
    /// Half a surrogate pair becomes U+FFFD, or is an error with `refusingHalves`.
    package func unescape(
        _ range: Range<Int>, into out: inout [UInt8], refusingHalves: Bool = false
    ) throws(BytesError) {
        let start = out.count
        out.append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes[range]))
        // The kernel reads and writes the bytes that were just appended and no others.
        let result = out.withUnsafeMutableBufferPointer { out -> cscan_unescaped in
            guard let base = out.baseAddress else { return cscan_unescaped() }
            return cscan_json_unescape(base + start, range.count, refusingHalves ? 1 : 0)
        }
        if result.written < range.count { out.removeLast(range.count - result.written) }
        let place = range.lowerBound + result.at
        switch result.fault {
        case CSCAN_FINE: return
        case CSCAN_CUT_SHORT: throw .truncated(offset: place)
        case CSCAN_NO_HEX: throw .invalid("escape without four hex digits", offset: place)
        case CSCAN_HALF_PAIR: throw .invalid("half a surrogate pair", offset: place)
        default: throw .invalid("unknown escape", offset: place)
        }
    }
}
