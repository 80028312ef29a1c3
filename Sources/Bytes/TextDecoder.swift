import CIconv
import Glibc
import Synchronization

/// Turns text of another encoding into UTF-8, by the C library's iconv(3). A byte that is no character
/// becomes `\xNN`, four characters that say which byte it was.
package final class TextDecoder: Sendable {
    /// @unchecked: used under the lock of its mutex only.
    private struct Converter: @unchecked Sendable { let handle: iconv_t }

    /// The name by which the C library knows the encoding.
    package let name: String
    /// True when bytes below 0x80 are ASCII wherever they stand alone, so that a text of them is itself.
    private let isASCIIInside: Bool
    private let converter: Mutex<Converter>

    /// Nil when the C library does not know the name.
    package init?(_ name: String, isASCIIInside: Bool) {
        guard let handle = iconv_open("UTF-8", name), handle != iconv_t(bitPattern: -1) else {
            return nil
        }
        self.name = name
        self.isASCIIInside = isASCIIInside
        converter = Mutex(Converter(handle: handle))
    }

    deinit { converter.withLock { _ = iconv_close($0.handle) } }

    /// Bytes of a character that is not complete, at most.
    private static let longest = 8
    private static let hex = Array("0123456789ABCDEF".utf8)

    /// The text in UTF-8, and how much of the input it stands for: all of it, unless `isCut` allows that
    /// the last character is not complete.
    package func decode(
        _ text: UnsafeRawBufferPointer, isCut: Bool = false
    ) -> (text: [UInt8], consumed: Int) {
        if isASCIIInside, text.allSatisfy({ $0 < 0x80 && $0 != 0x1b }) {
            return ([UInt8](text), text.count)
        }
        guard let base = text.baseAddress else { return ([], 0) }
        var out: [UInt8] = []
        out.reserveCapacity(text.count * 3 / 2 + 16)
        let consumed = converter.withLock { converter in
            convert(converter.handle, base, text.count, isCut, &out)
        }
        return (out, consumed)
    }

    private func convert(
        _ handle: iconv_t, _ base: UnsafeRawPointer, _ count: Int, _ isCut: Bool,
        _ out: inout [UInt8]
    ) -> Int {
        // Every text stands for itself: shifts of the one before are forgotten.
        iconv(handle, nil, nil, nil, nil)
        var input: UnsafeMutablePointer<CChar>? = UnsafeMutablePointer(
            mutating: base.assumingMemoryBound(to: CChar.self))
        var left = count
        var block = [CChar](repeating: 0, count: 4096)
        while left > 0 {
            let (status, reason, written) = block.withUnsafeMutableBufferPointer { buffer in
                var end = buffer.baseAddress
                var room = buffer.count
                let status = iconv(handle, &input, &left, &end, &room)
                return (status, errno, buffer.count - room)
            }
            for byte in block[..<written] { out.append(UInt8(bitPattern: byte)) }
            guard status == -1 else { break }
            if reason == E2BIG { continue }
            if reason == EINVAL, isCut, left < Self.longest { return count - left }
            guard let at = input else { break }
            let byte = UInt8(bitPattern: at.pointee)
            out.append(contentsOf: [
                UInt8(ascii: "\\"), UInt8(ascii: "x"), Self.hex[Int(byte >> 4)],
                Self.hex[Int(byte & 15)],
            ])
            input = at + 1
            left -= 1
            iconv(handle, nil, nil, nil, nil)
        }
        return count
    }
}
