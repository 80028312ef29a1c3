/// Appends a JSON string: quoted, escaped, and UTF-8 whatever the bytes were (a byte that is none
/// becomes U+FFFD).
package func appendJSONString(_ text: UnsafeRawBufferPointer, to out: inout [UInt8]) {
    out.append(UInt8(ascii: "\""))
    var start = 0
    var at = plainEnd(text, from: 0)
    func flush(_ end: Int, _ out: inout [UInt8]) {
        // Not as a slice, which is copied byte by byte.
        if start < end {
            out.append(contentsOf: UnsafeRawBufferPointer(rebasing: text[start..<end]))
        }
    }
    while at < text.count {
        let byte = text[at]
        if byte >= 0x80 {
            let length = utf8Length(text, at)
            if length == 0 {
                flush(at, &out)
                out.append(contentsOf: [0xEF, 0xBF, 0xBD])
                at += 1
                start = at
            } else {
                at += length
                if at < text.count, text[at] < 0x80 { at = plainEnd(text, from: at) }
            }
        } else if byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
            flush(at, &out)
            appendEscape(byte, to: &out)
            at += 1
            start = at
            at = plainEnd(text, from: at)
        } else {
            at += 1
        }
    }
    flush(at, &out)
    out.append(UInt8(ascii: "\""))
}

/// A name that is written again and again, with what stands around it: `"app":`.
package struct JSONKey: Sendable {
    package let name: String
    let text: [UInt8]

    package init(_ name: String) {
        self.name = name
        var text: [UInt8] = []
        appendJSONString(name, to: &text)
        self.text = text + [UInt8(ascii: ":")]
    }
}

package func appendJSONKey(_ key: JSONKey, to out: inout [UInt8]) {
    out.append(contentsOf: key.text)
}

/// Where the ASCII that needs no escape surely ends, looking at eight bytes at a time: whatever stands
/// behind it is to be looked at byte by byte.
private func plainEnd(_ text: UnsafeRawBufferPointer, from: Int) -> Int {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let high: UInt64 = 0x8080_8080_8080_8080
    var at = from
    func isPlain(_ word: UInt64) -> Bool {
        let quotes = word ^ (ones &* 0x22)
        let slashes = word ^ (ones &* 0x5c)
        // A borrow may mark a byte too many, never one too few.
        let special =
            (word &- ones &* 0x20) & ~word | (quotes &- ones) & ~quotes | (slashes &- ones)
            & ~slashes
            | word
        return special & high == 0
    }
    while at + 8 <= text.count {
        guard isPlain(text.loadUnaligned(fromByteOffset: at, as: UInt64.self)) else { return at }
        at += 8
    }
    // The rest by the last eight bytes, of which the first were looked at before.
    if at < text.count, text.count >= 8,
        isPlain(text.loadUnaligned(fromByteOffset: text.count - 8, as: UInt64.self))
    {
        return text.count
    }
    return at
}

package func appendJSONString(_ text: some Sequence<UInt8>, to out: inout [UInt8]) {
    if text.withContiguousStorageIfAvailable({
        appendJSONString(UnsafeRawBufferPointer($0), to: &out)
    }) == nil {
        Array(text).withUnsafeBytes { appendJSONString($0, to: &out) }
    }
}

package func appendJSONString(_ text: String, to out: inout [UInt8]) {
    // Not by way of any sequence: labels are written by the thousand.
    let done: Void? = text.utf8.withContiguousStorageIfAvailable {
        appendJSONString(UnsafeRawBufferPointer($0), to: &out)
    }
    if done == nil { appendJSONString(Array(text.utf8), to: &out) }
}

private func appendEscape(_ byte: UInt8, to out: inout [UInt8]) {
    func hex(_ digit: UInt8) -> UInt8 { digit < 10 ? digit + 48 : digit - 10 + UInt8(ascii: "a") }
    switch byte {
    case 0x0a: out.append(contentsOf: "\\n".utf8)
    case 0x0d: out.append(contentsOf: "\\r".utf8)
    case 0x09: out.append(contentsOf: "\\t".utf8)
    case UInt8(ascii: "\""): out.append(contentsOf: "\\\"".utf8)
    case UInt8(ascii: "\\"): out.append(contentsOf: "\\\\".utf8)
    default:
        out.append(contentsOf: "\\u00".utf8)
        out.append(hex(byte >> 4))
        out.append(hex(byte & 15))
    }
}

/// Length of the well-formed UTF-8 sequence at an offset, 0 when there is none (Unicode, table 3-7).
package func utf8Length(_ text: UnsafeRawBufferPointer, _ at: Int) -> Int {
    let first = text[at]
    func continues(_ i: Int, _ low: UInt8 = 0x80, _ high: UInt8 = 0xBF) -> Bool {
        at + i < text.count && text[at + i] >= low && text[at + i] <= high
    }
    switch first {
    case 0..<0x80: return 1
    case 0xC2...0xDF: return continues(1) ? 2 : 0
    case 0xE0: return continues(1, 0xA0) && continues(2) ? 3 : 0
    case 0xED: return continues(1, 0x80, 0x9F) && continues(2) ? 3 : 0
    case 0xE1...0xEF: return continues(1) && continues(2) ? 3 : 0
    case 0xF0: return continues(1, 0x90) && continues(2) && continues(3) ? 4 : 0
    case 0xF1...0xF3: return continues(1) && continues(2) && continues(3) ? 4 : 0
    case 0xF4: return continues(1, 0x80, 0x8F) && continues(2) && continues(3) ? 4 : 0
    default: return 0
    }
}
