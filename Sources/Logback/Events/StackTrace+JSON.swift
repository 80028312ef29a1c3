import Bytes
import LogModel

/// Traces within JSON lines: a text under whatever key (`stack_trace`, `error.stack_trace`,
/// `full_message`), or the steps that Logback's own encoder writes.
extension StackTrace {
    /// As encoders write the line end and the tab in front of a frame.
    private static let frame = ByteSearch(Array("\\tat ".utf8))
    private static let steps = ByteSearch(Array("\"stepArray\"".utf8))
    /// Objects within objects that are looked into.
    private static let maxDepth = 4
    /// Causes of causes, and frames of each, that are read.
    private static let maxCauses = 32
    private static let maxFrames = 4096

    /// Nil for a line without a trace.
    package init?(ofJSON line: UnsafeRawBufferPointer, own: OwnPackages) {
        let hasSteps = Self.steps.occurs(in: line)
        guard hasSteps || Self.frame.occurs(in: line) else { return nil }
        guard let found = Self.find(in: line, own, depth: 0, hasSteps: hasSteps) else { return nil }
        self = found
    }

    private static func find(
        in object: UnsafeRawBufferPointer, _ own: OwnPackages, depth: Int, hasSteps: Bool
    ) -> StackTrace? {
        var reader = JSONReader(object, maxNesting: Limits.maxNesting)
        guard (try? reader.next()) == .objectStart else { return nil }
        while case .key(let key, _)? = try? reader.next() {
            guard let range = try? reader.skipValue() else { return nil }
            let value = UnsafeRawBufferPointer(rebasing: object[range])
            if value.first == UInt8(ascii: "{"), depth < maxDepth {
                if hasSteps, object[key].elementsEqual("throwable".utf8) {
                    var text: [UInt8] = []
                    write(value, &text, depth: 0)
                    return text.withUnsafeBytes { StackTrace(of: $0, own: own) }
                }
                if let found = find(in: value, own, depth: depth + 1, hasSteps: hasSteps) {
                    return found
                }
            } else if value.first == UInt8(ascii: "\""), frame.occurs(in: value),
                let text = string(value),
                let found = text.withUnsafeBytes({ StackTrace(of: $0, own: own) })
            {
                return found
            }
        }
        return nil
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
