import Bytes
import LogModel

/// Traces within JSON lines: a text under whatever key (`stack_trace`, `error.stack_trace`,
/// `full_message`), the same as a list of its lines, or the steps that Logback's own encoder writes.
extension StackTrace {
    private static let at = ByteSearch(Array("at ".utf8))
    /// What is a trace by its name need have no frames: filters of encoders may leave them all out.
    private static let named = ByteSearch(Array("stack_trace\"".utf8))
    private static let steps = ByteSearch(Array("\"stepArray\"".utf8))
    /// Objects within objects that are looked into.
    private static let maxDepth = 4
    /// Causes of causes, and frames of each, that are read.
    private static let maxCauses = 32
    private static let maxFrames = 4096

    /// Nil for a line without a trace.
    package init?(ofJSON line: UnsafeRawBufferPointer, own: OwnPackages) {
        let hasSteps = Self.steps.occurs(in: line)
        guard hasSteps || Self.hasFrame(line) || Self.named.occurs(in: line) else { return nil }
        guard let found = Self.find(in: line, own, depth: 0, hasSteps: hasSteps) else { return nil }
        self = found
    }

    /// What encoders write in front of the `at` of a frame, blanks left out: a tab, the end of a line, or
    /// the beginning of a text.
    private static let fronts = ["\\t", "\\n", "\\u0009", "\\u000a", "\\u000A", "\""].map {
        Array($0.utf8)
    }

    private static func hasFrame(_ text: UnsafeRawBufferPointer) -> Bool {
        var from = 0
        while let found = at.find(in: text, from: from) {
            from = found + 1
            var end = found
            while end > 0, text[end - 1] == 0x20 { end -= 1 }
            if fronts.contains(where: { text[..<end].suffix($0.count).elementsEqual($0) }) {
                return true
            }
        }
        return false
    }

    private static func find(
        in object: UnsafeRawBufferPointer, _ own: OwnPackages, depth: Int, hasSteps: Bool
    ) -> StackTrace? {
        var reader = JSONReader(object, maxNesting: Limits.maxNesting)
        guard (try? reader.next()) == .objectStart else { return nil }
        while case .key(let key, _)? = try? reader.next() {
            guard let range = try? reader.skipValue() else { return nil }
            let value = UnsafeRawBufferPointer(rebasing: object[range])
            if value.first == UInt8(ascii: "{") {
                guard depth < maxDepth else { continue }
                if hasSteps, object[key].elementsEqual("throwable".utf8) {
                    var text: [UInt8] = []
                    write(value, &text, depth: 0)
                    return text.withUnsafeBytes { StackTrace(of: $0, own: own) }
                }
                if let found = find(in: value, own, depth: depth + 1, hasSteps: hasSteps) {
                    return found
                }
            } else {
                let isNamed = object[key].suffix(11).elementsEqual("stack_trace".utf8)
                if isNamed || hasFrame(value), let text = string(value) ?? lines(value),
                    let found = text.withUnsafeBytes({
                        StackTrace(of: $0, own: own, isSurely: isNamed)
                    })
                {
                    return found
                }
            }
        }
        return nil
    }

    /// A list of texts, each of them a line.
    private static func lines(_ value: UnsafeRawBufferPointer) -> [UInt8]? {
        var reader = JSONReader(value, maxNesting: 1)
        guard (try? reader.next()) == .arrayStart else { return nil }
        var text: [UInt8] = []
        var count = 0
        while count < maxFrames, case .string(let range, _)? = try? reader.next() {
            guard (try? reader.unescape(range, into: &text)) != nil else { return nil }
            text.append(0x0a)
            count += 1
        }
        return text
    }

    private static func string(_ value: UnsafeRawBufferPointer) -> [UInt8]? {
        var reader = JSONReader(value, maxNesting: 1)
        guard case .string(let range, _)? = try? reader.next() else { return nil }
        var text: [UInt8] = []
        return (try? reader.unescape(range, into: &text)) == nil ? nil : text
    }

    /// A throwable of Logback's encoder, as it would print itself.
    private static func write(
        _ throwable: UnsafeRawBufferPointer, _ text: inout [UInt8], depth: Int
    ) {
        var reader = JSONReader(throwable, maxNesting: Limits.maxNesting)
        guard depth < maxCauses, (try? reader.next()) == .objectStart else { return }
        var frames: [UInt8] = []
        var cause: UnsafeRawBufferPointer?
        while case .key(let key, _)? = try? reader.next() {
            guard let range = try? reader.skipValue() else { return }
            let value = UnsafeRawBufferPointer(rebasing: throwable[range])
            switch String(decoding: throwable[key], as: UTF8.self) {
            case "className": text += (string(value) ?? []) + [0x0a]
            case "stepArray": write(steps: value, &frames)
            case "cause": cause = value
            default: break
            }
        }
        text += frames
        if let cause {
            text += "Caused by: ".utf8
            write(cause, &text, depth: depth + 1)
        }
    }

    private static func write(steps: UnsafeRawBufferPointer, _ text: inout [UInt8]) {
        var reader = JSONReader(steps, maxNesting: Limits.maxNesting)
        guard (try? reader.next()) == .arrayStart else { return }
        var count = 0
        var parts: [String: [UInt8]] = [:]
        while count < maxFrames, let token = try? reader.next(), token != .end {
            switch token {
            case .objectStart: parts = [:]
            case .key(let key, _):
                guard let range = try? reader.skipValue() else { return }
                let value = UnsafeRawBufferPointer(rebasing: steps[range])
                parts[String(decoding: steps[key], as: UTF8.self)] = string(value) ?? Array(value)
            case .objectEnd:
                count += 1
                text += "\tat ".utf8
                text += parts["className"] ?? []
                text += ".".utf8
                text += parts["methodName"] ?? []
                text += "(".utf8
                text += parts["fileName"] ?? []
                if let line = parts["lineNumber"] { text += ":".utf8 + line }
                text += ")\n".utf8
            default: return
            }
        }
    }
}
