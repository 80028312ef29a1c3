import CDeflate
import CSnappy
import CZstd
import Synchronization

/// zstd frames of known size, for pages.
package enum Zstd {
    /// Contexts are costly to make (hundreds of KiB) and may be used by one thread at a time, so a
    /// few wait here for whoever comes next.
    private static let packers = Mutex<[Context]>([])
    private static let unpackers = Mutex<[Context]>([])
    private static let mostWaiting = 4

    /// @unchecked: a context is used by whoever took it from its list, and by nobody else.
    private struct Context: @unchecked Sendable { let pointer: OpaquePointer }

    private static func lend<T>(
        _ waiting: borrowing Mutex<[Context]>, make: () -> OpaquePointer?,
        free: (OpaquePointer) -> Void, _ body: (OpaquePointer?) -> T
    ) -> T {
        let context = waiting.withLock { $0.popLast() } ?? make().map(Context.init)
        defer {
            if let context {
                let kept = waiting.withLock { list -> Bool in
                    guard list.count < mostWaiting else { return false }
                    list.append(context)
                    return true
                }
                if !kept { free(context.pointer) }
            }
        }
        return body(context?.pointer)
    }

    package static func compress(_ bytes: UnsafeRawBufferPointer, level: Int32) -> [UInt8] {
        let bound = ZSTD_compressBound(bytes.count)
        return lend(packers, make: { ZSTD_createCCtx() }, free: { _ = ZSTD_freeCCtx($0) }) {
            context in
            [UInt8](unsafeUninitializedCapacity: bound) { out, count in
                let size = ZSTD_compressCCtx(
                    context, out.baseAddress, bound, bytes.baseAddress, bytes.count, level)
                precondition(
                    context != nil && ZSTD_isError(size) == 0,
                    "zstd fails only without memory: the bound is its own")
                count = size
            }
        }
    }

    /// `rawSize` is what the writer declared; callers bound it before they ask.
    package static func decompress(
        _ bytes: UnsafeRawBufferPointer, rawSize: Int
    ) throws(BytesError) -> [UInt8] {
        guard rawSize >= 0 else { throw .invalid("size of a zstd frame", offset: 0) }
        let out = lend(unpackers, make: { ZSTD_createDCtx() }, free: { _ = ZSTD_freeDCtx($0) }) {
            context -> [UInt8]? in
            guard let context else { return nil }
            var failed = false
            let out = [UInt8](unsafeUninitializedCapacity: rawSize) { out, count in
                let size = ZSTD_decompressDCtx(
                    context, out.baseAddress, rawSize, bytes.baseAddress, bytes.count)
                failed = ZSTD_isError(size) != 0 || size != rawSize
                count = failed ? 0 : rawSize
            }
            return failed ? nil : out
        }
        guard let out else { throw .invalid("zstd frame", offset: 0) }
        return out
    }
}

