import Bytes
import LogModel

/// Reads JSON of a known shape: the next value must be what the caller asks for. For small
/// messages and the frame of large ones; a wrong shape is a 400 that names the byte.
struct JSONCursor {
    let bytes: UnsafeRawBufferPointer
    private var reader: JSONReader
    /// A token that was looked at and not yet taken.
    private var peeked: JSONToken?

    private init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
        reader = JSONReader(bytes, maxNesting: Limits.maxNesting)
    }

    /// Reads one whole text.
    static func read<T>(
        _ body: [UInt8], _ shape: (inout JSONCursor) throws(WireError) -> T
    ) throws(WireError) -> T {
        let result = body.withUnsafeBytes { bytes -> Result<T, WireError> in
            var cursor = JSONCursor(bytes)
            do throws(WireError) {
                let value = try shape(&cursor)
                guard case .end = try cursor.next() else {
                    throw cursor.wrong("text after the JSON value")
                }
                return .success(value)
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    func wrong(_ what: String) -> WireError {
        .badRequest("invalid JSON: \(what) at byte \(reader.offset)")
    }

    private static func translate(_ error: BytesError) -> WireError {
        switch error {
        case .truncated(let offset):
            offset == 0
                ? .badRequest("EOF") : .badRequest("invalid JSON: unexpected end at byte \(offset)")
        case .invalid(let what, let offset):
            .badRequest("invalid JSON: \(what) at byte \(offset)")
        case .tooLarge(let limit): .badRequest("invalid JSON: more than \(limit) bytes")
        }
    }

    mutating func next() throws(WireError) -> JSONToken {
        if let token = peeked {
            peeked = nil
            return token
        }
        do { return try reader.next() } catch { throw Self.translate(error) }
    }

    /// The first two items of an array that was just opened, when they are a plain string and a
    /// string; else nil, and they come one by one.
    mutating func takeStringPair() -> (Range<Int>, Range<Int>, escaped: Bool)? {
        peeked == nil ? reader.takeStringPair() : nil
    }

    /// Where the reader stands.
    var offset: Int { reader.offset }

    /// Takes tokens up to the end of the object at hand, which holds no other.
    mutating func finishObject() throws(WireError) {
        while true {
            if case .objectEnd = try next() { return }
        }
    }

    mutating func skip() throws(WireError) {
        do { _ = try reader.skipValue() } catch { throw Self.translate(error) }
    }

    /// Calls `field` for each key; it must take the value or skip it. `null` is an empty object.
    mutating func object(
        _ field: (String, inout JSONCursor) throws(WireError) -> Void
    ) throws(WireError) {
        switch try next() {
        case .null: return
        case .objectStart: break
        default: throw wrong("expected an object")
        }
        while true {
            switch try next() {
            case .objectEnd: return
            case .key(let range, let escaped):
                try field(try text(range, escaped: escaped), &self)
            default: throw wrong("expected a key")
            }
        }
    }

    /// Calls `item` for each item; it must take the value. `null` is an empty array.
    mutating func array(
        _ item: (inout JSONCursor) throws(WireError) -> Void
    ) throws(WireError) {
        switch try next() {
        case .null: return
        case .arrayStart: break
        default: throw wrong("expected an array")
        }
        while true {
            let token = try next()
            if case .arrayEnd = token { return }
            peeked = token
            try item(&self)
        }
    }

    /// A string of `limit` bytes at most.
    mutating func string(_ what: String, limit: Int) throws(WireError) -> String {
        guard case .string(let range, let escaped) = try next() else {
            throw wrong("\(what) must be a string")
        }
        guard range.count <= limit else {
            throw wrong("\(what) is longer than \(limit) bytes")
        }
        return try text(range, escaped: escaped)
    }

    /// A whole number that is not negative.
    mutating func integer(_ what: String) throws(WireError) -> Int64 {
        let value = try signed(what)
        guard value >= 0 else { throw wrong("\(what) must be a whole number") }
        return value
    }

    /// A whole number.
    mutating func signed(_ what: String) throws(WireError) -> Int64 {
        guard case .number(let range) = try next(),
            let value = Int64(String(decoding: bytes[range], as: UTF8.self))
        else { throw wrong("\(what) must be a whole number") }
        return value
    }

    func text(_ range: Range<Int>, escaped: Bool) throws(WireError) -> String {
        guard escaped else { return String(decoding: bytes[range], as: UTF8.self) }
        var out: [UInt8] = []
        try unescape(range, into: &out)
        return String(decoding: out, as: UTF8.self)
    }

    /// Appends a text with its escapes resolved.
    func unescape(_ range: Range<Int>, into out: inout [UInt8]) throws(WireError) {
        do { try reader.unescape(range, into: &out) } catch { throw Self.translate(error) }
    }
}
