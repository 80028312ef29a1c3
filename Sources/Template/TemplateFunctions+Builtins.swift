import Foundation
import LogModel

/// What Go's text/template brings along.
extension TemplateFunctions {
    static let builtins: [String: TemplateFunction] = [
        "not": TemplateFunction([.any]) { .bool(!$0[0].isTrue($0.input)) },
        "len": TemplateFunction([.any]) { call throws(TemplateError) in
            switch call[0] {
            case .text(let text): return .int(text.count)
            case .list(let values): return .int(values.count)
            case .map(let values): return .int(values.count)
            case .labels: return .int(call.input.labels().count)
            default: throw TemplateError("error calling len: len of type \(call[0].typeName)")
            }
        },
        "index": TemplateFunction([.any], rest: .any) { call throws(TemplateError) in
            var value = call[0]
            for key in call.values.dropFirst() { value = try element(of: value, key, call.input) }
            return value
        },
        "slice": TemplateFunction([.any], rest: .any) { call throws(TemplateError) in
            try slice(call)
        },
        "print": TemplateFunction([], rest: .any) { call throws(TemplateError) in
            .text(try printed(call))
        },
        "println": TemplateFunction([], rest: .any) { call throws(TemplateError) in
            .text(try printed(call, alwaysApart: true) + [0x0a])
        },
        "printf": TemplateFunction([.text], rest: .any) { call throws(TemplateError) in
            .text(try GoFormat.sprintf(call.text(0), Array(call.values.dropFirst()), call.input))
        },
        "html": TemplateFunction([], rest: .any) { call throws(TemplateError) in
            .text(escapedHTML(try printed(call)))
        },
        "js": TemplateFunction([], rest: .any) { call throws(TemplateError) in
            .text(escapedJS(try printed(call)))
        },
        "urlquery": TemplateFunction([], rest: .any) { call throws(TemplateError) in
            .text(escapedQuery(try printed(call)))
        },
        "call": TemplateFunction([.any], rest: .any) { call throws(TemplateError) in
            throw TemplateError("error calling call: non-function of type \(call[0].typeName)")
        },
        "eq": TemplateFunction([.any], rest: .any) { call throws(TemplateError) in
            guard call.values.count > 1 else {
                throw TemplateError("missing argument for comparison")
            }
            for other in call.values.dropFirst() where try isEqual(call[0], other) {
                return .bool(true)
            }
            return .bool(false)
        },
        "ne": TemplateFunction([.any, .any]) { call throws(TemplateError) in
            .bool(!(try isEqual(call[0], call[1])))
        },
        "lt": TemplateFunction([.any, .any]) { call throws(TemplateError) in
            .bool(try isLess(call[0], call[1]))
        },
        "le": TemplateFunction([.any, .any]) { call throws(TemplateError) in
            if try isLess(call[0], call[1]) { return .bool(true) }
            return .bool(try isEqual(call[0], call[1]))
        },
        "gt": TemplateFunction([.any, .any]) { call throws(TemplateError) in
            if try isLess(call[0], call[1]) { return .bool(false) }
            return .bool(!(try isEqual(call[0], call[1])))
        },
        "ge": TemplateFunction([.any, .any]) { call throws(TemplateError) in
            .bool(!(try isLess(call[0], call[1])))
        },
    ]

    /// `fmt.Sprint`: a blank between operands when neither is text; `fmt.Sprintln`: always one.
    private static func printed(
        _ call: TemplateCall, alwaysApart: Bool = false
    ) throws(TemplateError) -> [UInt8] {
        var out: [UInt8] = []
        for (index, value) in call.values.enumerated() {
            guard out.count <= TemplateLimits.valueBytes else {
                throw TemplateLimits.tooLarge("print")
            }
            if index > 0, alwaysApart || (!value.isText && !call[index - 1].isText) {
                out.append(0x20)
            }
            value.appendText(to: &out, call.input, isInside: true)
        }
        return out
    }

