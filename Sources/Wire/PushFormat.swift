import Bytes

/// How a push body is written and packed, from its two headers.
package struct PushFormat: Sendable {
    private enum Packing: Sendable { case none, gzip, deflate }

    package let isJSON: Bool
    private let packing: Packing

    /// Errors: 400 without a content type, or with an encoding that is not understood.
    package init(contentType: String?, contentEncoding: String?) throws(WireError) {
        let type = (contentType ?? "").prefix { $0 != ";" }.lowercased()
        let media = String(type.drop { $0 == " " }.prefix { $0 != " " })
        guard !media.isEmpty else { throw .badRequest("mime: no media type") }
        // As in Loki, everything that is not JSON is protobuf.
        isJSON = media == "application/json"
        switch (contentEncoding ?? "").lowercased() {
        case "", "identity", "snappy": packing = .none
        case "gzip": packing = .gzip
        case "deflate": packing = .deflate
        default: throw .badRequest("Content-Encoding \"\(contentEncoding ?? "")\" not supported")
        }
    }

    /// How large the body will be, as far as it says: for admission, not to be trusted.
    package func declaredSize(of body: [UInt8], limit: Int) -> Int {
        switch packing {
        case .none where isJSON: return body.count
        case .none:
            var reader = ByteReader(body)
            guard let size = try? reader.readVarint() else { return body.count }
            return max(body.count, Int(min(size, UInt64(limit))))
        case .deflate: return min(limit, body.count.multipliedReportingOverflow(by: 8).partialValue)
        case .gzip:
            guard body.count >= 18 else { return body.count }
            let size = body[(body.count - 4)...].reversed().reduce(0) { $0 << 8 | Int($1) }
            return max(body.count, min(size, limit))
        }
    }

    /// The plain JSON or protobuf text.
    func unpack(_ body: [UInt8], limit: Int) throws(WireError) -> [UInt8] {
        do throws(BytesError) {
            let outer =
                switch packing {
                case .none: body
                case .gzip: try Gzip.decompress(body, limit: limit)
                case .deflate: try Deflate.decompress(body, limit: limit)
                }
            guard isJSON else { return try Snappy.decompress(outer, limit: limit) }
            guard outer.count <= limit else { throw .tooLarge(limit: limit) }
            return outer
        } catch {
            throw refusal(error, body: body)
        }
    }

    private func refusal(_ error: BytesError, body: [UInt8]) -> WireError {
        if case .tooLarge(let limit) = error {
            return WireError(
                status: 413,
                message: "request body too large: decompressed message size too large than max "
                    + "(\(limit + 1) vs \(limit))")
        }
        switch packing {
        case .gzip where body.isEmpty: return .badRequest("EOF")
        case .gzip where !body.starts(with: [0x1f, 0x8b]):
            return .badRequest("gzip: invalid header")
        case .gzip:
            if case .truncated = error { return .badRequest("unexpected EOF") }
            if case .invalid("snappy block", _) = error {
                return .badRequest("snappy: corrupt input")
            }
            return .badRequest("gzip: corrupt input")
        case .deflate:
            if case .invalid("snappy block", _) = error {
                return .badRequest("snappy: corrupt input")
            }
            return .badRequest("flate: corrupt input before offset \(body.count)")
        case .none: return .badRequest("snappy: corrupt input")
        }
    }
}
