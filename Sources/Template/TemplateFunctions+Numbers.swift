import Foundation
import LogQL

/// Arithmetic. Arguments may be text; what is no number counts as 0.
extension TemplateFunctions {
    static let numbers: [String: TemplateFunction] = [
        "int": TemplateFunction([.any]) { .int(Int($0[0].asInt64)) },
        "float64": TemplateFunction([.any]) { .float($0[0].asDouble) },
        "add": TemplateFunction([], rest: .any) {
            .int64($0.values.reduce(0) { $0 &+ $1.asInt64 })
        },
        "sub": TemplateFunction([.any, .any]) { .int64($0[0].asInt64 &- $0[1].asInt64) },
        "mul": TemplateFunction([.any], rest: .any) {
            .int64($0.values.reduce(1) { $0 &* $1.asInt64 })
        },
        "div": TemplateFunction([.any, .any]) { call throws(TemplateError) in
            let (a, b) = (call[0].asInt64, call[1].asInt64)
            guard b != 0 else { throw TemplateError("error calling div: integer divide by zero") }
            return .int64(a.dividedReportingOverflow(by: b).partialValue)
        },
        "mod": TemplateFunction([.any, .any]) { call throws(TemplateError) in
            let (a, b) = (call[0].asInt64, call[1].asInt64)
            guard b != 0 else { throw TemplateError("error calling mod: integer divide by zero") }
            return .int64(a.remainderReportingOverflow(dividingBy: b).partialValue)
        },
        "addf": TemplateFunction([], rest: .any) { call throws(TemplateError) in
            try folded(call.values.first?.asDouble ?? 0, call.values.dropFirst(), +, +)
        },
        "subf": TemplateFunction([.any], rest: .any) { call throws(TemplateError) in
            try folded(call[0].asDouble, call.values.dropFirst(), -, -)
        },
        "mulf": TemplateFunction([.any], rest: .any) { call throws(TemplateError) in
            try folded(call[0].asDouble, call.values.dropFirst(), *, *)
        },
        "divf": TemplateFunction([.any], rest: .any) { call throws(TemplateError) in
            for value in call.values.dropFirst() where value.asDouble == 0 {
                throw TemplateError("error calling divf: decimal division by 0")
            }
            return try folded(call[0].asDouble, call.values.dropFirst(), rounded, /)
        },
        "max": TemplateFunction([.any], rest: .any) {
            .int64($0.values.map(\.asInt64).max() ?? 0)
        },
        "min": TemplateFunction([.any], rest: .any) {
            .int64($0.values.map(\.asInt64).min() ?? 0)
        },
        "maxf": TemplateFunction([.any], rest: .any) {
            .float($0.values.dropFirst().reduce($0[0].asDouble) { Swift.max($0, $1.asDouble) })
        },
        "minf": TemplateFunction([.any], rest: .any) {
            .float($0.values.dropFirst().reduce($0[0].asDouble) { Swift.min($0, $1.asDouble) })
        },
        "ceil": TemplateFunction([.any]) { .float($0[0].asDouble.rounded(.up)) },
        "floor": TemplateFunction([.any]) { .float($0[0].asDouble.rounded(.down)) },
        "round": TemplateFunction([.any, .int], rest: .float) { .float(rounded($0)) },
        "bytes": TemplateFunction([.text]) { call throws(TemplateError) in
            guard let amount = ByteText.parse(call.string(0)) else {
                throw TemplateError("error calling bytes: cannot read \"\(call.string(0))\"")
            }
            return .float(Double(amount))
        },
        "duration": seconds,
        "duration_seconds": seconds,
    ]

    private static let seconds = TemplateFunction([.text]) { call throws(TemplateError) in
        guard let span = DurationText.parseGo(call.string(0)) else {
            throw TemplateError("error calling duration: invalid duration \"\(call.string(0))\"")
        }
        return .float(Double(span) / 1e9)
    }

    /// Digits behind the point of a quotient.
    private static let quotientDigits = 16

    private static func rounded(_ a: Decimal, _ b: Decimal) -> Decimal {
        var quotient = a / b
        var out = Decimal()
        NSDecimalRound(&out, &quotient, quotientDigits, .plain)
        return out
    }

    /// In decimals, so that 0.1 + 0.2 is 0.3; beyond their range in binary.
    private static func folded(
        _ first: Double, _ rest: ArraySlice<TemplateValue>, _ apply: (Decimal, Decimal) -> Decimal,
        _ plain: (Double, Double) -> Double
    ) throws(TemplateError) -> TemplateValue {
        let inRange: (Double) -> Bool = { $0 == 0 || (1e-30...1e30).contains(abs($0)) }
        var binary = first
        var exact: Decimal? = inRange(first) ? Decimal(string: "\(first)") : nil
        for value in rest {
            let number = value.asDouble
            guard number.isFinite, binary.isFinite else {
                throw TemplateError("cannot create a decimal from \(number)")
            }
            binary = plain(binary, number)
            if let before = exact, inRange(number), inRange(binary),
                let next = Decimal(string: "\(number)")
            {
                exact = apply(before, next)
            } else {
                exact = nil
            }
        }
        return .float(exact.flatMap { Double("\($0)") } ?? binary)
    }

    /// To a number of places; from which fraction on it goes up may be given.
    private static func rounded(_ call: TemplateCall) -> Double {
        var up = 0.5
        if call.values.count > 2, case .float(let value) = call[2] { up = value }
        let power = pow(10, Double(call.int(1)))
        let digit = power * call[0].asDouble
        let fraction = digit - digit.rounded(.towardZero)
        return (fraction >= up ? digit.rounded(.up) : digit.rounded(.down)) / power
    }
}
