import Bytes
import Foundation

/// What an open file holds, packed or not: its first bytes, and the bytes before an offset. It does
/// not own the descriptor.
struct FileContent {
    enum Kind: Sendable {
        case plain, gzip, zip

        /// As the name of a file says.
        init(name: String) {
            self = name.hasSuffix(".gz") ? .gzip : name.hasSuffix(".zip") ? .zip : .plain
        }
    }

    let descriptor: Int32
    let kind: Kind

    static let blockBytes = 64 * 1024
    /// Packed bytes that surely unpack to the bytes of a fingerprint, unless the file is shorter.
    private static let packedHeadBytes = 16 * 1024

    /// The first bytes, unpacked; empty when there are none, or they cannot be read.
    var firstBytes: [UInt8] {
        guard kind != .plain else {
            return Self.read(descriptor, at: 0, count: Fingerprint.length)
        }
        var stream = UnpackedStream(descriptor: descriptor, kind: kind)
        var out: [UInt8] = []
        // A file that is still being packed ends in the middle: what came out before counts.
        while out.count < Fingerprint.length, let block = stream.next(Self.packedHeadBytes) {
            out += block
        }
        return Array(out.prefix(Fingerprint.length))
    }

    /// The bytes before an offset of a plain file, at most `ContentMark.length`; nil when there are
    /// fewer.
    func tail(before offset: Int64) -> [UInt8]? {
        let count = Int(min(offset, Int64(ContentMark.length)))
        if kind == .plain {
            let block = Self.read(descriptor, at: offset - Int64(count), count: count)
            return block.count == count ? block : nil
        }
        var tail = PackedTail(end: offset)
        var stream = UnpackedStream(descriptor: descriptor, kind: kind)
        while tail.seen < offset, let block = stream.next(Self.blockBytes) { tail.add(block) }
        return tail.seen < offset ? nil : tail.bytes
    }

    /// What a packed file holds, and the bytes before some offsets, which rise, as hashes.
    func facts(offsets: [Int64]) -> PackedFacts {
        var end = PackedTail(end: .max)
        var tails = offsets.map { PackedTail(end: $0) }
        var stream = UnpackedStream(descriptor: descriptor, kind: kind)
        while let block = stream.next(Self.blockBytes) {
            end.add(block)
            for index in tails.indices { tails[index].add(block) }
        }
        var hashes: [Int64: UInt64] = [:]
        for tail in tails where tail.seen == tail.end {
            hashes[tail.end] = Fingerprint(tail.bytes).hash
        }
        return PackedFacts(
            length: end.seen, tail: end.bytes, isWhole: stream.damage == nil, hashes: hashes)
    }

    /// Up to `count` bytes from an offset; fewer at the end, none when reading fails.
    static func read(_ descriptor: Int32, at offset: Int64, count: Int) -> [UInt8] {
        var block = [UInt8](repeating: 0, count: count)
        while true {
            let got = pread(descriptor, &block, count, off_t(offset))
            if got < 0, errno == EINTR { continue }
            block.removeLast(count - max(0, got))
            return block
        }
    }

    /// The last bytes before `end` of a content that comes in blocks.
    private struct PackedTail {
        let end: Int64
        private(set) var seen: Int64 = 0
        private(set) var bytes: [UInt8] = []

        init(end: Int64) { self.end = end }

        mutating func add(_ block: [UInt8]) {
            let part = block.prefix(Int(min(Int64(block.count), max(0, end - seen))))
            seen += Int64(part.count)
            bytes += part.suffix(ContentMark.length)
            bytes.removeFirst(max(0, bytes.count - ContentMark.length))
        }
    }
}

/// The bytes before an offset, as a hash: with the fingerprint of the first bytes it tells whether a
/// file is still, or again, what was read so far.
struct ContentMark: Hashable, Sendable, Codable {
    /// Bytes that are looked at, at most: more than one line with its stamp.
    static let length = 256

    var offset: Int64
    var hash: UInt64

    init(offset: Int64, before tail: [UInt8]) {
        self.offset = offset
        hash = Fingerprint(tail).hash
    }

    func matches(_ content: FileContent) -> Bool {
        guard let tail = content.tail(before: offset) else { return false }
        return Fingerprint(tail).hash == hash
    }
}
