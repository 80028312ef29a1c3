import LogQL

/// A function that templates may call, with the types that Go would want of its arguments.
struct TemplateFunction: Sendable {
    enum Kind: Sendable { case any, text, int, float, bool, time }

    let parameters: [Kind]
    /// Of arguments beyond the parameters; nil when there are none.
    let rest: Kind?
    let body: @Sendable (TemplateCall) throws(TemplateError) -> TemplateValue

    init(
        _ parameters: [Kind], rest: Kind? = nil,
        _ body: @escaping @Sendable (TemplateCall) throws(TemplateError) -> TemplateValue
    ) {
        self.parameters = parameters
        self.rest = rest
        self.body = body
    }

    func kind(of index: Int) -> Kind? { index < parameters.count ? parameters[index] : rest }

    func check(_ name: String, _ values: [TemplateValue]) throws(TemplateError) {
        guard values.count == parameters.count || (rest != nil && values.count > parameters.count)
        else {
            throw TemplateError(
                "wrong number of args for \(name): want \(rest == nil ? "" : "at least ")"
                    + "\(parameters.count) got \(values.count)")
        }
        for (index, value) in values.enumerated() {
            let fits: Bool
            switch (kind(of: index), value) {
            case (.any, _), (.text, .text), (.int, .int), (.float, .float), (.bool, .bool),
                (.time, .time):
                fits = true
            default: fits = false
            }
            guard fits else {
                throw TemplateError(
                    "error calling \(name): wrong type for argument \(index + 1): got "
                        + value.typeName)
            }
        }
    }
}

/// The arguments of one call, checked, and what a function may look at besides.
struct TemplateCall {
    let values: [TemplateValue]
    let input: TemplateInput
    let regexps: RegexpCache

    subscript(_ index: Int) -> TemplateValue { values[index] }

    /// The bytes of an argument that was checked to be text.
    func text(_ index: Int) -> [UInt8] {
        if case .text(let text) = values[index] { text } else { [] }
    }

    func string(_ index: Int) -> String { String(decoding: text(index), as: UTF8.self) }

    /// The number of an argument that was checked to be an int.
    func int(_ index: Int) -> Int { Int(values[index].integer ?? 0) }

    func time(_ index: Int) -> GoTime {
        if case .time(let time) = values[index] { time } else { .zero }
    }
}

/// Values read as numbers, whatever they are: text that is no number is 0.
extension TemplateValue {
    var asInt64: Int64 {
        switch self {
        case .int(let value): return Int64(value)
        case .int64(let value): return value
        case .float(let value):
            return value.isNaN ? 0 : Int64(exactly: value.rounded(.towardZero)) ?? .min
        case .bool(let flag): return flag ? 1 : 0
        case .text(let bytes):
            let text = String(decoding: bytes, as: UTF8.self)
            // Of "3.9" the whole part counts.
            guard let point = text.firstIndex(of: "."),
                text[text.index(after: point)...].allSatisfy({ ("0"..."9").contains($0) })
            else { return GoNumber.parseInt(text) ?? 0 }
            return GoNumber.parseInt(String(text[..<point])) ?? 0
        default: return 0
        }
    }

    var asDouble: Double {
        switch self {
        case .int(let value): Double(value)
        case .int64(let value): Double(value)
        case .float(let value): value
        case .bool(let flag): flag ? 1 : 0
        case .text(let bytes): NumberText.parse(String(decoding: bytes, as: UTF8.self)) ?? 0
        default: 0
        }
    }

    /// True for zero, nothing and empty: what `default` replaces.
    func isEmpty(_ input: TemplateInput) -> Bool {
        if case .time(let time) = self {
            return time.seconds == GoTime.zero.seconds && time.nanosecond == 0
        }
        return !isTrue(input)
    }
}
