import Bytes
import LogModel

extension PushRequest {
    /// A JSON push body, not compressed. `sources` is left out when it is empty.
    package static func encodeJSON(batches: [Batch], sources: [SourceRange] = []) -> [UInt8] {
        // All of it at once: a batch is large, and to grow is to copy it to memory that is new each time.
        let metadata = batches.map { MetadataText($0.entries) }
        var out: [UInt8] = []
        out.reserveCapacity(
            zip(batches, metadata).reduce(64 + sources.count * sourceBytes) {
                $0 + $1.0.entries.lineBytes.count * 9 / 8 + $1.0.entries.count * rowBytes
                    + $1.1.bytes + 256
            })
        out.append(contentsOf: "{\"streams\":[".utf8)
        for (i, batch) in batches.enumerated() {
            if i > 0 { out.append(UInt8(ascii: ",")) }
            out.append(contentsOf: "{\"stream\":".utf8)
            appendObject(batch.labels, to: &out)
            out.append(contentsOf: ",\"values\":[".utf8)
            appendRows(batch.entries, metadata[i], to: &out)
            out.append(contentsOf: "]}".utf8)
        }
        out.append(UInt8(ascii: "]"))
        if !sources.isEmpty { appendSources(sources, to: &out) }
        out.append(UInt8(ascii: "}"))
        return out
    }

    /// Of a row besides its line and its metadata: a time, quotes, brackets and commas.
    private static let rowBytes = 32
    /// Of a range of a source, about.
    private static let sourceBytes = 160

    /// Metadata of the rows of entries, as they stand in the text, sets end to end.
    private struct MetadataText {
        private var text: [UInt8] = []
        /// Where each set begins, and the last one ends.
        private var edges = [0]
        /// Of all rows.
        private(set) var bytes = 0

        init(_ entries: Entries) {
            guard !entries.metadataIDs.isEmpty else { return }
            for set in entries.metadataSets {
                if !set.isEmpty {
                    text.append(UInt8(ascii: ","))
                    PushRequest.appendObject(set, to: &text)
                }
                edges.append(text.count)
            }
            for id in entries.metadataIDs { bytes += edges[Int(id) + 1] - edges[Int(id)] }
        }

        func append(_ id: UInt32, to out: inout [UInt8]) {
            let range = edges[Int(id)]..<edges[Int(id) + 1]
            text.withUnsafeBytes {
                out.append(contentsOf: UnsafeRawBufferPointer(rebasing: $0[range]))
            }
        }
    }

    /// Digits of a time; faster than a `String` of it for each row.
    private static func append(_ time: Int64, to out: inout [UInt8]) {
        guard time >= 0 else { return out.append(contentsOf: String(time).utf8) }
        let start = out.count
        var rest = time
        repeat {
            out.append(48 + UInt8(truncatingIfNeeded: rest % 10))
            rest /= 10
        } while rest > 0
        out[start...].reverse()
    }

    private static func appendRows(
        _ entries: Entries, _ metadata: MetadataText, to out: inout [UInt8]
    ) {
        entries.lineBytes.withUnsafeBytes { lines in
            for row in 0..<entries.count {
                out.append(contentsOf: row == 0 ? "[\"".utf8 : ",[\"".utf8)
                append(entries.timestamps[row], to: &out)
                out.append(contentsOf: "\",".utf8)
                appendJSONString(
                    UnsafeRawBufferPointer(rebasing: lines[entries.lineRange(row)]), to: &out)
                if !entries.metadataIDs.isEmpty {
                    metadata.append(entries.metadataIDs[row], to: &out)
                }
                out.append(UInt8(ascii: "]"))
            }
        }
    }

    private static func appendObject(_ labels: Labels, to out: inout [UInt8]) {
        out.append(UInt8(ascii: "{"))
        for (i, label) in labels.pairs.enumerated() {
            if i > 0 { out.append(UInt8(ascii: ",")) }
            appendJSONString(label.name, to: &out)
            out.append(UInt8(ascii: ":"))
            appendJSONString(label.value, to: &out)
        }
        out.append(UInt8(ascii: "}"))
    }

    private static func appendSources(_ sources: [SourceRange], to out: inout [UInt8]) {
        out.append(contentsOf: ",\"sources\":[".utf8)
        for (i, range) in sources.enumerated() {
            if i > 0 { out.append(UInt8(ascii: ",")) }
            out.append(contentsOf: "{\"source\":".utf8)
            appendJSONString(range.source, to: &out)
            out.append(
                contentsOf: ",\"from\":\(range.from),\"to\":\(range.to),\"events\":\(range.events)}"
                    .utf8)
        }
        out.append(UInt8(ascii: "]"))
    }

    /// A protobuf push body in a snappy block, as other agents send it.
    package static func encodeProtobuf(batches: [Batch]) -> [UInt8] {
        var out: [UInt8] = []
        for batch in batches {
            var stream: [UInt8] = []
            appendField(1, Array(batch.labels.description.utf8), to: &stream)
            for row in 0..<batch.entries.count {
                appendField(2, entry(batch.entries, row), to: &stream)
            }
            appendField(1, stream, to: &out)
        }
        return Snappy.compress(out)
    }

    private static func entry(_ entries: Entries, _ row: Int) -> [UInt8] {
        let nanoseconds = entries.timestamps[row]
        // Protobuf counts nanoseconds forward from the second, before 1970 too.
        var seconds = nanoseconds / Nanoseconds.second
        var rest = nanoseconds % Nanoseconds.second
        if rest < 0 {
            rest += Nanoseconds.second
            seconds -= 1
        }
        var time: [UInt8] = []
        time.append(1 << 3)
        time.appendVarint(UInt64(bitPattern: seconds))
        time.append(2 << 3)
        time.appendVarint(UInt64(rest))
        var out: [UInt8] = []
        appendField(1, time, to: &out)
        appendField(2, Array(entries.line(row)), to: &out)
        for label in entries.metadata(row).pairs {
            var pair: [UInt8] = []
            appendField(1, Array(label.name.utf8), to: &pair)
            appendField(2, Array(label.value.utf8), to: &pair)
            appendField(3, pair, to: &out)
        }
        return out
    }

    private static func appendField(_ number: UInt8, _ bytes: [UInt8], to out: inout [UInt8]) {
        out.append(number << 3 | 2)
        out.appendVarint(UInt64(bytes.count))
        out.append(contentsOf: bytes)
    }
}
