import Bytes
import LogModel

/// What Logback's own encoder writes in lists: pairs of an event, markers, and the arguments of a message
/// that it leaves unformatted unless it is told otherwise.
///
///     "markers": ["A","B"],"kvpList": [{"id":"7"},{"way":"x"}],"message":"{} of {}","arguments": ["1","9"]
extension JSONLayout {
    /// The message of a line and its arguments, as JSON.
    struct OwnMessage {
        fileprivate var message: UnsafeRawBufferPointer?
        fileprivate var arguments: UnsafeRawBufferPointer?
        /// The line has the formatted message, too.
        fileprivate var isFormatted = false
    }

    /// True for members of an event that are taken here.
    func takeOwn(
        _ name: String, _ value: UnsafeRawBufferPointer, _ message: inout OwnMessage,
        _ keys: inout Int, _ labels: inout [Label]
    ) -> Bool {
        switch name {
        case "kvpList": putPairs(value, &keys, &labels)
        case "markers":
            let markers = Self.texts(value).joined(separator: " ".utf8)
            labels.removeAll { $0.name == "marker" }
            Array(markers).withUnsafeBytes { FieldValues.put("marker", $0, &labels) }
        case "message": message.message = value
        case "arguments": message.arguments = value
        case "formattedMessage": message.isFormatted = true
        default: return false
        }
        return true
    }

    /// A message whose arguments stand beside it, as people read it.
    func put(_ own: OwnMessage, _ labels: inout [Label]) {
        guard !own.isFormatted, let message = own.message, let list = own.arguments else { return }
        let arguments = Self.texts(list)
        guard !arguments.isEmpty, let text = Self.text(message) else { return }
        let formatted = Self.formatted(text, arguments)
        // What needs no arguments stands in the line as it is.
        guard formatted != text else { return }
        labels.removeAll { $0.name == "message" }
        formatted.withUnsafeBytes { FieldValues.put("message", $0, &labels) }
    }

    private func putPairs(
        _ list: UnsafeRawBufferPointer, _ keys: inout Int, _ labels: inout [Label]
    ) {
        var reader = JSONReader(list, maxNesting: Limits.maxNesting)
        guard (try? reader.next()) == .arrayStart else { return }
        while keys < Self.maxKeys, let token = try? reader.next() {
            switch token {
            case .objectStart, .objectEnd: continue
            case .key(let key, let isEscaped):
                keys += 1
                guard let range = try? reader.skipValue() else { return }
                guard !isEscaped, !key.isEmpty else { continue }
                let name = LayoutCompiler.fieldName(String(decoding: list[key], as: UTF8.self))
                put(name, UnsafeRawBufferPointer(rebasing: list[range]), &labels)
            default: return
            }
        }
    }

    /// The texts of a list, as far as it is one.
    private static func texts(_ list: UnsafeRawBufferPointer) -> [[UInt8]] {
        var reader = JSONReader(list, maxNesting: Limits.maxNesting)
        guard (try? reader.next()) == .arrayStart else { return [] }
        var texts: [[UInt8]] = []
        while texts.count < maxKeys, case .string(let range, let isEscaped)? = try? reader.next() {
            var text: [UInt8] = []
            if isEscaped {
                guard (try? reader.unescape(range, into: &text)) != nil else { return texts }
            } else {
                text = Array(list[range])
            }
            texts.append(text)
        }
        return texts
    }

    /// SLF4J's rules: `{}` stands for the next argument, `\{}` for itself, `\\{}` for a backslash and the
    /// next argument. What finds no argument stays.
    static func formatted(_ message: [UInt8], _ arguments: [[UInt8]]) -> [UInt8] {
        let backslash = UInt8(ascii: "\\")
        var out: [UInt8] = []
        var rest = arguments[...]
        var at = 0
        while at < message.count {
            guard message[at] == UInt8(ascii: "{"), at + 1 < message.count,
                message[at + 1] == UInt8(ascii: "}"), !rest.isEmpty
            else {
                out.append(message[at])
                at += 1
                continue
            }
            let isEscaped = at > 0 && message[at - 1] == backslash
            if isEscaped { out.removeLast() }
            if isEscaped, !(at > 1 && message[at - 2] == backslash) {
                out += "{}".utf8
            } else {
                out += rest.removeFirst()
            }
            at += 2
        }
        return out
    }
}
