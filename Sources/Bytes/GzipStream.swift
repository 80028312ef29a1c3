import CZlib

/// Unpacks gzip bit by bit, over all members: for files, which may be larger than memory and may
/// end in the middle because they are still being written.
package struct GzipStream: ~Copyable {
    private let stream: UnsafeMutablePointer<z_stream>
    /// True between members: an input that ends here is complete.
    package private(set) var isAtMemberEnd = false

    package init() {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        // 16 asks for gzip's header and trailer.
        let status = inflateInit2_(
            stream, 15 + 16, zlibVersion(), Int32(MemoryLayout<z_stream>.size))
        precondition(status == Z_OK, "zlib starts unless memory is out")
    }

    private init(of other: borrowing GzipStream) {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        let status = inflateCopy(stream, other.stream)
        precondition(status == Z_OK, "zlib copies unless memory is out")
        isAtMemberEnd = other.isAtMemberEnd
    }

    /// A second stream in the same state, from which unpacking can begin here again. Takes some
    /// 40 KiB; the original is only read.
    package borrowing func copy() -> GzipStream { GzipStream(of: self) }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    /// Appends what the input unpacks to. The caller bounds memory by the size of the input.
    package mutating func inflate(
        _ input: UnsafeRawBufferPointer, into out: inout [UInt8]
    ) throws(BytesError) {
        guard let base = input.baseAddress, !input.isEmpty else { return }
        stream.pointee.next_in = UnsafeMutablePointer(
            mutating: base.assumingMemoryBound(to: UInt8.self))
        stream.pointee.avail_in = UInt32(input.count)
        let block = 64 * 1024
        var buffer = [UInt8](repeating: 0, count: block)
        repeat {
            if isAtMemberEnd {
                // The member may have filled the block with its last byte: then nothing follows.
                // Padding of zeros after the last member is legal.
                if stream.pointee.avail_in == 0 || stream.pointee.next_in.pointee == 0 { break }
                inflateReset(stream)
                isAtMemberEnd = false
            }
            let status = buffer.withUnsafeMutableBufferPointer { buffer -> Int32 in
                stream.pointee.next_out = buffer.baseAddress
                stream.pointee.avail_out = UInt32(block)
                return CZlib.inflate(stream, Z_NO_FLUSH)
            }
            out += buffer[..<(block - Int(stream.pointee.avail_out))]
            switch status {
            case Z_STREAM_END: isAtMemberEnd = true
            case Z_OK: break
            case Z_BUF_ERROR where stream.pointee.avail_in == 0: break
            default:
                throw .invalid("gzip data", offset: input.count - Int(stream.pointee.avail_in))
            }
        } while stream.pointee.avail_in > 0 || stream.pointee.avail_out == 0
    }
}