    private static func element(
        of value: TemplateValue, _ key: TemplateValue, _ input: TemplateInput
    ) throws(TemplateError) -> TemplateValue {
        switch (value, key) {
        case (.map(let values), .text(let name)):
            return values[String(decoding: name, as: UTF8.self)] ?? .none
        case (.labels, .text(let name)):
            return .text(input.label(String(decoding: name, as: UTF8.self)) ?? "")
        case (.list(let values), .int), (.list(let values), .int64):
            guard let index = key.integer, values.indices.contains(Int(index)) else {
                throw TemplateError("error calling index: reflect: slice index out of range")
            }
            return values[Int(index)]
        case (.text(let text), .int), (.text(let text), .int64):
            guard let index = key.integer, text.indices.contains(Int(index)) else {
                throw TemplateError("error calling index: reflect: string index out of range")
            }
            return .int(Int(text[Int(index)]))
        case (.none, _): throw TemplateError("error calling index: index of untyped nil")
        default:
            throw TemplateError(
                "error calling index: can't index \(value.typeName) with \(key.typeName)")
        }
    }

    private static func slice(_ call: TemplateCall) throws(TemplateError) -> TemplateValue {
        let count: Int
        switch call[0] {
        case .text(let text): count = text.count
        case .list(let values): count = values.count
        default:
            throw TemplateError("error calling slice: can't slice item of type \(call[0].typeName)")
        }
        var bounds = [0, count]
        for (place, value) in call.values.dropFirst().enumerated() {
            guard place < 2, let bound = value.integer, (0...Int64(count)).contains(bound) else {
                throw TemplateError("error calling slice: index out of range")
            }
            bounds[place] = Int(bound)
        }
        guard bounds[0] <= bounds[1] else {
            throw TemplateError(
                "error calling slice: invalid slice index: \(bounds[0]) > \(bounds[1])")
        }
        switch call[0] {
        case .text(let text): return .text(Array(text[bounds[0]..<bounds[1]]))
        case .list(let values): return .list(Array(values[bounds[0]..<bounds[1]]))
        default: return .none
        }
    }

    private static func isEqual(
        _ a: TemplateValue, _ b: TemplateValue
    ) throws(TemplateError) -> Bool {
        switch (a, b) {
        case (.text(let a), .text(let b)): return a == b
        case (.float(let a), .float(let b)): return a == b
        case (.bool(let a), .bool(let b)): return a == b
        case (.none, .none): return true
        case (.none, _), (_, .none): return false
        case (.time(let a), .time(let b)):
            return a.seconds == b.seconds && a.nanosecond == b.nanosecond
        default:
            guard let a = a.integer, let b = b.integer else {
                throw TemplateError("incompatible types for comparison")
            }
            return a == b
        }
    }

    private static func isLess(
        _ a: TemplateValue, _ b: TemplateValue
    ) throws(TemplateError) -> Bool {
        switch (a, b) {
        case (.text(let a), .text(let b)): return a.lexicographicallyPrecedes(b)
        case (.float(let a), .float(let b)): return a < b
        default:
            guard let a = a.integer, let b = b.integer else {
                throw TemplateError("incompatible types for comparison")
            }
            return a < b
        }
    }

    private static func escapedHTML(_ text: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        for byte in text {
            switch byte {
            case UInt8(ascii: "\""): out += "&#34;".utf8
            case UInt8(ascii: "'"): out += "&#39;".utf8
            case UInt8(ascii: "&"): out += "&amp;".utf8
            case UInt8(ascii: "<"): out += "&lt;".utf8
            case UInt8(ascii: ">"): out += "&gt;".utf8
            case 0: out += "\u{fffd}".utf8
            default: out.append(byte)
            }
        }
        return out
    }

    private static func escapedJS(_ text: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        for byte in text {
            switch byte {
            case UInt8(ascii: "\\"): out += "\\\\".utf8
            case UInt8(ascii: "'"): out += "\\'".utf8
            case UInt8(ascii: "\""): out += "\\\"".utf8
            case UInt8(ascii: "<"): out += "\\u003C".utf8
            case UInt8(ascii: ">"): out += "\\u003E".utf8
            case UInt8(ascii: "&"): out += "\\u0026".utf8
            case UInt8(ascii: "="): out += "\\u003D".utf8
            case 0..<0x20:
                let hex = String(byte, radix: 16, uppercase: true)
                out += "\\u00\(hex.count < 2 ? "0" : "")\(hex)".utf8
            default: out.append(byte)
            }
        }
        return out
    }
}
