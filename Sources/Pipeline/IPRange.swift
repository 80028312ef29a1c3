import Foundation
import LogModel

/// What `ip("…")` means: one address, a CIDR block or a range of addresses, v4 or v6.
struct IPRange {
    private let low: [UInt8]
    private let high: [UInt8]

    init(_ pattern: String) throws(PipelineError) {
        let wrong = PipelineError("ip: invalid pattern: \(quoted(pattern))")
        if let slash = pattern.firstIndex(of: "/") {
            guard let base = Self.address(pattern[..<slash]),
                let bits = Int(pattern[pattern.index(after: slash)...]), bits >= 0,
                bits <= base.count * 8
            else { throw wrong }
            low = base.indices.map { base[$0] & Self.mask(bits, $0) }
            high = base.indices.map { base[$0] | ~Self.mask(bits, $0) }
        } else if let dash = pattern.firstIndex(of: "-") {
            guard let a = Self.address(pattern[..<dash]),
                let b = Self.address(pattern[pattern.index(after: dash)...]), a.count == b.count
            else { throw wrong }
            low = a
            high = b
        } else {
            guard let one = Self.address(pattern[...]) else { throw wrong }
            low = one
            high = one
        }
    }

    private static func mask(_ bits: Int, _ byte: Int) -> UInt8 {
        let rest = max(0, min(8, bits - byte * 8))
        return rest == 0 ? 0 : UInt8(truncatingIfNeeded: 0xff << (8 - rest))
    }

    private static func address(_ text: Substring) -> [UInt8]? {
        var v4 = in_addr()
        var v6 = in6_addr()
        let text = String(text)
        if inet_pton(AF_INET, text, &v4) == 1 { return withUnsafeBytes(of: &v4) { Array($0) } }
        if inet_pton(AF_INET6, text, &v6) == 1 { return withUnsafeBytes(of: &v6) { Array($0) } }
        return nil
    }

    func contains(_ text: String) -> Bool {
        guard let address = Self.address(text[...]), address.count == low.count else {
            return false
        }
        return !address.lexicographicallyPrecedes(low) && !high.lexicographicallyPrecedes(address)
    }

    /// True when the line holds an address of the range anywhere.
    func occurs(in line: UnsafeRawBufferPointer) -> Bool {
        var at = 0
        while at < line.count {
            guard Self.isAddressByte(line[at]) else {
                at += 1
                continue
            }
            var end = at
            while end < line.count, Self.isAddressByte(line[end]) { end += 1 }
            // Words such as "status:10.0.0.1:80" hold an address between their colons.
            let word = String(decoding: line[at..<end], as: UTF8.self)
            if contains(word) { return true }
            if word.contains("."),
                word.split(separator: ":").contains(where: { contains(String($0)) })
            {
                return true
            }
            at = end
        }
        return false
    }

    private static func isAddressByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 48...58, 46, 97...102, 65...70: true
        default: false
        }
    }
}
