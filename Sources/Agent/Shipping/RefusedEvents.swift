import Bytes
import Foundation
import LogModel

/// Events that the server will never take, a JSON object a line:
///
///     {"status":400,"reason":"…","file":"/logs/app.log","from":0,"to":80,"source":"…",
///      "labels":"{app=\"shop\"}","metadata":{"traceId":"…"},"timestamp":"1795224030123000000","line":"…"}
struct RefusedEvents {
    let path: String

    init(folder: String) { path = folder + "/refused.jsonl" }

    /// Appends one, and returns when it is on disk. Throws when it is not; then nothing of it is left
    /// in the file, so that trying again is safe.
    func append(_ item: Shipment.Item, status: Int, reason: String) throws(AgentError) {
        try StateFile.append(lines: Self.line(item, status: status, reason: reason), to: path)
    }

    static func line(_ item: Shipment.Item, status: Int, reason: String) -> [UInt8] {
        var line = Array("{\"status\":\(status),\"reason\":".utf8)
        appendJSONString(reason, to: &line)
        line += ",\"file\":".utf8
        appendJSONString(item.path, to: &line)
        line += ",\"from\":\(item.from),\"to\":\(item.to),\"source\":".utf8
        appendJSONString(item.source, to: &line)
        line += ",\"labels\":".utf8
        appendJSONString(item.labels.description, to: &line)
        line += ",\"metadata\":{".utf8
        for (index, label) in item.metadata.pairs.enumerated() {
            if index > 0 { line += ",".utf8 }
            appendJSONString(label.name, to: &line)
            line += ":".utf8
            appendJSONString(label.value, to: &line)
        }
        line += "},\"timestamp\":\"\(item.timestamp)\",\"line\":".utf8
        appendJSONString(item.text, to: &line)
        line += "}\n".utf8
        return line
    }
}
