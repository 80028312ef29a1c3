import CScan
import Glibc

/// A literal, ready to be searched for.
package struct ByteSearch: Sendable {
    package let needle: [UInt8]
    private let ignoringCase: Bool

    /// With `ignoringCase` the ASCII letters of both sides are folded, nothing else.
    package init(_ needle: [UInt8], ignoringCase: Bool = false) {
        self.needle = ignoringCase ? needle.map(Self.lower) : needle
        self.ignoringCase = ignoringCase
    }

    private static func lower(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }

    /// Offset of the first occurrence that starts at `from` or later; an empty needle is found there.
    package func find(in text: UnsafeRawBufferPointer, from: Int = 0) -> Int? {
        guard from >= 0, from <= text.count else { return nil }
        guard !needle.isEmpty else { return from }
        guard text.count - from >= needle.count, let base = text.baseAddress else { return nil }
        let start = base.assumingMemoryBound(to: UInt8.self) + from
        let count = text.count - from
        let at = needle.withUnsafeBufferPointer { needle -> Int in
            guard let bytes = needle.baseAddress else { return -1 }
            return ignoringCase
                ? cscan_find_ignoring_case(start, count, bytes, needle.count)
                : cscan_find(start, count, bytes, needle.count)
        }
        // (size_t)-1 arrives as -1.
        return at < 0 ? nil : from + at
    }

    package func occurs(in text: UnsafeRawBufferPointer) -> Bool { find(in: text) != nil }
}

/// Offset of the first such byte at `from` or later.
package func firstOffset(
    of byte: UInt8, in text: UnsafeRawBufferPointer, from: Int = 0
) -> Int? {
    guard let base = text.baseAddress, from >= 0, from < text.count,
        let found = memchr(base + from, Int32(byte), text.count - from)
    else { return nil }
    return UnsafeRawPointer(found) - base
}
