import Foundation
import LogModel
import Regexp

/// Functions on text.
extension TemplateFunctions {
    static let text: [String: TemplateFunction] = [
        "__line__": TemplateFunction([]) { .text(Array($0.input.line)) },
        "lower": TemplateFunction([.text]) { .text(GoText.mapped($0.text(0), GoText.lower)) },
        "upper": TemplateFunction([.text]) { .text(GoText.mapped($0.text(0), GoText.upper)) },
        "title": TemplateFunction([.text]) { .text(titled($0.text(0))) },
        "trunc": TemplateFunction([.int, .text]) { .text(truncated($0.text(1), $0.int(0))) },
        "substr": TemplateFunction([.int, .int, .text]) { call throws(TemplateError) in
            .text(try substring(call.text(2), call.int(0), call.int(1)))
        },
        "contains": TemplateFunction([.text, .text]) {
            .bool($0.text(1).place(of: $0.text(0)) != nil)
        },
        "hasPrefix": TemplateFunction([.text, .text]) { .bool($0.text(1).hasPrefix($0.text(0))) },
        "hasSuffix": TemplateFunction([.text, .text]) { .bool($0.text(1).hasSuffix($0.text(0))) },
        "indent": TemplateFunction([.int, .text]) { call throws(TemplateError) in
            .text(try indented(call))
        },
        "nindent": TemplateFunction([.int, .text]) { call throws(TemplateError) in
            .text([0x0a] + (try indented(call)))
        },
        "replace": TemplateFunction([.text, .text, .text]) { call throws(TemplateError) in
            .text(try replaced(call.text(2), call.text(0), call.text(1), count: -1))
        },
        "repeat": TemplateFunction([.int, .text]) { call throws(TemplateError) in
            let (count, text) = (call.int(0), call.text(1))
            guard count >= 0 else {
                throw TemplateError("error calling repeat: negative Repeat count")
            }
            guard text.isEmpty || count <= TemplateLimits.valueBytes / text.count else {
                throw TemplateLimits.tooLarge("repeat")
            }
            var out: [UInt8] = []
            out.reserveCapacity(count * text.count)
            for _ in 0..<(text.isEmpty ? 0 : count) { out += text }
            return .text(out)
        },
        "trim": TemplateFunction([.text]) { .text(trimmedSpace($0.text(0))) },
        "trimAll": TemplateFunction([.text, .text]) { .text(trimmed($0.text(1), $0.text(0))) },
        "trimPrefix": TemplateFunction([.text, .text]) { .text(cutPrefix($0.text(1), $0.text(0))) },
        "trimSuffix": TemplateFunction([.text, .text]) { .text(cutSuffix($0.text(1), $0.text(0))) },
        "alignLeft": TemplateFunction([.int, .text]) { call throws(TemplateError) in
            .text(try aligned(call, left: true))
        },
        "alignRight": TemplateFunction([.int, .text]) { call throws(TemplateError) in
            .text(try aligned(call, left: false))
        },
        "default": TemplateFunction([.any], rest: .any) {
            $0.values.count < 2 || $0[1].isEmpty($0.input) ? $0[0] : $0[1]
        },
        "regexReplaceAll": TemplateFunction([.text, .text, .text]) { call throws(TemplateError) in
            .text(try replaced(call, expanding: true))
        },
        "regexReplaceAllLiteral": TemplateFunction([.text, .text, .text]) {
            call throws(TemplateError) in
            .text(try replaced(call, expanding: false))
        },
        "count": TemplateFunction([.text, .text]) { call throws(TemplateError) in
            .int(try call.regexps.get(call.string(0)).countMatches(in: call.text(1)))
        },
    ]

    /// The older functions, which take their subject first.
    static let oldText: [String: TemplateFunction] = [
        "ToLower": TemplateFunction([.text]) { .text(GoText.mapped($0.text(0), GoText.lower)) },
        "ToUpper": TemplateFunction([.text]) { .text(GoText.mapped($0.text(0), GoText.upper)) },
        "Replace": TemplateFunction([.text, .text, .text, .int]) { call throws(TemplateError) in
            .text(try replaced(call.text(0), call.text(1), call.text(2), count: call.int(3)))
        },
        "Trim": TemplateFunction([.text, .text]) { .text(trimmed($0.text(0), $0.text(1))) },
        "TrimLeft": TemplateFunction([.text, .text]) {
            .text(trimmed($0.text(0), $0.text(1), back: false))
        },
        "TrimRight": TemplateFunction([.text, .text]) {
            .text(trimmed($0.text(0), $0.text(1), front: false))
        },
        "TrimPrefix": TemplateFunction([.text, .text]) { .text(cutPrefix($0.text(0), $0.text(1))) },
        "TrimSuffix": TemplateFunction([.text, .text]) { .text(cutSuffix($0.text(0), $0.text(1))) },
        "TrimSpace": TemplateFunction([.text]) { .text(trimmedSpace($0.text(0))) },
    ]

