import Bytes
import LogModel

/// A decoded push: what a client sent, before any limit of a tenant was looked at.
package struct PushRequest: Sendable {
    /// One stream as it was sent. Its labels are sorted by name and have no empty value, but a name
    /// may repeat and the set may be empty: judging that is the server's part.
    package struct Stream: Sendable {
        package var labels: [Label]
        package var entries: Entries

        package init(labels: [Label], entries: Entries) {
            self.labels = labels
            self.entries = entries
        }
    }

    /// Streams with at least one entry, in the order of the body.
    package var streams: [Stream] = []
    /// Streams of the body, those without entries too.
    package var streamCount = 0
    package var sources: [SourceRange] = []

    package init() {}

    package var batches: [Batch] {
        streams.map { Batch(labels: Labels($0.labels), entries: $0.entries) }
    }

    /// Decodes a body of `POST /loki/api/v1/push`.
    ///
    /// Errors: 400 for what cannot be read, 413 for what unpacks to more than
    /// `limits.maxDecompressedSize`, each with Loki's text where Loki has one.
    package static func decode(
        body: [UInt8], contentType: String?, contentEncoding: String?, limits: Limits
    ) throws(WireError) -> PushRequest {
        let format = try PushFormat(contentType: contentType, contentEncoding: contentEncoding)
        let plain = try format.unpack(body, limit: limits.maxDecompressedSize)
        let budget = limits.maxDecompressedSize.multipliedReportingOverflow(by: 2).partialValue
        return format.isJSON
            ? try PushJSONDecoder.decode(plain, memory: budget)
            : try PushProtobufDecoder.decode(plain, memory: budget)
    }
}

/// Counts the memory that a body's small parts take beyond their bytes, so that 64 MiB of tiny
/// streams cannot become a gigabyte of labels.
struct DecodingBudget {
    private let limit: Int
    private var used = 0

    init(limit: Int) { self.limit = limit }

    mutating func spend(_ bytes: Int) throws(WireError) {
        used += bytes
        guard used <= limit else {
            throw WireError(
                status: 413,
                message: "request body too large: its streams and structured metadata take more "
                    + "than \(limit) bytes of memory")
        }
    }

    mutating func stream(labels: Int) throws(WireError) { try spend(400 + 100 * labels) }
    mutating func metadata(labels: Int) throws(WireError) { try spend(60 + 100 * labels) }
}

extension Entries {
    /// Appends a row whose metadata set is known by its id.
    mutating func append(timestamp: Int64, line: UnsafeRawBufferPointer, metadataID: UInt32) {
        lineBytes.append(contentsOf: line)
        closeRow(timestamp: timestamp, metadataID: metadataID)
    }

    /// Ends a row whose line was appended to `lineBytes` before.
    mutating func closeRow(timestamp: Int64, metadataID: UInt32) {
        timestamps.append(timestamp)
        lineEnds.append(UInt32(lineBytes.count))
        if metadataIDs.isEmpty {
            if metadataID == 0 { return }
            metadataIDs = Array(repeating: 0, count: timestamps.count - 1)
        }
        metadataIDs.append(metadataID)
    }

    /// Streams with more bytes of lines, or rows, leave with the memory they were gathered in.
    private static let mostCopiedBytes = 256 * 1024
    private static let mostCopiedRows = 16 * 1024

    /// Gives the rows away in memory of the right size, and keeps what they were gathered in for
    /// those of the next stream: a body has many small ones.
    mutating func handOver() -> Entries {
        let metadata = (metadataIDs, metadataSets)
        metadataIDs = []
        metadataSets = [.empty]
        guard lineBytes.count <= Self.mostCopiedBytes, count <= Self.mostCopiedRows else {
            defer { self = Entries() }
            var all = self
            (all.metadataIDs, all.metadataSets) = metadata
            return all
        }
        var copy = Entries()
        // Not the arrays as they are: those would be shared.
        copy.timestamps = timestamps.withUnsafeBufferPointer { Array($0) }
        copy.lineEnds = lineEnds.withUnsafeBufferPointer { Array($0) }
        copy.lineBytes = lineBytes.withUnsafeBufferPointer { Array($0) }
        (copy.metadataIDs, copy.metadataSets) = metadata
        timestamps.removeAll(keepingCapacity: true)
        lineEnds.removeAll(keepingCapacity: true)
        lineBytes.removeAll(keepingCapacity: true)
        return copy
    }
}
