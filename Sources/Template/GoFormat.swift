import Foundation

/// Go's `fmt.Sprintf` over template values.
struct GoFormat {
    /// Widths and precisions beyond Go's own bound are refused there too.
    private static let maxWidth = 1_000_000

    private let format: [UInt8]
    private let values: [TemplateValue]
    private let input: TemplateInput
    private var out: [UInt8] = []
    private var next = 0
    private var isReordered = false

    private struct Spec {
        var minus = false
        var plus = false
        var sharp = false
        var zero = false
        var space = false
        var width: Int?
        var precision: Int?
    }

    static func sprintf(
        _ format: [UInt8], _ values: [TemplateValue], _ input: TemplateInput
    ) throws(TemplateError) -> [UInt8] {
        var formatter = GoFormat(format: format, values: values, input: input)
        try formatter.run()
        return formatter.out
    }

    private init(format: [UInt8], values: [TemplateValue], input: TemplateInput) {
        self.format = format
        self.values = values
        self.input = input
    }

    private mutating func run() throws(TemplateError) {
        var at = 0
        while at < format.count {
            guard out.count <= TemplateLimits.valueBytes else {
                throw TemplateLimits.tooLarge("printf")
            }
            guard format[at] == UInt8(ascii: "%") else {
                out.append(format[at])
                at += 1
                continue
            }
            at += 1
            let spec = try spec(&at)
            let isPlaced = position(&at)
            guard at < format.count else {
                out += "%!(NOVERB)".utf8
                break
            }
            let length = format.scalarLength(at)
            let verb = String(decoding: format[at..<at + length], as: UTF8.self)
            at += length
            if isPlaced { try write(verb, spec) } else { out += "%!\(verb)(BADINDEX)".utf8 }
        }
        // Whoever names arguments by number may leave some out.
        if next < values.count, !isReordered { appendExtra() }
    }

    /// `[n]`, which names the next argument.
    private mutating func position(_ at: inout Int) -> Bool {
        guard at < format.count, format[at] == UInt8(ascii: "[") else { return true }
        isReordered = true
        guard let end = format[at...].firstIndex(of: UInt8(ascii: "]")) else {
            at += 1
            return false
        }
        let text = String(decoding: format[(at + 1)..<end], as: UTF8.self)
        at = end + 1
        guard let number = Int(text), (1...max(1, values.count)).contains(number), !values.isEmpty
        else { return false }
        next = number - 1
        return true
    }

    private mutating func spec(_ at: inout Int) throws(TemplateError) -> Spec {
        var spec = Spec()
        flags: while at < format.count {
            switch format[at] {
            case UInt8(ascii: "-"): spec.minus = true
            case UInt8(ascii: "+"): spec.plus = true
            case UInt8(ascii: "#"): spec.sharp = true
            case UInt8(ascii: "0"): spec.zero = true
            case UInt8(ascii: " "): spec.space = true
            default: break flags
            }
            at += 1
        }
        spec.width = try number(&at)
        if let width = spec.width, width < 0 {
            spec.minus = true
            spec.width = -width
        }
        if at < format.count, format[at] == UInt8(ascii: ".") {
            at += 1
            spec.precision = max(0, try number(&at) ?? 0)
        }
        return spec
    }

    private mutating func number(_ at: inout Int) throws(TemplateError) -> Int? {
        if at < format.count, format[at] == UInt8(ascii: "*") {
            at += 1
            guard next < values.count, let value = values[next].integer,
                value.magnitude <= UInt64(Self.maxWidth)
            else {
                out += "%!(BADWIDTH)".utf8
                next = min(next + 1, values.count)
                return nil
            }
            next += 1
            return Int(value)
        }
        var value: Int?
        while at < format.count, (0x30...0x39).contains(format[at]) {
            value = (value ?? 0) * 10 + Int(format[at] - 0x30)
            guard value ?? 0 <= Self.maxWidth else {
                throw TemplateError("printf: width too large")
            }
            at += 1
        }
        return value
    }

    private mutating func write(_ verb: String, _ spec: Spec) throws(TemplateError) {
        if verb == "%" {
            out.append(UInt8(ascii: "%"))
            return
        }
        guard next < values.count else {
            out += "%!\(verb)(MISSING)".utf8
            return
        }
        let value = values[next]
        next += 1
        if let text = formatted(value, verb, spec) {
            pad(text.bytes, spec, isNumber: text.isNumber)
        } else {
            out += "%!\(verb)(".utf8
            if case .none = value {
                out += "<nil>".utf8
            } else {
                out += "\(value.typeName)=".utf8
                value.appendText(to: &out, input)
            }
            out += ")".utf8
        }
    }

    private mutating func appendExtra() {
        out += "%!(EXTRA ".utf8
        for (index, value) in values[next...].enumerated() {
            if index > 0 { out += ", ".utf8 }
            if case .none = value {
                out += "<nil>".utf8
            } else {
                out += "\(value.typeName)=".utf8
                value.appendText(to: &out, input)
            }
        }
        out += ")".utf8
    }

    private mutating func pad(_ text: [UInt8], _ spec: Spec, isNumber: Bool) {
        let width = String(decoding: text, as: UTF8.self).unicodeScalars.count
        guard let wanted = spec.width, wanted > width else {
            out += text
            return
        }
        let room = wanted - width
        if spec.minus {
            out += text
            out += repeatElement(0x20, count: room)
        } else if spec.zero {
            let sign =
                isNumber && (text.first == UInt8(ascii: "-") || text.first == UInt8(ascii: "+"))
            out += text.prefix(sign ? 1 : 0)
            out += repeatElement(UInt8(ascii: "0"), count: room)
            out += text.dropFirst(sign ? 1 : 0)
        } else {
            out += repeatElement(0x20, count: room)
            out += text
        }
    }

