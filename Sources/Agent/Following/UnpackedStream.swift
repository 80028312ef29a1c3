import Bytes
import Foundation

/// The content of a packed file from its start, block by block. It does not own the descriptor.
struct UnpackedStream: ~Copyable {
    private let descriptor: Int32
    private var gzip: GzipStream?
    private var zip: ZipEntryStream?
    private var offset: Int64 = 0
    private var isAtEnd = false
    /// Why the content ends before its end; what comes before that is handed out.
    private(set) var damage: String?

    init(descriptor: Int32, kind: FileContent.Kind) {
        self.descriptor = descriptor
        switch kind {
        case .zip:
            // Through its descriptor: the name may be another file's by now.
            zip = ZipEntryStream(path: "/proc/self/fd/\(descriptor)")
            if zip == nil { damage = "the zip archive is cut off or damaged" }
        case .gzip, .plain: gzip = GzipStream()
        }
    }

    /// The next bytes, of about so many packed ones; nil at the end. Never empty.
    mutating func next(_ count: Int) -> [UInt8]? {
        var out: [UInt8] = []
        while out.isEmpty {
            if isAtEnd { return nil }
            if gzip != nil { readGzip(count, &out) } else { readZip(count, &out) }
        }
        return out
    }

    private mutating func readGzip(_ count: Int, _ out: inout [UInt8]) {
        let block = FileContent.read(descriptor, at: offset, count: count)
        if block.isEmpty {
            isAtEnd = true
            if offset == 0 || gzip?.isAtMemberEnd != true { damage = "the gzip data is cut off" }
            return
        }
        offset += Int64(block.count)
        do { try block.withUnsafeBytes { try gzip?.inflate($0, into: &out) } } catch {
            damage = "\(error)"
            isAtEnd = true
        }
    }

    private mutating func readZip(_ count: Int, _ out: inout [UInt8]) {
        do {
            guard let block = try zip?.next(count) else {
                isAtEnd = true
                return
            }
            out = block
        } catch {
            damage = "\(error)"
            isAtEnd = true
        }
    }
}