/// Whole bodies in gzip (RFC 1952) or raw deflate (RFC 1951), through libdeflate, which unpacks
/// a body that is in memory more than twice as fast as zlib does.
package enum Gzip {
    package static func compress(_ bytes: [UInt8], level: Int32 = 6) -> [UInt8] {
        guard let packer = libdeflate_alloc_compressor(level) else { return [] }
        defer { libdeflate_free_compressor(packer) }
        let bound = libdeflate_gzip_compress_bound(packer, bytes.count)
        return [UInt8](unsafeUninitializedCapacity: bound) { out, count in
            count = libdeflate_gzip_compress(packer, bytes, bytes.count, out.baseAddress, bound)
        }
    }

    /// All members, one after the other. Takes at most `limit` bytes of memory for the result.
    package static func decompress(_ bytes: [UInt8], limit: Int) throws(BytesError) -> [UInt8] {
        try inflate(bytes, limit: limit, hint: declaredSize(bytes, limit: limit), gzip: true)
    }

    /// The last member's size modulo 2^32, as its writer says: a hint, and not to be trusted.
    private static func declaredSize(_ bytes: [UInt8], limit: Int) throws(BytesError) -> Int {
        guard bytes.count >= 18 else { throw .truncated(offset: bytes.count) }
        let tail = bytes[(bytes.count - 4)...].reversed().reduce(0) { $0 << 8 | Int($1) }
        // Deflate cannot expand beyond 1032:1, so a larger claim is a lie.
        return min(tail, bytes.count.multipliedReportingOverflow(by: 1032).partialValue, limit)
    }

    fileprivate static func inflate(
        _ bytes: [UInt8], limit: Int, hint: Int, gzip: Bool
    ) throws(BytesError) -> [UInt8] {
        guard let unpacker = libdeflate_alloc_decompressor() else {
            throw .invalid("out of memory", offset: 0)
        }
        defer { libdeflate_free_decompressor(unpacker) }
        var out: [UInt8] = []
        var offset = 0
        var room = max(min(hint, limit), 4096)
        repeat {
            let member = try member(
                unpacker, bytes, from: offset, room: &room, taken: out.count, limit: limit,
                gzip: gzip)
            if out.isEmpty { out = member.out } else { out += member.out }
            offset += member.consumed
        } while gzip && offset < bytes.count
        return out
    }

    private static func member(
        _ unpacker: OpaquePointer, _ bytes: [UInt8], from offset: Int, room: inout Int, taken: Int,
        limit: Int, gzip: Bool
    ) throws(BytesError) -> (out: [UInt8], consumed: Int) {
        while true {
            let size = min(room, limit - taken)
            var consumed = 0
            var result = LIBDEFLATE_SUCCESS
            let out = [UInt8](unsafeUninitializedCapacity: max(size, 1)) { out, count in
                bytes.withUnsafeBytes { input in
                    let start = input.baseAddress.map { $0 + offset }
                    result =
                        gzip
                        ? libdeflate_gzip_decompress_ex(
                            unpacker, start, bytes.count - offset, out.baseAddress, size, &consumed,
                            &count)
                        : libdeflate_deflate_decompress_ex(
                            unpacker, start, bytes.count - offset, out.baseAddress, size, &consumed,
                            &count)
                }
                if result != LIBDEFLATE_SUCCESS { count = 0 }
            }
            switch result {
            case LIBDEFLATE_SUCCESS: return (out, consumed)
            case LIBDEFLATE_INSUFFICIENT_SPACE:
                guard size < limit - taken else { throw .tooLarge(limit: limit) }
                room = size.multipliedReportingOverflow(by: 4).partialValue
            default: throw .invalid(gzip ? "gzip data" : "deflate data", offset: offset)
            }
        }
    }
}

/// Raw deflate, without zlib's header: what Loki means by `Content-Encoding: deflate`.
package enum Deflate {
    package static func decompress(_ bytes: [UInt8], limit: Int) throws(BytesError) -> [UInt8] {
        let hint = bytes.count.multipliedReportingOverflow(by: 4).partialValue
        return try Gzip.inflate(bytes, limit: limit, hint: hint, gzip: false)
    }
}

/// Snappy's block format.
package enum Snappy {
    package static func compress(_ bytes: [UInt8]) -> [UInt8] {
        let bound = snappy_max_compressed_length(bytes.count)
        return [UInt8](unsafeUninitializedCapacity: bound) { out, count in
            bytes.withUnsafeBytes { input in
                out.withMemoryRebound(to: CChar.self) { out in
                    var size = bound
                    let text = input.bindMemory(to: CChar.self)
                    let status = snappy_compress(
                        text.baseAddress, input.count, out.baseAddress, &size)
                    precondition(status == SNAPPY_OK, "the bound is snappy's own")
                    count = size
                }
            }
        }
    }

    /// The declared size is checked before memory is taken.
    package static func decompress(_ bytes: [UInt8], limit: Int) throws(BytesError) -> [UInt8] {
        var size = 0
        let declared = bytes.withUnsafeBytes {
            snappy_uncompressed_length($0.bindMemory(to: CChar.self).baseAddress, $0.count, &size)
        }
        guard declared == SNAPPY_OK else { throw .invalid("snappy block", offset: 0) }
        guard size >= 0, size <= limit else { throw .tooLarge(limit: limit) }
        var failed = false
        let out = [UInt8](unsafeUninitializedCapacity: max(size, 1)) { out, count in
            bytes.withUnsafeBytes { input in
                out.withMemoryRebound(to: CChar.self) { out in
                    var written = size
                    let text = input.bindMemory(to: CChar.self)
                    failed =
                        snappy_uncompress(text.baseAddress, input.count, out.baseAddress, &written)
                        != SNAPPY_OK
                    count = failed ? 0 : written
                }
            }
        }
        if failed { throw .invalid("snappy block", offset: 0) }
        return out
    }
}