    /// Nil when the verb does not fit the value.
    private func formatted(
        _ value: TemplateValue, _ verb: String, _ spec: Spec
    ) -> (bytes: [UInt8], isNumber: Bool)? {
        if verb == "T" { return (Array(value.typeName.utf8), false) }
        switch value {
        case .text(let text): return Self.text(text, verb, spec).map { ($0, false) }
        case .int, .int64:
            return Self.integer(value.integer ?? 0, verb, spec).map { (Array($0.utf8), true) }
        case .float(let number):
            return Self.float(number, verb, spec).map { (Array($0.utf8), number.isFinite) }
        case .bool(let flag):
            return verb == "t" || verb == "v" ? (Array((flag ? "true" : "false").utf8), false) : nil
        case .none: return verb == "v" ? (Array("<nil>".utf8), false) : nil
        case .list, .map, .time, .labels:
            return verb == "v" || verb == "s" ? (value.text(input), false) : nil
        }
    }

    private static func text(_ text: [UInt8], _ verb: String, _ spec: Spec) -> [UInt8]? {
        var cut = text
        if let precision = spec.precision, verb != "x", verb != "X" {
            let scalars = String(decoding: text, as: UTF8.self).unicodeScalars
            if scalars.count > precision {
                cut = Array(String(String.UnicodeScalarView(scalars.prefix(precision))).utf8)
            }
        }
        switch verb {
        case "v" where spec.sharp: return Array(quoted(cut).utf8)
        case "s", "v": return cut
        case "q": return Array(quoted(cut).utf8)
        case "x", "X":
            let hex = text.map { byte in
                let digits = String(byte, radix: 16, uppercase: verb == "X")
                return digits.count < 2 ? "0" + digits : digits
            }
            return Array(hex.joined(separator: spec.space ? " " : "").utf8)
        default: return nil
        }
    }

    /// `strconv.Quote`.
    private static func quoted(_ text: [UInt8]) -> String {
        var out = "\""
        var at = 0
        while at < text.count {
            let length = text.scalarLength(at)
            let decoded = String(decoding: text[at..<at + length], as: UTF8.self).unicodeScalars
            let scalar = decoded.first ?? "\u{fffd}"
            if scalar == "\u{fffd}", length == 1 {
                out += "\\x" + String(text[at], radix: 16)
            } else {
                out += escaped(scalar)
            }
            at += length
        }
        return out + "\""
    }

    private static func escaped(_ scalar: UnicodeScalar) -> String {
        switch scalar {
        case "\"": return "\\\""
        case "\\": return "\\\\"
        case "\u{07}": return "\\a"
        case "\u{08}": return "\\b"
        case "\u{0c}": return "\\f"
        case "\n": return "\\n"
        case "\r": return "\\r"
        case "\t": return "\\t"
        case "\u{0b}": return "\\v"
        default: break
        }
        func hex(_ width: Int) -> String {
            let digits = String(scalar.value, radix: 16)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        if scalar.value < 0x20 || scalar.value == 0x7f { return "\\x" + hex(2) }
        let isPrintable: Bool
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator,
            .paragraphSeparator:
            isPrintable = false
        case .spaceSeparator: isPrintable = scalar == " "
        default: isPrintable = true
        }
        if isPrintable { return String(Character(scalar)) }
        return scalar.value > 0xffff ? "\\U" + hex(8) : "\\u" + hex(4)
    }

    private static func integer(_ value: Int64, _ verb: String, _ spec: Spec) -> String? {
        let magnitude = value.magnitude
        var digits: String
        switch verb {
        case "d", "v": digits = String(magnitude)
        case "b": digits = (spec.sharp ? "0b" : "") + String(magnitude, radix: 2)
        case "o": digits = (spec.sharp ? "0" : "") + String(magnitude, radix: 8)
        case "O": digits = "0o" + String(magnitude, radix: 8)
        case "x": digits = (spec.sharp ? "0x" : "") + String(magnitude, radix: 16)
        case "X":
            digits = (spec.sharp ? "0X" : "") + String(magnitude, radix: 16, uppercase: true)
        case "c", "q", "U":
            guard let scalar = UnicodeScalar(UInt32(truncatingIfNeeded: value)) else {
                return "\u{fffd}"
            }
            if verb == "c" { return String(Character(scalar)) }
            if verb == "q" { return "'" + escaped(scalar) + "'" }
            let hex = String(scalar.value, radix: 16, uppercase: true)
            return "U+" + String(repeating: "0", count: max(0, 4 - hex.count)) + hex
        default: return nil
        }
        if let precision = spec.precision, digits.count < precision {
            digits = String(repeating: "0", count: precision - digits.count) + digits
        }
        return (value < 0 ? "-" : spec.plus ? "+" : spec.space ? " " : "") + digits
    }

    private static func float(_ value: Double, _ verb: String, _ spec: Spec) -> String? {
        var text: String
        switch verb {
        case "v", "g", "G":
            if let precision = spec.precision, value.isFinite {
                text = String(format: "%.*g", max(1, precision), value)
            } else {
                text = GoNumber.text(value)
            }
        case "f", "F", "e", "E":
            let precision = spec.precision ?? 6
            text =
                value.isFinite
                ? String(format: verb == "f" || verb == "F" ? "%.*f" : "%.*e", precision, value)
                : GoNumber.text(value)
        default: return nil
        }
        if verb == "G" || verb == "E" { text = text.uppercased() }
        if text.hasPrefix("+"), !spec.plus { text.removeFirst() }
        if !text.hasPrefix("-"), !text.hasPrefix("+") {
            text = (spec.plus ? "+" : spec.space ? " " : "") + text
        }
        return text
    }
}
