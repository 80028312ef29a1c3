import Bytes
import LogModel

/// `| unpack`: an object of strings, whose `_entry` becomes the line.
struct UnpackStage {
    /// The new line, or nil when the line stays.
    func run(_ line: UnsafeRawBufferPointer, _ labels: inout RowLabels) -> [UInt8]? {
        guard let first = line.first else { return nil }
        guard first == UInt8(ascii: "{") else {
            labels.fail(JSONStage.errorCode, "expecting json object(6), but it is not")
            return nil
        }
        var reader = JSONReader(line, maxNesting: Limits.maxNesting)
        var found: [(String, String)] = []
        var entry: [UInt8]?
        do throws(BytesError) {
            _ = try reader.next()
            while case .key(let key, _) = try reader.next() {
                let name = JSONText.string(reader, key)
                let before = reader
                guard case .string(let value, _) = try reader.next() else {
                    reader = before
                    _ = try reader.skipValue()
                    continue
                }
                if name == "_entry" {
                    var text: [UInt8] = []
                    try reader.unescape(value, into: &text)
                    entry = text
                } else {
                    found.append((sanitized(name), JSONText.string(reader, value)))
                }
            }
        } catch {
            labels.fail(JSONStage.errorCode, "\(error)")
            return nil
        }
        guard let entry else { return nil }
        for (name, value) in found { labels.extract(name, value) }
        return entry
    }
}
