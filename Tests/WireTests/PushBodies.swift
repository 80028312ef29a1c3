import Bytes
import LogModel
import Wire

/// What the tests of push decoding share.
enum PushBodies {
    static let json = "application/json"
    static let protobuf = "application/x-protobuf"

    static func decode(
        _ body: [UInt8], type: String? = json, encoding: String? = nil, limits: Limits = Limits()
    ) throws(WireError) -> PushRequest {
        try PushRequest.decode(
            body: body, contentType: type, contentEncoding: encoding, limits: limits)
    }

    static func decode(_ text: String) throws(WireError) -> PushRequest {
        try decode(Array(text.utf8))
    }

    /// The error of a body that must not decode.
    static func refusal(
        _ body: [UInt8], type: String? = json, encoding: String? = nil, limits: Limits = Limits()
    ) -> WireError? {
        do throws(WireError) {
            _ = try decode(body, type: type, encoding: encoding, limits: limits)
            return nil
        } catch {
            return error
        }
    }

    /// Streams with everything that may stand in a line, a label and metadata.
    static func sample(_ generator: inout SeededGenerator) -> [Batch] {
        (0..<Int.random(in: 1...4, using: &generator)).map { stream in
            var entries = Entries()
            for row in 0..<Int.random(in: 1...30, using: &generator) {
                let alphabet: [UInt8] = Array("abc \"\\\n\t\u{1}/한€😀".utf8)
                let line = (0..<Int.random(in: 0...40, using: &generator)).flatMap { _ in
                    Bool.random(using: &generator)
                        ? [alphabet[Int.random(in: 0..<14, using: &generator)]]
                        : Array("한€😀".utf8)
                }
                let hasMetadata = Bool.random(using: &generator)
                entries.append(
                    timestamp: Int64.random(in: -1_000_000...(.max), using: &generator),
                    line: Array(String(decoding: line, as: UTF8.self).utf8),
                    metadata: hasMetadata
                        ? Labels(["trace_id": "t\(row / 3)", "q": "\"x\\\n"]) : .empty)
            }
            return Batch(
                labels: Labels(["app": "shop", "stream": "\(stream)", "path": "C:\\tmp \"한\""]),
                entries: entries)
        }
    }

    /// A JSON body of these streams.
    static func encodeJSON(_ batches: [Batch], sources: [SourceRange] = []) -> [UInt8] {
        var body: [UInt8] = []
        var writer = PushWriter(bytes: 0, in: &body)
        for batch in batches {
            writer.begin(batch.labels)
            let entries = batch.entries
            for row in 0..<entries.count {
                writer.beginRow(entries.timestamps[row], Array(entries.line(row)))
                for label in entries.metadata(row).pairs { writer.add(label.name, label.value) }
                writer.endRow()
            }
        }
        writer.finish(sources: sources, into: &body)
        return body
    }

    static func rows(_ entries: Entries) -> [String] {
        (0..<entries.count).map {
            "\(entries.timestamps[$0]) \(Array(entries.line($0))) \(entries.metadata($0))"
        }
    }
}