    private static func replaced(
        _ text: [UInt8], _ needle: [UInt8], _ replacement: [UInt8], count: Int
    ) throws(TemplateError) -> [UInt8] {
        guard
            let out = text.replacing(
                needle, with: replacement, count: count, limit: TemplateLimits.valueBytes)
        else { throw TemplateLimits.tooLarge("replace") }
        return out
    }

    private static func replaced(
        _ call: TemplateCall, expanding: Bool
    ) throws(TemplateError) -> [UInt8] {
        let regexp = try call.regexps.get(call.string(0))
        guard
            let out = regexp.replacing(
                in: call.text(1), with: call.text(2), expanding: expanding,
                limit: TemplateLimits.valueBytes)
        else { throw TemplateLimits.tooLarge("regexReplaceAll") }
        return out
    }

    /// The first letter of each word in upper case.
    private static func titled(_ text: [UInt8]) -> [UInt8] {
        var previous: UnicodeScalar = " "
        return GoText.mapped(text) { scalar in
            defer { previous = scalar }
            let isInside =
                previous.value < 0x80
                ? GoText.isWord(UInt8(previous.value))
                : !GoText.isSpace(previous)
            return isInside ? scalar : GoText.upper(scalar)
        }
    }

    /// Counts bytes, from the end when negative.
    private static func truncated(_ text: [UInt8], _ count: Int) -> [UInt8] {
        if count < 0 {
            return count > -text.count ? Array(text.suffix(-count)) : text
        }
        return Array(text.prefix(count))
    }

    private static func substring(
        _ text: [UInt8], _ start: Int, _ end: Int
    ) throws(TemplateError) -> [UInt8] {
        let low = max(0, start)
        let high = start >= 0 && (end < 0 || end > text.count) ? text.count : end
        guard low <= high, high <= text.count else {
            throw TemplateError("error calling substr: slice bounds out of range")
        }
        return Array(text[low..<high])
    }

    private static func indented(_ call: TemplateCall) throws(TemplateError) -> [UInt8] {
        let width = call.int(0)
        let lines = call.text(1).count { $0 == 0x0a } + 1
        guard width >= 0, width <= TemplateLimits.valueBytes / lines else {
            throw TemplateError("error calling indent: width \(width)")
        }
        let pad = [UInt8](repeating: 0x20, count: width)
        guard
            let text = call.text(1).replacing(
                [0x0a], with: [0x0a] + pad, limit: TemplateLimits.valueBytes)
        else { throw TemplateLimits.tooLarge("indent") }
        return pad + text
    }

    /// Counts code points; cuts what is too long at the other side.
    private static func aligned(_ call: TemplateCall, left: Bool) throws(TemplateError) -> [UInt8] {
        guard call.int(0) >= 0 else { return call.text(1) }
        let scalars = String(decoding: call.text(1), as: UTF8.self).unicodeScalars
        let room = call.int(0) - scalars.count
        if room == 0 { return call.text(1) }
        guard room <= TemplateLimits.valueBytes else {
            throw TemplateError("error calling align: width \(call.int(0))")
        }
        if room > 0 {
            let pad = [UInt8](repeating: 0x20, count: room)
            return left ? call.text(1) + pad : pad + call.text(1)
        }
        let kept = left ? scalars.prefix(call.int(0)) : scalars.suffix(call.int(0))
        return Array(String(String.UnicodeScalarView(kept)).utf8)
    }

    private static func trimmed(
        _ text: [UInt8], _ cut: [UInt8], front: Bool = true, back: Bool = true
    ) -> [UInt8] {
        let set = Set(String(decoding: cut, as: UTF8.self).unicodeScalars)
        return trimmed(text, front: front, back: back) { set.contains($0) }
    }

    private static func trimmedSpace(_ text: [UInt8]) -> [UInt8] {
        trimmed(text, front: true, back: true, GoText.isSpace)
    }

    private static func trimmed(
        _ text: [UInt8], front: Bool, back: Bool, _ belongs: (UnicodeScalar) -> Bool
    ) -> [UInt8] {
        var scalars = String(decoding: text, as: UTF8.self).unicodeScalars[...]
        while front, let first = scalars.first, belongs(first) { scalars.removeFirst() }
        while back, let last = scalars.last, belongs(last) { scalars.removeLast() }
        return Array(String(scalars).utf8)
    }

    private static func cutPrefix(_ text: [UInt8], _ prefix: [UInt8]) -> [UInt8] {
        text.hasPrefix(prefix) ? Array(text.dropFirst(prefix.count)) : text
    }

    private static func cutSuffix(_ text: [UInt8], _ suffix: [UInt8]) -> [UInt8] {
        text.hasSuffix(suffix) ? Array(text.dropLast(suffix.count)) : text
    }
}
